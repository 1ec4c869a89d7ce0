//! What a page says, and what is wrong with one.

use super::*;
use model::Level;

const PAGE: &str = r#"# Bulk export

Someone pulls far more rows than usual.

```yaml
## not a heading: inside a fence
```

## Fires on many rows

Prose.

```history
x3 every 1d {"time":"2026-03-02T10:00:00Z","id":"h-{n}"}
```

```events
{"time":"2026-03-09T10:00:00Z","actor":{"id":"ana"}}
```

```expect
alert high ana bulk_export
```

## First questions

Was there a ticket?

## Stays quiet on few

```events
{"a":1}

{"a":2}
```

```expect
```
"#;

fn page() -> Page {
    parse("p.md", PAGE).unwrap()
}

#[track_caller]
fn check_problems(text: &str, expected: &[&str]) {
    let problems = parse("p.md", text).unwrap_err();
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn headings_with_an_expect_fence_are_cases_and_the_rest_is_prose() {
    let page = page();
    assert_eq!(page.title, "Bulk export");
    let headings: Vec<_> = page.cases.iter().map(|it| (it.heading.as_str(), it.line)).collect();
    assert_eq!(headings, [("Fires on many rows", 9), ("Stays quiet on few", 29)]);
}

#[test]
fn events_keep_their_lines() {
    let quiet = &page().cases[1];
    let events: Vec<_> = quiet.events.iter().map(|it| (it.line, it.text.as_str())).collect();
    assert_eq!(events, [(32, r#"{"a":1}"#), (34, r#"{"a":2}"#)]);
    assert_eq!(quiet.expect, []);
}

#[test]
fn expectations_name_level_actor_and_rule() {
    let expected = Expected { is_shadow: false, level: Level::High, actor: "ana".into(), rule: "bulk_export".into(), line: 22 };
    assert_eq!(page().cases[0].expect, [expected]);
}

#[test]
fn a_repetition_moves_the_time_and_numbers_itself() {
    let texts: Vec<_> = page().cases[0].history.iter().map(|it| it.text.clone()).collect();
    assert_eq!(
        texts,
        [
            r#"{"time":"2026-03-02T10:00:00.000Z","id":"h-0"}"#,
            r#"{"time":"2026-03-03T10:00:00.000Z","id":"h-1"}"#,
            r#"{"time":"2026-03-04T10:00:00.000Z","id":"h-2"}"#,
        ]
    );
}

#[test]
fn the_times_of_other_sources_are_moved_too() {
    let text = "## a\n```events\nx2 every 90s {\"@timestamp\":1754000000000,\"created_at\":1754000000000}\nx2 every 1s {\"eventTime\":\"2026-01-01T00:00:00Z\"}\n```\n```expect\n```\n";
    let page = parse("p.md", text).unwrap();
    let texts: Vec<_> = page.cases[0].events.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            r#"{"@timestamp":1754000000000,"created_at":1754000000000}"#,
            r#"{"@timestamp":1754000090000,"created_at":1754000090000}"#,
            r#"{"eventTime":"2026-01-01T00:00:00.000Z"}"#,
            r#"{"eventTime":"2026-01-01T00:00:01.000Z"}"#,
        ]
    );
}

#[test]
fn an_actor_with_blanks_is_quoted() {
    for actor in ["ana", "ana maría", "a\"b", "", "arn:aws:iam::1:user/x"] {
        let expected =
            Expected { is_shadow: actor.len() > 3, level: Level::Low, actor: actor.to_owned(), rule: "a_rule".to_owned(), line: 7 };
        assert_eq!(Expected::parse(&expected.to_string(), 7), Ok(expected));
    }
}

#[test]
fn rewriting_an_expectation_changes_nothing_else() {
    let fired = rewrite_expect(PAGE, 1, &["alert low bob other".to_owned(), "alert low eve other".to_owned()]);
    assert_eq!(fired.replace("alert low bob other\nalert low eve other\n", ""), PAGE);
    assert_eq!(parse("p.md", &fired).unwrap().cases[1].expect.len(), 2);
    assert_eq!(rewrite_expect(&fired, 1, &[]), PAGE);
    assert_eq!(rewrite_expect(PAGE, 0, &["alert high ana bulk_export".to_owned()]), PAGE);
    assert_eq!(rewrite_expect(PAGE, 2, &["alert high ana bulk_export".to_owned()]), PAGE);
}

#[test]
fn windows_line_ends_are_kept() {
    let page = PAGE.replace('\n', "\r\n");
    let rewritten = rewrite_expect(&page, 1, &["alert low bob other".to_owned()]);
    assert!(rewritten.ends_with("```expect\r\nalert low bob other\r\n```\r\n"), "{rewritten}");
}

#[test]
fn every_problem_is_told_with_its_line() {
    check_problems(
        "```events\n{}\n```\n## a\n```events\nx2 {}\nx0x every 1d {}\nx2 every 1 {}\nx2 every 1d []\nx2 every 1d {}\nx2000000 every 1d {}\n```\n```expect\nalert loud ana rule\nalert low ana\nping\n```\n```expect\n```\n",
        &[
            "p.md:1:1: error: a fence `events` before the first `## ` heading",
            "p.md:6:1: error: a repetition is `x60 every 1d {…}`; `every` is missing",
            "p.md:7:1: error: `x0x` is not a number of repetitions",
            "p.md:8:1: error: `1` is not a timespan",
            "p.md:9:1: error: the repeated event is not an object",
            "p.md:10:1: error: the repeated event has no time; it is looked for in time, eventTime, published, @timestamp, created_at, p_event_time",
            "p.md:11:1: error: x2000000 makes too many events for one page",
            "p.md:14:1: error: `loud` is not a level",
            "p.md:15:1: error: an expectation is `alert <level> <actor> <rule>`, or `shadow …` of a rule in shadow; the rule is missing",
            "p.md:16:1: error: an expectation is `alert <level> <actor> <rule>`, or `shadow …` of a rule in shadow, not `ping`",
            "p.md:18:1: error: a second fence `expect` in one case",
        ],
    );
}

#[test]
fn repetitions_are_bounded_in_bytes_too() {
    let long = "a".repeat(1_000);
    let page = format!("## a\n```events\nx900000 every 1s {{\"time\":0,\"a\":\"{long}\"}}\n```\n```expect\n```\n");
    check_problems(&page, &["p.md:3:1: error: x900000 makes too many events for one page"]);
}

#[test]
fn half_a_case_is_a_problem() {
    check_problems("## a\n```events\n{}\n```\n", &["p.md:1:1: error: `a` has events, but no fence `expect`"]);
    check_problems("## a\n```expect\n```\n", &["p.md:1:1: error: `a` has a fence `expect`, but no events"]);
    check_problems("# t\n```yaml\nx\n", &["p.md:2:1: error: a fence that is not closed"]);
}

#[test]
fn a_page_may_wait() {
    let page = parse("p.md", "## A\n\n```events\n{\"a\":1}\nwait 20m\n```\n\n```expect\n```\n").unwrap();
    let waits: Vec<_> = page.cases[0].events.iter().map(EventLine::wait_ms).collect();
    assert_eq!(waits, [None, Some(1_200_000)]);
    check_problems(
        "## A\n\n```events\nwait for it\n```\n\n```expect\n```\n",
        &["p.md:4:1: error: `wait for it` is not `wait 20m`"],
    );
}

#[test]
fn a_misspelled_fence_of_a_case_is_told_and_others_are_prose() {
    check_problems(
        "## a\n```event\n{}\n```\n```histroy\n{}\n```\n~~~Expects\n~~~\n```json\n{}\n```\n",
        &[
            "p.md:2:1: error: a fence `event` is no part of a case; did you mean `events`?",
            "p.md:5:1: error: a fence `histroy` is no part of a case; did you mean `history`?",
            "p.md:8:1: error: a fence `Expects` is no part of a case; did you mean `expect`?",
        ],
    );
    assert_eq!(parse("p.md", "# t\n```event\n{}\n```\n").unwrap().cases, []);
}

#[test]
fn fences_are_those_of_markdown() {
    let page = parse("p.md", "## a\n~~~events\n{\"a\":1}\n~~~\n   ````expect x\n   ````\n    ```events\n").unwrap();
    assert_eq!((page.cases.len(), page.cases[0].events.len()), (1, 1));
    assert_eq!(parse("p.md", "## a\n~~~text\n```events\n~~~\n").unwrap().cases, [], "a fence in a fence is a text");
}

#[test]
fn lines_that_would_do_nothing_are_told() {
    check_problems(
        "## A\n```events\nx0 every 1d {\"time\":0}\nwait\n```\n```expect\n```\n",
        &["p.md:3:1: error: `x0` repeats nothing: leave the line out", "p.md:4:1: error: `wait` is not `wait 20m`"],
    );
}

fn work(line: &str) -> Vec<String> {
    let page = parse("p.md", &format!("## A\n```history\n{line}\n```\n```events\n{{}}\n```\n```expect\n```\n")).unwrap();
    page.cases[0].history.iter().map(|it| it.text.clone()).collect()
}

#[test]
fn work_comes_on_workdays_within_its_hours_and_always_the_same() {
    let line = r#"x3 over 2h on 3 workdays {"time":"2026-03-05T09:00:00Z","id":"{n}"}"#;
    let texts = work(line);
    // 2026-03-05 is a Thursday.
    let days: Vec<&str> = texts.iter().map(|it| it.split("-03-").nth(1).unwrap().get(..2).unwrap()).collect();
    assert_eq!(days, ["05", "05", "05", "06", "06", "06", "09", "09", "09"]);
    let hours: Vec<&str> = texts.iter().map(|it| it.split('T').nth(1).unwrap().get(..2).unwrap()).collect();
    assert!(hours.iter().all(|it| ["09", "10"].contains(it)), "{hours:?}");
    assert!(texts.iter().enumerate().all(|(at, it)| it.contains(&format!("\"id\":\"{at}\""))), "{texts:?}");
    assert!(texts.is_sorted_by_key(|it| repeat::time_ms(it)), "{texts:?}");
    let within = |it: &str| repeat::time_ms(it).unwrap() % 86_400_000;
    assert_ne!(within(&texts[0]), within(&texts[3]), "two days are not alike");
    assert_eq!(work(line), texts);
    assert_eq!(work(&line.replace("workdays", "days")).last().unwrap().split("-03-").nth(1).unwrap().get(..2), Some("07"));
}

#[test]
fn work_of_several_people_is_of_the_same_weeks() {
    let people = ["ana", "bo"].map(|who| format!(r#"x1 over 8h on 2 days {{"time":"2026-03-05T09:00:00Z","a":"{who}"}}"#));
    let texts = work(&people.join("\n"));
    let days: Vec<&str> = texts.iter().map(|it| it.split("-03-").nth(1).unwrap().get(..2).unwrap()).collect();
    assert_eq!(days, ["05", "05", "06", "06"]);
    let waited = format!("{}\nwait 1h\n{}", people[1].replace("05T", "08T"), people[0]);
    let texts = work(&waited);
    assert!(texts[0].contains("bo") && texts[2] == "wait 1h" && texts[3].contains("ana"), "{texts:?}");
}

#[test]
fn what_is_wrong_with_work_is_told() {
    check_problems(
        "## A\n```history\nx2 over 8h {\"time\":0}\nx2 over 8h on 3 workdays\nx2 over 2d on 3 days {\"time\":0}\nx0 over 1h on 3 days {\"time\":0}\nx2 over 1h on many days {\"time\":0}\nx2 over 1h on 3 weeks {\"time\":0}\nx2 over 1h on 3 days {\"a\":0}\nx9999 over 1h on 9999 days {\"time\":0}\n```\n```events\nx2 over 1h on 3 days {\"time\":0}\n```\n```expect\n```\n",
        &[
            "p.md:3:1: error: work is `x20 over 8h on 30 workdays {…}`, or `… on 30 days {…}`, not `8h`",
            "p.md:4:1: error: work is `x20 over 8h on 30 workdays {…}`, or `… on 30 days {…}`; the event is missing",
            "p.md:5:1: error: `over 2d`: a day of work has at most 24 hours",
            "p.md:6:1: error: x0 on 3 days is no work: leave the line out",
            "p.md:7:1: error: `many` is not a number of days",
            "p.md:8:1: error: work is `x20 over 8h on 30 workdays {…}`, or `… on 30 days {…}`, not `weeks`",
            "p.md:9:1: error: the repeated event has no time; it is looked for in time, eventTime, published, @timestamp, created_at, p_event_time",
            "p.md:10:1: error: x9999 on 9999 days makes too many events for one page",
            "p.md:13:1: error: weeks of work belong into a fence `history`: here every event counts",
        ],
    );
}
