//! Rules and events made by the bytes: the compiled matcher gives the verdicts of the naive interpreter.
#![no_main]
#![allow(dead_code, reason = "the tests use more of the oracle than this")]

#[path = "../../it/choices.rs"]
mod choices;
#[path = "../../it/oracle/mod.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;

/// How many bytes make a rule, and how many an event.
const RULE_BYTES: usize = 96;
const EVENT_BYTES: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some((first, tapes)) = data.split_first() else { return };
    let zone = ["UTC", "Asia/Kathmandu", "America/New_York"][usize::from(first >> 4) % 3];
    // Up to four rules come first, then the events.
    let (rules, events) = tapes.split_at(tapes.len().min(RULE_BYTES * (1 + usize::from(first & 3))));
    let cut = |tapes: &[u8], bytes: usize| tapes.chunks(bytes).map(<[u8]>::to_vec).collect::<Vec<_>>();
    if let Some(difference) = oracle::first_difference(&cut(rules, RULE_BYTES), &cut(events, EVENT_BYTES), zone) {
        panic!("{difference}");
    }
});
