//! What the guides say is done here as it stands there, command by command, in a fresh copy of the rules.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One step of the guide.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// A fence `yaml path` or `markdown path`: the file now looks so.
    File { path: String, text: String },
    /// A line `$ …` of a fence `console`, and the lines that it prints.
    Command { line: usize, command: String, prints: Vec<String> },
}

fn steps(guide: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = guide.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        if ticks < 3 {
            continue;
        }
        let (fence, words) = line.split_at(ticks);
        let inside: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, it)| *it != fence).collect();
        match words.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["console"] => commands(&inside, &mut steps),
            ["yaml" | "markdown", path] => {
                let text = inside.iter().flat_map(|(_, it)| [it, "\n"]).collect();
                steps.push(Step::File { path: (*path).to_owned(), text });
            }
            _ => {}
        }
    }
    steps
}

fn commands(inside: &[(usize, &str)], steps: &mut Vec<Step>) {
    for (number, line) in inside {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                steps.push(Step::Command { line: number + 1, command: command.to_owned(), prints: Vec::new() });
            }
            (None, Some(Step::Command { prints, .. })) => prints.push((*line).to_owned()),
            (None, _) => panic!("line {}: output before the first command", number + 1),
        }
    }
}

/// The parts of `prints` between ellipses stand in `output` in their order.
#[track_caller]
fn check_output(line: usize, prints: &[String], output: &str) {
    let mut rest = output;
    for part in prints.iter().flat_map(|it| it.split('…')).map(str::trim).filter(|it| !it.is_empty()) {
        let Some(at) = rest.find(part) else { panic!("line {line} of the guide: `{part}` is not, or not there, in\n{output}") };
        rest = &rest[at + part.len()..];
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_all(&path, &target) } else { _ = fs::copy(&path, &target).unwrap() }
    }
}

/// Does what the guide says, in a fresh copy of the rules; it has at least so many commands.
#[track_caller]
fn check_guide(name: &str, commands: usize) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let guide = fs::read_to_string(root.join("docs").join(name)).unwrap();
    let place = std::env::temp_dir().join(format!("nightjar-guide-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    copy_all(&root.join("rules"), &place.join("rules"));
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_nightjar"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut count = 0;
    for step in steps(&guide) {
        match step {
            Step::File { path, text } => {
                assert!(place.join(&path).exists(), "the guide starts {path} with `rules new`");
                fs::write(place.join(path), text).unwrap();
            }
            Step::Command { line, command, prints } => {
                count += 1;
                let script = format!("{{ {command}\n}} 2>&1");
                let ran =
                    Command::new("sh").args(["-c", &script]).current_dir(&place).env("PATH", &path).env("NO_COLOR", "1").output();
                let ran = ran.unwrap();
                let output = String::from_utf8(ran.stdout).unwrap();
                assert!(ran.status.success(), "line {line} of the guide: {command}\n{output}");
                check_output(line, &prints, &output);
            }
        }
    }
    assert!(count >= commands, "the guide has {count} commands");
    fs::remove_dir_all(&place).unwrap();
}

#[test]
fn the_guide_for_rule_writers_works_as_printed() {
    check_guide("writing-rules.md", 10);
}

#[test]
fn the_guide_to_the_tabletop_works_as_printed() {
    check_guide("tabletop.md", 4);
}

#[test]
fn the_guide_to_behaviour_works_as_printed() {
    check_guide("behaviour.md", 4);
}

#[test]
fn a_guide_is_read_as_files_and_commands_with_what_they_print() {
    let guide = "x\n```console\n$ a b\none\n…\n$ c\n```\n````markdown d.md\n```expect\n```\n````\n```sh\n$ no\n```\n";
    let wanted = [
        Step::Command { line: 3, command: "a b".to_owned(), prints: vec!["one".to_owned(), "…".to_owned()] },
        Step::Command { line: 6, command: "c".to_owned(), prints: Vec::new() },
        Step::File { path: "d.md".to_owned(), text: "```expect\n```\n".to_owned() },
    ];
    assert_eq!(steps(guide), wanted);
}

#[test]
#[should_panic(expected = "`c` is not, or not there")]
fn output_in_another_order_is_noticed() {
    check_output(1, &["a".to_owned(), "b … c".to_owned()], "a c b");
}
