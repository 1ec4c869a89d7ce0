//! The rules of `SigmaHQ`, for tests.

use crate::lists::Lists;
use std::io::Read;
use std::path::PathBuf;

/// The rules as (path, text); `None` where the corpus is absent.
pub(crate) fn rules() -> Option<Vec<(String, String)>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/sigma/rules.tar.gz");
    #[expect(clippy::disallowed_methods, reason = "a test reads its corpus")]
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut rules = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        if entry.path().unwrap().extension().is_some_and(|it| it == "yml") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            rules.push((path, text));
        }
    }
    Some(rules)
}

/// The lists that the corpus's placeholders name, each with an entry.
pub(crate) fn lists(rules: &[(String, String)]) -> Lists {
    let mut lists = Lists::default();
    for (_, text) in rules.iter().filter(|(_, text)| text.contains("|expand")) {
        for name in text.split('%').skip(1).step_by(2) {
            lists.insert(name, vec!["entry".to_owned()]);
        }
    }
    lists
}
