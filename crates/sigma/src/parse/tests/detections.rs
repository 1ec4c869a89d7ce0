//! What selections become: values, modifiers, maps and lists.

use super::{load, only_rule, rule_with, show};

/// The selection `item`, a flow or block value, becomes `expected`.
#[track_caller]
fn check_selection(selection: &str, expected: &str) {
    let rule = only_rule(&rule_with(&format!("  s: {selection}\n  condition: s\n")));
    assert_eq!(show::search(&rule.selections[0].search), expected, "{selection}");
}

/// One line of a selection becomes `expected`.
#[track_caller]
fn check(line: &str, expected: &str) {
    check_selection(&format!("\n    {line}"), expected);
}

/// One line of a selection is refused with `expected` in the message and hint.
#[track_caller]
fn check_refused(line: &str, expected: &str) {
    let loaded = load(&rule_with(&format!("  s:\n    {line}\n  condition: s\n")));
    assert_eq!(loaded.documents.len(), 0, "{line}");
    let errors: Vec<String> = loaded.problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    assert!(errors[0].starts_with("dir/some_rule.yml:7:") && errors[0].contains(expected), "{errors:?}");
}

#[test]
fn values_are_taken_as_they_are_typed() {
    check("f: text", "f 'text'");
    check("f: 4624", "f = 4624");
    check("f: '4624'", "f '4624'");
    check("f: 0x10", "f = 16");
    check("f: 1.5", "f = 1.5");
    check("f: true", "f is true");
    check("f: 'true'", "f 'true'");
    check("f: null", "f is null");
    check("f:", "f is null");
    check("f: ''", "f ''");
    check("f: 2026-03-02", "f '2026-03-02'");
}

#[test]
fn a_list_of_values_is_any_of_them() {
    check("f: [a, 1, null, '']", "f ['a', = 1, is null, '']");
}

#[test]
fn wildcards_become_the_simplest_pattern() {
    check(r"f: 'C:\Windows\*'", r"f 'C:\Windows*'");
    check(r"f: 'C:\Windows\\*'", r"f 'C:\Windows\'…");
    check("f: '*x'", "f …'x'");
    check("f: a*b?c", "f wild 'a'*'b'?'c'");
    check("f: '*'", "f …");
}

#[test]
fn modifiers_say_where_a_text_stands() {
    check("f|startswith: a", "f 'a'…");
    check("f|endswith: a", "f …'a'");
    check("f|contains: a", "f …'a'…");
    check("f|contains: a*b", "f wild *'a'*'b'*");
    check("f|startswith: '*a'", "f …'a'…");
    check("f|contains: '*a*'", "f …'a'…");
    check("f|contains: ''", "f …");
    check(r"f|contains: 'a\'", r"f …'a\'…");
    check(r"f|endswith: '\cmd.exe'", r"f …'\cmd.exe'");
    check(r"f|endswith: '\*'", "f …'*'");
    check("f|contains: 10", "f …'10'…");
    check("f|contains: 0x10", "f …'0x10'…");
    check("f|startswith: true", "f 'true'…");
}

#[test]
fn all_wants_every_value() {
    check("f|contains|all: [a, b]", "f all […'a'…, …'b'…]");
    check("f|all|contains: [a, b]", "f all […'a'…, …'b'…]");
}

#[test]
fn cased_texts_keep_their_case() {
    check("f|cased: Ab", "f 'Ab' cased");
    check("f|contains|cased: Ab", "f …'Ab'… cased");
}

#[test]
fn neq_negates_the_whole_line() {
    check("f|neq: a", "f not 'a'");
    check("f|neq: [a, 1, null]", "f not ['a', = 1, is null]");
    check("f|contains|all|neq: [a, b]", "f not all […'a'…, …'b'…]");
    check("f|fieldref|neq: g", "f not Equal $g");
}

#[test]
fn regular_expressions_keep_every_character() {
    check(r"f|re: '^a\.b*\\c?$'", r"f /^a\.b*\\c?$/");
    check("f|re|i: a", "f /(?i)a/");
    check("f|re|i|m|s: a", "f /(?ims)a/");
    check("f|re: [a, b]", "f [/a/, /b/]");
    check("f|re: 10", "f /10/");
}

#[test]
fn networks_are_read_with_or_without_a_prefix() {
    check("f|cidr: 10.0.0.0/8", "f in 10.0.0.0/8");
    check("f|cidr: ['fe80::/10', '::1']", "f [in fe80::/10, in ::1/128]");
    check("f|cidr: 127.0.0.1", "f in 127.0.0.1/32");
}

#[test]
fn existence_is_a_truth_value() {
    check("f|exists: true", "f exists true");
    check("f|exists: false", "f exists false");
}

