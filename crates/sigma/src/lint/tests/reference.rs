//! `docs/lints.md` says what the checks know.

use crate::lint::docs;
use std::path::Path;

#[test]
fn the_reference_is_what_explain_all_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lints.md");
    #[expect(clippy::disallowed_methods, reason = "a test reads what it compares")]
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let differs = written.lines().zip(docs::reference().lines().map(str::to_owned)).position(|(written, now)| written != now);
    assert!(
        written == docs::reference(),
        "docs/lints.md differs from line {:?} on: `nightjar rules check --explain all > docs/lints.md` writes it anew",
        differs.map(|it| it + 1)
    );
}
