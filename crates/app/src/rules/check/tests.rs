use super::*;
use sigma::problem::{Code, Problem};

fn texts(file: &str, text: &str) -> Texts {
    Texts {
        files: vec![(file.to_owned(), text.to_owned())],
        pages: Vec::new(),
        lists: sigma::lists::Lists::default(),
        list_files: Vec::new(),
        problems: Vec::new(),
    }
}

fn problem(line: usize, column: usize, end: usize) -> Problem {
    let mut problem =
        Problem::new(Code::UnusedSelection, "r.yml", line, column, "the selection `é` is not used").with_hint("remove it");
    problem.end_column = Some(end);
    problem
}

/// A picture without colours.
fn drawn(problem: &Problem, text: &str, width: usize) -> String {
    anstream::adapter::strip_str(&text::picture(problem, Some(text), width)).to_string()
}

#[test]
fn a_picture_shows_code_line_and_hint() {
    let shown = drawn(&problem(2, 3, 4), "title: T\n  é: 1\n  b: 2\n", 80);
    for part in ["NJ0210 unused-selection", "the selection `é` is not used", "r.yml:2:3", "2 │   é: 1", "remove it"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines.iter().position(|it| it.contains("é: 1")).unwrap();
    let column = |line: &str, what: char| line.chars().position(|it| it == what).unwrap();
    let mark = lines[at + 1].chars().position(|it| matches!(it, '─' | '┬' | '▲')).unwrap();
    assert_eq!(column(lines[at], 'é'), mark, "{shown}");
}

#[test]
fn the_place_of_a_picture_counts_characters() {
    let shown = drawn(&problem(1, 7, 9), "日本é: xx\n", 80);
    assert!(shown.contains("[r.yml:1:7]"), "{shown}");
}

#[test]
fn a_place_beyond_the_end_of_the_file_is_shown_all_the_same() {
    for (line, column, end) in [(9, 9, 12), (1, 50, 60), (1, 5, 2), (0, 0, 0)] {
        assert!(drawn(&problem(line, column, end), "a: 1\n", 80).contains("NJ0210"));
    }
}

#[test]
fn nothing_in_a_file_steers_the_terminal() {
    let evil = "a: \"\u{1b}[2J\"\u{202e} # x\r\n";
    for width in [40, 80] {
        let mut it = problem(1, 4, 8);
        it.message = format!("{}{evil}", it.message);
        let shown = drawn(&it, evil, width);
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\r']), "{shown:?}");
    }
}

#[test]
fn sarif_has_what_code_scanning_asks_for() {
    let problems = [problem(1, 1, 3), problem(1, 1, 3)];
    let log = sarif::log(&problems, &texts("r.yml", "a: 1\n"));
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Code::ALL.len());
    for rule in rules {
        for key in ["id", "name"] {
            assert!(rule[key].is_string());
        }
        for key in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[key]["text"].as_str().is_some_and(|it| !it.is_empty()), "{rule}");
        }
        assert!(["error", "warning", "note"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    let results = run["results"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "r.yml");
        assert_eq!((place["region"]["startLine"].as_u64(), place["region"]["endColumn"].as_u64()), (Some(1), Some(3)));
        assert!(result["message"]["text"].as_str().unwrap().contains("not used"));
    }
    assert_ne!(results[0]["partialFingerprints"], results[1]["partialFingerprints"]);
}

#[test]
fn junit_counts_errors_warnings_and_files_in_order() {
    let mut error = problem(1, 1, 2);
    error.severity = sigma::problem::Severity::Error;
    error.message = "<&>".to_owned();
    let outcome = Outcome { rules: 1, correlations: 0, problems: vec![error, problem(2, 1, 2)], allowed: 0 };
    let mut texts = texts("r.yml", "a: 1\n");
    texts.files.push(("sound.yml".to_owned(), String::new()));
    let report = junit::report(&outcome, &texts);
    assert!(report.contains("<testsuites name=\"nightjar rules check\" tests=\"3\" failures=\"1\" errors=\"1\">"), "{report}");
    assert!(report.contains("message=\"&lt;&amp;&gt;\""), "{report}");
    assert!(report.contains("<testcase name=\"check\" classname=\"sound.yml\" file=\"sound.yml\"/>"), "{report}");
}