#[test]
fn fields_are_compared_with_fields() {
    check("f|fieldref: g.h", "f Equal $g.h");
    check("f|fieldref|startswith: g", "f StartsWith $g");
    check("f|endswith|fieldref: g", "f EndsWith $g");
    check("f|fieldref|contains|cased: g", "f Contains $g cased");
}

#[test]
fn numbers_are_compared() {
    check("f|lt: 1", "f < 1");
    check("f|lte: 1", "f <= 1");
    check("f|gt: 1.5", "f > 1.5");
    check("f|gte: -1", "f >= -1");
    check("f|gte: [1, 2]", "f [>= 1, >= 2]");
}

#[test]
fn parts_of_times_are_compared() {
    check("time|minute: 5", "time Minute = 5");
    check("time|hour|gte: 22", "time Hour >= 22");
    check("time|day: [1, 31]", "time [Day = 1, Day = 31]");
    check("time|week|lt: 2", "time Week < 2");
    check("time|month|lte: 12", "time Month <= 12");
    check("time|year|gt: 2025", "time Year > 2025");
    check("time|hour|neq: 12", "time not Hour = 12");
}

#[test]
fn base64_texts_are_cased() {
    check("f|base64: foo", "f 'Zm9v' cased");
    check("f|base64|contains: foo", "f …'Zm9v'… cased");
    check(r"f|base64: 'a\*b'", "f 'YSpi' cased");
    check("f|base64offset|contains: foobar", "f […'Zm9vYmFy'… cased, …'Zvb2Jhc'… cased, …'mb29iYX'… cased]");
    check("f|base64offset: foobar", "f […'Zm9vYmFy'… cased, …'Zvb2Jhc'… cased, …'mb29iYX'… cased]");
}

#[test]
fn texts_are_widened_before_base64() {
    check("f|wide|base64: foo", "f 'ZgBvAG8A' cased");
    check("f|utf16le|base64: foo", "f 'ZgBvAG8A' cased");
    check("f|utf16be|base64: foo", "f 'AGYAbwBv' cased");
    check("f|utf16|base64: foo", "f '//5mAG8AbwA=' cased");
}

#[test]
fn a_value_in_several_offsets_counts_as_one_for_all() {
    let one = |variants: [&str; 3]| format!("f […'{}'… cased, …'{}'… cased, …'{}'… cased]", variants[0], variants[1], variants[2]);
    let expected = format!("({} & {})", one(["Zm9v", "Zvb", "mb2"]), one(["YmFy", "Jhc", "iYX"]));
    check("f|base64offset|contains|all: [foo, bar]", &expected);
}

#[test]
fn dashes_stand_for_each_other() {
    check("f|windash|contains: ' -x '", "f […' -x '…, …' /x '…, …' –x '…, …' —x '…, …' ―x '…]");
    check("f|endswith|windash: /x", "f […'/x', …'-x', …'–x', …'—x', …'―x']");
    check("f|windash: a-b", "f 'a-b'");
    check("f|windash: -a*-b", &{
        let dashes = ["-", "/", "–", "—", "―"];
        let each = |second: &&str| dashes.map(|first| format!("wild '{first}a'*'{second}b'")).join(", ");
        format!("f [{}]", dashes.iter().map(each).collect::<Vec<_>>().join(", "))
    });
    check("f|contains|windash|all: [x, -y]", "(f …'x'… & f […'-y'…, …'/y'…, …'–y'…, …'—y'…, …'―y'…])");
}

#[test]
fn entries_that_people_wrote_may_have_wildcards() {
    check("f|expand: '%servers%'", "f ['srv'…, 'a*b']");
    check("f|expand|contains: 'x%servers%'", "f […'xsrv'…, …'xa*b'…]");
}

#[test]
fn placeholders_stand_for_lists_of_plain_texts() {
    check("f|expand: '%vips%'", "f ['usa', 'b*d']");
    check("f|expand|contains: '%vips%'", "f […'usa'…, …'b*d'…]");
    check("f|contains|expand: 'a*%vips%?'", "f [wild *'a'*'usa'?*, wild *'a'*'b*d'?*]");
    check("f|expand: '%vips%-%vips%'", "f ['usa-usa', 'usa-b*d', 'b*d-usa', 'b*d-b*d']");
    check("f|expand|all: ['%vips%', '*%vips%']", "(f ['usa', 'b*d'] & f […'usa', …'b*d'])");
    check("f|expand|all|neq: ['%vips%', x]", "(f not ['usa', 'b*d'] | f not 'x')");
}

