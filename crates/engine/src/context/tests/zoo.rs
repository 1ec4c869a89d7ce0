//! What is wrong with files, and what is said of it.

use super::{loaded, sound};
use crate::context::{File, Table, Taxonomy, load};
use proptest::prelude::*;

/// The problems of one file, each `line: message (hint)`.
#[track_caller]
fn check(name: &str, text: &str, expected: &[&str]) {
    let found: Vec<String> = loaded(&[(name, text)])
        .problems
        .iter()
        .map(|it| format!("{}: {}{}", it.line, it.message, it.hint.as_ref().map_or(String::new(), |it| format!(" ({it})"))))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_table_without_a_column_that_it_needs_is_refused() {
    check(
        "tickets.csv",
        "ticket,assignee\nCS-1,ana\n",
        &[
            "1: the table `tickets` has no column `id`; there are: ticket, assignee (columns are separated by commas, and the first line names them)",
        ],
    );
    check("roster.csv", "id,role,id\n", &["1: the column `id` is there 2 times (leave one of them)"]);
}

#[test]
fn a_row_that_cannot_be_used_is_left_out_with_its_line_and_what_to_do() {
    check(
        "tickets.csv",
        "id,opened,closed\nCS-1,yesterday,\n,2026-03-02,\nCS-3,2026-03-03,2026-03-01\nCS-4,2026-03-03,\n",
        &[
            "2: `opened`: `yesterday` is no time (write a day (2026-03-02) or an instant (2026-03-02T09:00:00Z))",
            "3: no `id` (every row needs one)",
            "4: `closed` is before `opened` (the ticket would be open at no time)",
        ],
    );
    check(
        "roster.csv",
        "id,tz\nana,Europe/Dubln\n",
        &["2: `tz`: no time zone is called `Europe/Dubln` (write an IANA name such as Europe/Dublin)"],
    );
    check(
        "roster.csv",
        "id,role\nana\nben,agent\n",
        &["2: a row of 1 fields where the header has 2 (the row is left out; quote fields with commas in them)"],
    );
    check(
        "devices.csv",
        "id,managed\nd-1,perhaps\n",
        &["2: `managed`: `perhaps` is neither true nor false (write `true` or `false`)"],
    );
    check(
        "networks.csv",
        "network\n10.0.0.0/40\n",
        &["2: `network`: `10.0.0.0/40` is no network (write an address and a length: 10.0.0.0/8)"],
    );
    check("holidays.csv", "date\n25 December\n", &["2: `date`: `25 December` is no day (write 2026-12-25)"]);
    check(
        "schedules.csv",
        "days,begin,finish,team\nmo-fr,9,17:00,emea\n",
        &[
            "2: `days`: `mo-fr` are no days (write `mon-fri`, `sat;sun` or `daily`)",
            "2: `begin`: `9` is no time of day (write hours and minutes (09:00))",
        ],
    );
    check(
        "schedules.csv",
        "days,begin,finish,team,role\ndaily,09:00,17:00,,\n",
        &["2: whose hours these are is not said once (fill one of `actor`, `team`, `role` and `site`)"],
    );
    check(
        "entitlements.csv",
        "role,tool,actions,ticket\nagent,console,a*b,maybe\n",
        &[
            "2: `actions`: `a*b` is no action pattern (write a whole name, or its beginning and one `*`)",
            "2: `ticket`: `maybe` is neither `needed` nor `not_needed` (leave it empty for what the taxonomy says)",
        ],
    );
    check("resources.csv", "kind,id\ntable,users\n", &["2: `kind`: `table` is neither `tool` nor `dataset` (write one of these)"]);
    check(
        "leave.csv",
        "actor,start,end\nana,2026-03-05,2026-03-01\n",
        &["2: `end` is not after `start` (the row would hold at no time)"],
    );
    check("corporate_networks.txt", "10.0.0.0/8\nours\n", &["1: `ours` is no network"]);
}

#[test]
fn lines_of_json_are_judged_one_by_one() {
    check(
        "tickets.ndjson",
        "{\"id\":\"CS-1\"}\n[1]\n{\"id\":{\"a\":1}}\n{\"id\":\"CS-2\"\n{\"id\":[\"a\",\"b\"]}\n",
        &[
            "2: a row has to be a JSON object",
            "3: `id` is neither a value nor a list of values (the row is left out)",
            "4: not JSON: EOF while parsing an object at line 1 column 12",
            "5: `id` is a list (write a single value)",
        ],
    );
}

#[test]
fn what_is_odd_is_told_and_used() {
    check(
        "roster.csv",
        "id,start,last_day\nana,2026-03-02,2025-03-02\n",
        &["2: `last_day` is before `start` (this person never works)"],
    );
    check("roster.csv", "id,manger\nana,ben\n", &["1: nobody reads the column `manger` (did you mean `manager`?)"]);
    // A column of the organisation's own is nobody's mistake: rules may name it in a placeholder.
    check("roster.csv", "id,cost_centre\nana,7\n", &[]);
}

#[test]
fn a_value_with_control_characters_is_refused() {
    check("roster.ndjson", "{\"id\":\"a\\u001e\"}\n", &["1: `id` has a control character; the row is left out"]);
}

#[test]
fn only_the_first_problems_of_a_file_are_told_and_the_others_counted() {
    let text = format!("id,opened\n{}", "x,never\n".repeat(60));
    let problems = loaded(&[("tickets.csv", &text)]).problems;
    assert_eq!((problems.len(), problems[50].message.as_str()), (51, "10 more problems in this file are not shown"));
}

#[test]
fn of_two_files_for_one_table_the_first_is_used() {
    let loaded = loaded(&[("roster.csv", "id\nana\n"), ("roster.ndjson", "{\"id\":\"ben\"}\n")]);
    assert_eq!(loaded.problems[0].message, "the table `roster` is already taken by roster.csv");
    assert!(loaded.context.names.find("ana").is_some() && loaded.context.names.find("ben").is_none());
}

#[test]
fn people_and_tickets_that_contradict_themselves_are_remarked() {
    let loaded = loaded(&[
        (
            "roster.csv",
            "id,role,manager,type,from\nana,a,ben,employee,\nben,a,cyd,servce,\ncyd,a,ana,,\ndan,a,ana,,\ndan,b,ana,,\neve,a,dan,,2026-01-01\neve,b,dan,,2026-02-01\n",
        ),
        (
            "tickets.csv",
            "id,targets,assignee,opened,closed\nCS-1,7,ana,2026-03-02,2026-03-05\nCS-1,7,ben,2026-03-03,2026-03-05\nCS-2,7,ana,2026-03-02,2026-03-05\nCS-2,7,ana,2026-03-08,2026-03-09\n",
        ),
    ]);
    let remarks: Vec<String> =
        loaded.tables.iter().flat_map(|it| &it.remarks).map(|it| format!("{}: {}", it.what, it.examples.join(" "))).collect();
    assert_eq!(
        remarks,
        [
            "people with several rows from the same time on, of which the last is used: dan",
            "people who are above themselves, through their managers: ana ben cyd",
            "words for `type` that mean nothing here (employee, contractor and service do): servce",
            "tickets with rows that are open at the same time, all of which hold: CS-1",
        ]
    );
}

#[test]
fn what_does_not_fit_together_is_remarked() {
    let loaded = loaded(&[
        ("roster.csv", "id,role,manager,type\nana,agent,zoe,employee\nben,,,employee\nsvc,,,service\n"),
        ("tickets.csv", "id,targets,assignee,opened\nCS-1,,,2026-03-02\nCS-2,1,kim,\n"),
        ("entitlements.csv", "role,tool\nlead,console\n"),
    ]);
    let remarks: Vec<String> = (loaded.tables.iter())
        .flat_map(|table| {
            table.remarks.iter().map(move |it| format!("{}: {} {} ({})", table.name, it.count, it.what, it.examples.join(" ")))
        })
        .collect();
    assert_eq!(
        remarks,
        [
            "roster: 1 people without a manager (ben)",
            "roster: 1 managers who are not in the roster (zoe)",
            "roster: 1 people without a role (ben)",
            "roster: 1 roles without entitlements (agent)",
            "tickets: 1 tickets without a target (CS-1)",
            "tickets: 1 tickets that are nobody's (CS-1)",
            "tickets: 1 tickets without a time of opening (CS-2)",
            "tickets: 1 assignees who are not in the roster (kim)",
            "entitlements: 1 roles that nobody in the roster has (lead)",
        ]
    );
}

#[test]
fn a_byte_order_mark_and_other_line_ends_are_no_matter() {
    let context = sound(&[("roster.csv", "\u{feff}ID,Role\r\nana,agent\r\n")]);
    assert!(context.roster.person(context.names.find("ana").unwrap(), 0).is_some());
}

proptest! {
    #[test]
    fn no_text_panics(table in 0_usize..Table::ALL.len(), text in "[\\PC\n,;\"{}\\[\\]:]{0,200}", is_csv: bool) {
        let table = Table::ALL[table];
        let name = format!("{}.{}", table.name(), if is_csv { "csv" } else { "ndjson" });
        let with_header = format!("{}\n{text}", table.columns().join(","));
        for text in [text, with_header] {
            let _ = load(&[File::new(name.clone(), text)], Taxonomy::default());
        }
    }
}
