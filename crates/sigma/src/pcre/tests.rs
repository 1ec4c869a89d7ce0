use super::{exact, readable};
use regex::Regex;

/// Expressions with texts in which PCRE finds them and texts in which it does not.
const FOUND: &[(&str, &[&str], &[&str])] = &[
    // Inside brackets, the operators of the crate `regex` are characters.
    (r"[;&&|]\s*whoami", &["a; whoami", "a & whoami", "a|whoami"], &["a whoami"]),
    (r"[+--]x", &["+x", ",x", "-x"], &["*x", ".x"]),
    (r"^[a-z~~]+$", &["a~"], &["a-"]),
    (r"^[a\-z]$", &["a", "-", "z"], &["b"]),
    (r"^[\w-.]+$", &["a-b.c"], &["a/b"]),
    (r"^[a-]+$", &["a-"], &["b"]),
    (r"^[-a]+$", &["a-"], &["b"]),
    (r"^[^-a]$", &["b"], &["-", "a"]),
    (r"^[a-c-e]+$", &["abc-e"], &["d"]),
    (r"^[\d-z]+$", &["1-z"], &["y"]),
    (r"^[]a]+$", &["]a"], &["["]),
    (r"^[^]a]$", &["b"], &["]", "a"]),
    (r"^[[]$", &["["], &["]"]),
    (r"^[[a]]$", &["[]", "a]"], &["a"]),
    (r"^[^[]a$", &["xa"], &["[a"]),
    (r"^[[:alpha:]_-]+@", &["a_-@"], &["1@"]),
    (r"^[[:^digit:]x]$", &["a"], &["1"]),
    (r"^[[:]+$", &["[:"], &["a"]),
    (r"^[\b]$", &["\u{8}"], &["b"]),
    (r"^[\x41-\x{43}]$", &["B"], &["D"]),
    (r"^[\n\t]$", &["\n"], &["n"]),
    (r"^[\h]$", &[" ", "\t", "\u{a0}"], &["\n"]),
    (r"^[\Va]$", &["x"], &["\n"]),
    (r"^[\Q]-a\E]+$", &["]-a"], &["b"]),
    (r"^[$.|(){}]+$", &["$.|(){}"], &["a"]),
    // Escapes.
    (r"\<\?php", &["<?php"], &["?php"]),
    (r"\<b\>", &["<b>"], &["b"]),
    (r"a\/b\-c\_\ \#\%\'\~", &["a/b-c_ #%'~"], &[]),
    (r"^\Qa.b*\E+$", &["a.b**"], &["axb", "a.b"]),
    (r"\Q[", &["["], &[]),
    (r"^\h+\H$", &[" \tx"], &["\nx"]),
    (r"^\v$", &["\n", "\u{b}", "\r", "\u{2028}"], &["v", " "]),
    (r"^a\Rb$", &["a\r\nb", "a\nb", "a\rb"], &["a\n\nb"]),
    (r"^a\Nb$", &["axb"], &["a\nb"]),
    (r"\e\[0m", &["\u{1b}[0m"], &["e[0m"]),
    (r"a\0b", &["a\0b"], &["a0b"]),
    (r"\bcat\b", &["a cat"], &["cats"]),
    (r"^\d\w\s$", &["1a ", "٣ä\u{a0}"], &["aa "]),
    (r"^\p{Lu}\PL$", &["A1"], &["a1"]),
    // The end of a text.
    ("end$", &["end", "end\n"], &["end\n\n", "end\nx", "ends"]),
    (r"end\Z", &["end", "end\n"], &["end\n\n"]),
    (r"end\z", &["end"], &["end\n"]),
    ("(?m)end$", &["end\nx"], &["ends"]),
    ("(?m:end$)|x$", &["end\ny", "x\n"], &["x\ny"]),
    ("^(a$|b)c?", &["a\n", "bc"], &["ac"]),
    (r"cost\$", &["cost$"], &["cost"]),
    // Braces that count nothing.
    ("^${a}$", &[], &["a"]),
    (r"\$\{?input}", &["${input}", "$input}"], &[]),
    ("a{b", &["a{b"], &["ab"]),
    ("x{a}{1,}", &["x{a}}"], &["xa"]),
    ("^a{2}b{1,2}c{2,}$", &["aabcc", "aabbccc"], &["abcc"]),
    // Flags and comments.
    ("(?i)ABC", &["abc"], &["ab"]),
    ("(?x) a [ #]  \\# b # a comment ( [\n c", &["a##bc", "a #bc"], &["abc"]),
    ("(?x: a b )c d", &["abc d"], &["abcd"]),
    ("a(?# [ a comment )b", &["ab"], &["a"]),
    ("(?P<name>a)(?<other>b)(?:c)", &["abc"], &[]),
    ("a(?i)b|c", &["aB", "C"], &["AB"]),
    ("^(a+)+?b*?$", &["aab"], &["b"]),
];

/// What is refused here, with a part of the reason; what the crate refuses by itself is not our business.
const REFUSED: &[(&str, &str)] = &[
    ("a++", "possessive"),
    ("(a)*+", "possessive"),
    ("a{2}+b", "possessive"),
    ("a?+", "possessive"),
    ("a**", "behind a repetition"),
    ("(a)+{2}", "behind a repetition"),
    ("a{2}{3}", "behind a repetition"),
    ("a*?*", "behind a repetition"),
    ("(?x) a* *", "behind a repetition"),
    ("a{,3}", "depending on the version"),
    ("[:alpha:]", "outside brackets"),
    ("[[:letter:]]", "no class"),
    ("[[.a.]]", "no class"),
    ("[[:<:]]a", "no class"),
    ("a(?R)?b", "recursion"),
];

#[test]
fn expressions_find_what_pcre_finds() {
    for (text, found, missed) in FOUND {
        let translated = exact(text).unwrap_or_else(|it| panic!("{text}: {it}"));
        let regex = Regex::new(&translated).unwrap_or_else(|it| panic!("{text} as {translated}: {it}"));
        for (haystacks, expected) in [(found, true), (missed, false)] {
            for haystack in *haystacks {
                assert_eq!(regex.is_match(haystack), expected, "{text} as {translated} in {haystack:?}");
            }
        }
        assert!(Regex::new(&readable(text).unwrap()).is_ok(), "{text} for readers");
    }
}

#[test]
fn what_would_mean_something_else_is_refused() {
    for (text, reason) in REFUSED {
        match exact(text) {
            Err(refused) => assert!(refused.what.contains(reason), "{text}: {refused}"),
            Ok(translated) => panic!("{text} became {translated}"),
        }
    }
}

#[test]
fn what_both_languages_share_stays_as_it_is() {
    for text in [r"^(?i)cmd\.exe\s+/[ck].*?(a|b){2,3}", r"\\Temp\\[0-9a-f]{8}-x", r"(?:a|b)+c?\d\W\.", "ä.*ö"] {
        assert_eq!(readable(text).unwrap(), text);
    }
}

#[test]
fn no_text_panics() {
    let pieces = [
        "[", "]", "\\", "(", ")", "?", "{", "}", "Q", "E", "x", "p", "-", "^", "$", "#", ":", ",", "1", "ä", "(?x)", "[:", ":]",
        "+",
    ];
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..9 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[usize::try_from(seed >> 40).unwrap() % pieces.len()]);
        }
        let _ = (exact(&text), readable(&text));
    }
}
