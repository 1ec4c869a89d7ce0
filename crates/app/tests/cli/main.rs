//! The binary as people and scripts use it: flags, files, exit codes.
#![allow(clippy::unwrap_used)]

mod blind;
mod budget;
mod check;
mod context;
mod dead_letters;
mod evaluate;
mod hours;
mod lifecycle;
mod pages;
mod place;
mod rules;
mod score;
mod state;
mod states;
mod targets;
mod threads;

use place::{Place, events};
use std::fs;

#[test]
fn help_names_every_command() {
    let place = Place::new("help");
    let ran = place.run(&["--help"]);
    ran.ended(0);
    for command in ["demo", "run", "score", "rules", "simulate", "evaluate", "profile", "Exit codes"] {
        assert!(ran.out.contains(command), "{command}");
    }
    assert!(place.run(&["--version"]).ended(0).out.starts_with("nightjar "));
}

#[test]
fn completions_are_written_for_every_shell() {
    let place = Place::new("completions");
    for (shell, known) in [("bash", "complete -F"), ("zsh", "#compdef nightjar"), ("fish", "complete -c nightjar")] {
        let ran = place.run(&["completions", shell]);
        assert!(ran.ended(0).out.contains(known) && ran.out.contains("explain"), "{shell}");
    }
    place.run(&["completions", "tcsh"]).ended(2).told("bash");
}

#[test]
fn colours_are_written_when_they_are_asked_for() {
    let place = Place::new("colour");
    let list = |arguments: &[&str]| place.run(&[&["rules", "list"], arguments].concat()).ended(0).out.contains('\x1b');
    assert_eq!([list(&[]), list(&["--color", "always"]), list(&["--color=never"])], [false, true, false]);
}

#[test]
fn a_wrong_command_line_is_an_error_of_usage() {
    let place = Place::new("usage");
    place.write("events.ndjson", events().as_bytes());
    place.run(&[]).ended(2);
    place.run(&["scor"]).ended(2).told("score");
    place.run(&["score"]).ended(2);
    place.run(&["score", "events.ndjson", "--threads", "0"]).ended(2);
    place.run(&["score", "events.ndjson", "--source", "oktta"]).ended(2).told("okta");
    place.run(&["score", "events.ndjson", "--timezone", "Dublin"]).ended(2).told("Europe/Dublin");
    place.run(&["score", "events.ndjson", "--rules", "nowhere"]).ended(2).told("nowhere");
    place.run(&["score", "events.ndjson", "--context", "nowhere"]).ended(2).told("nowhere");
    place.run(&["score", "events.ndjson", "--alerts", "./events.ndjson"]).ended(2).told("overwritten");
    place.run(&["score", "events.ndjson", "--alerts", "x", "--dead-letters", "./x"]).ended(2).told("--alerts and --dead-letters");
    place.run(&["score", "events.ndjson", "--dead-letters", "x", "--stats", "rules/../x"]).ended(2).told("the same file");
    assert!(!place.0.join("x").exists());
    place.run(&["score", "events.ndjson", "--dead-letters", "/dev/null", "--stats", "/dev/null"]).ended(0);
    place.run(&["simulate", "twitter"]).ended(2).told("twitter-2020");
    assert_eq!(place.read("events.ndjson"), events());
}

#[test]
fn a_folder_without_rules_is_an_error_of_usage() {
    let place = Place::new("no-rules");
    place.write("events.ndjson", events().as_bytes());
    fs::remove_file(place.0.join("rules/rules.yml")).unwrap();
    place.run(&["score", "events.ndjson"]).ended(2).told("no rules");
    place.run(&["rules", "check", "rules"]).ended(2).told("no rules");
    place.run(&["rules", "test", "rules"]).ended(2).told("no rules");
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_input() {
    let place = Place::new("no-file");
    for (input, reason) in [("nothing.ndjson", "No such file"), ("rules", "directory")] {
        let ran = place.run(&["score", input]);
        assert_eq!(ran.ended(3).told(input).err.matches(reason).count(), 1, "{}", ran.err);
    }
}
