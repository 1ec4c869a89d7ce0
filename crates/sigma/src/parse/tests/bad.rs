//! A directory of bad rules. The first line of each says what is expected: `# expect: LINE: fragment of the message and hint`, several
//! separated by ` ;; `, and all of its errors must be there. `# loads: N` at its end says how many documents load all the same.

use crate::lists::Lists;
use crate::parse::parse_file;
use std::path::Path;

const LEAST: usize = 40;

fn lists() -> Lists {
    let mut lists = Lists::default();
    lists.insert("vips", vec!["usa".to_owned()]);
    lists.insert("leavers", vec!["eve".to_owned()]);
    lists
}

#[test]
fn every_bad_rule_is_refused_with_its_line_and_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parse/testdata/bad");
    #[expect(clippy::disallowed_methods, reason = "a test reads its cases")]
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    let mut wrong = Vec::new();
    for path in &files {
        #[expect(clippy::disallowed_methods, reason = "a test reads its cases")]
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Err(reason) = check(&name, &text) {
            wrong.push(reason);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() >= LEAST);
}

fn check(name: &str, text: &str) -> Result<(), String> {
    let first =
        text.lines().next().and_then(|it| it.strip_prefix("# expect: ")).ok_or_else(|| format!("{name}: no expectation"))?;
    let (expected, loads) = first.split_once("# loads: ").unwrap_or((first, "0"));
    let loaded = parse_file(name, text, &lists());
    let errors: Vec<String> = loaded.problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    let shown = errors.join("\n    ");
    let expected: Vec<&str> = expected.split(" ;; ").map(str::trim).collect();
    let agree = errors.len() == expected.len()
        && errors.iter().zip(&expected).all(|(error, expected)| {
            let (line, fragment) = expected.split_once(": ").expect("an expectation has a line");
            error.starts_with(&format!("{name}:{line}:")) && error.contains(fragment)
        });
    if !agree {
        return Err(format!("{name}: expected {expected:?}, found\n    {shown}"));
    }
    match loads.trim().parse::<usize>() {
        Ok(count) if count == loaded.documents.len() => Ok(()),
        _ => Err(format!("{name}: {} documents load", loaded.documents.len())),
    }
}
