//! Rule pages: read or refused, never a panic; what is read can be rewritten.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma::page;

fuzz_target!(|text: &str| {
    let Ok(read) = page::parse("fuzz.md", text) else { return };
    for index in 0..read.cases.len() {
        let rewritten = page::rewrite_expect(text, index, &[]);
        let again = page::parse("fuzz.md", &rewritten);
        assert!(again.is_err() || again.is_ok_and(|it| it.cases.len() == read.cases.len()), "{rewritten}");
    }
});