#[test]
fn an_escaped_percent_sign_is_a_percent_sign() {
    check(r"f|expand: '\%plain%vips%'", "f ['%plainusa', '%plainb*d']");
    check("f: '%vips%'", "f '%vips%'");
    check("f|expand: '100%%vips%'", "f ['100%usa', '100%b*d']");
}

#[test]
fn placeholders_work_in_expressions_and_networks() {
    check("f|re|expand: '^%vips%$'", r"f [/^usa$/, /^b\*d$/]");
    check("f|cidr|expand: '%hosts%'", "f [in 10.0.0.1/32, in 10.1.0.0/16]");
}

#[test]
fn an_empty_list_leaves_nothing_to_be_met() {
    check("f|expand: '%nobody%'", "f []");
    check("f|expand|all: '%nobody%'", "(f [])");
    check("f|expand|neq: '%nobody%'", "f not []");
}

#[test]
fn maps_are_all_and_lists_of_maps_any() {
    check_selection("{a: 1, b|contains: x}", "(a = 1 & b …'x'…)");
    check_selection("[{a: 1}, {b: 2, c: 3}]", "(a = 1 | (b = 2 & c = 3))");
    check_selection("[{a: 1}]", "a = 1");
}

#[test]
fn keywords_stand_anywhere_in_a_text() {
    check_selection("word", "<any> …'word'…");
    check_selection("[one, 'tw*o', 3]", "<any> […'one'…, wild *'tw'*'o'*, …'3'…]");
    check_selection("{'|all': [one, two]}", "<any> all […'one'…, …'two'…]");
    check_selection("{'|re': '^a'}", "<any> /^a/");
    check_selection("{'|startswith': a}", "<any> 'a'…");
    check_selection("[word, {a: 1}]", "(<any> …'word'… | a = 1)");
}

#[test]
fn modifiers_that_do_not_go_together_are_refused() {
    check_refused("f|contains|base64offset: abc", "encode first: `|base64offset|contains`");
    check_refused("f|base64|windash: abc", "`windash` after `base64` would change the encoded text");
    check_refused("f|base64|expand: '%vips%'", "write `|expand|base64`");
    check_refused("f|base64|wide: abc", "write `|wide|base64`");
    check_refused("f|utf16: abc", "`utf16` without Base64");
    check_refused("f|wide: \"é\"", "a value that UTF-16 does not leave a text");
    check_refused("f|wide|utf16|base64: abc", "after another UTF-16 modifier");
    check_refused("f|base64|base64offset: abc", "after another Base64 modifier");
    check_refused("f|re|contains: abc", "a regular expression matches anywhere");
    check_refused("f|re|cased: abc", "case-sensitive without `|i`");
    check_refused("f|re|base64: abc", "write the variants into the expression");
    check_refused("f|i: abc", "write `|re|i`");
    check_refused("f|cidr|contains: 10.0.0.0/8", "a network is compared as a whole");
    check_refused("f|exists|all: true", "it only takes `true` or `false`");
    check_refused("f|startswith|endswith: a", "keep one of `startswith`, `endswith` and `contains`");
    check_refused("f|gt|lt: 1", "keep one of the two");
    check_refused("f|gt|contains: 1", "numbers are compared as numbers");
    check_refused("f|gt|neq: 1", "use the opposite comparison");
    check_refused("f|hour|lt|neq: 1", "use the opposite comparison");
    check_refused("f|fieldref|base64: g", "`fieldref` names a field");
    check_refused("f|contains|contains: a", "the modifier `contains` is there twice");
    check_refused("f|: a", "an empty modifier");
    check_refused("f|not: a", "use `neq`, or `not` in the condition");
}

#[test]
fn values_that_do_not_fit_their_modifiers_are_refused() {
    check_refused("f|gt: '5'", "`5` is not a number (hint: numbers are written without quotes)");
    check_refused("f|hour: 24", "24 is outside 0 to 23");
    check_refused("f|hour: 1.5", "is not a whole number");
    check_refused("f|exists: 'true'", "`exists` takes `true` or `false` (hint: without quotes)");
    check_refused("f|contains: null", "a text is needed here, not null");
    check_refused("f|cidr: 10.0.0.1/8", "did you mean `10.0.0.0/8`?");
    check_refused("f|fieldref: ''", "needs the name of a field");
    check_refused("f|base64: a*b", "a value with wildcards can't be encoded");
    check_refused("f|base64offset|contains: a", "too short to be recognised");
    check_refused("f|windash: '-a -b -c -d -e -f'", "more than 3125 ways");
    check_refused("f: {g: 1}", "`outer.inner: value`");
    check_refused("f: [[a]]", "a value is a list");
    check_refused("f: []", "an empty list of values");
    check_refused("'|gt': 5", "a modifier that needs a field");
    check_refused("'|neq': word", "a modifier that needs a field");
}
