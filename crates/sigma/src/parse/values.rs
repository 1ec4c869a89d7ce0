//! The values of one field, after their modifiers, as predicates.

use super::encode::{self, Base64};
use super::modifiers::{Chain, Test, Where};
use super::pattern;
use super::placeholder;
use super::report::Report;
use super::yaml::{Kind, Node, Position, Scalar, Typed};
use crate::ast::{Compare, Item, Pattern, Predicate, Relation, Search, TimePart, Wild};
use crate::lists::Lists;
use crate::number::Number;
use crate::pcre;
use crate::problem::{Code, Edit, Fix};
use ipnet::IpNet;
use model::FieldPath;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::net::IpAddr;

/// Most predicates that one value may become through lists and variants.
pub(super) const VARIANTS_MAX: usize = 200_000;
/// Most ways to write one value with other dashes: five parameters in one value.
const DASHED_MAX: usize = 3_125;

/// What reading values needs besides the values.
pub(super) struct Reader<'a> {
    pub(super) lists: &'a Lists,
    pub(super) report: &'a mut Report,
}

impl Reader<'_> {
    /// The search for `field` (`None`: a keyword) with the values in `node`. `None` if a problem was reported.
    pub(super) fn search(&mut self, field: Option<&str>, chain: &Chain, node: &Node, line: usize) -> Option<Search> {
        let values = node.as_list();
        if values.is_empty() {
            self.report.error(Code::EmptyValues, node.at, "an empty list of values");
            return None;
        }
        if chain.expand && !values.iter().filter_map(Node::as_scalar).any(|it| placeholder::is_in(&it.text)) {
            self.report.error_with_hint(Code::ExpandNothing, node.at, "`expand` without a placeholder", "name a list as `%list%`");
            return None;
        }
        let before = self.report.errors();
        let groups: Vec<Vec<Predicate>> = values.iter().filter_map(|it| self.value(field.is_none(), chain, it)).collect();
        if self.report.errors() > before {
            return None;
        }
        let item = |predicates, all| {
            let field = field.map(FieldPath::new);
            Search::Item(Item { field, predicates, all, negated: chain.neq, line })
        };
        if !chain.all {
            return Some(item(groups.into_iter().flatten().collect(), false));
        }
        if groups.iter().all(|it| it.len() == 1) {
            return Some(item(groups.into_iter().flatten().collect(), true));
        }
        // Each value must hold in one of its variants; for `neq`, some value must hold in none of them.
        let each = groups.into_iter().map(|it| item(it, false)).collect();
        Some(if chain.neq { Search::Any(each) } else { Search::All(each) })
    }

    /// The predicates of one value, any of which will do.
    fn value(&mut self, is_keyword: bool, chain: &Chain, node: &Node) -> Option<Vec<Predicate>> {
        let Kind::Scalar(scalar) = &node.kind else {
            let hint = "a field of a nested object is written with dots: `outer.inner: value`";
            self.report.error_with_hint(Code::NestedValue, node.at, format!("a value is {}", node.describe()), hint);
            return None;
        };
        match chain.test {
            Test::Plain => self.plain(is_keyword, chain, scalar, node.at),
            Test::Regex => self.regexes(chain, scalar, node.at),
            Test::Cidr => self.networks(chain, scalar, node.at),
            Test::Exists => match scalar.typed {
                Typed::Bool(wanted) => Some(vec![Predicate::Exists(wanted)]),
                _ => self.refuse(Code::WrongType, node, "`exists` takes `true` or `false`", "without quotes"),
            },
            Test::FieldRef => self.field_ref(chain, scalar, node),
            Test::Compare(compare) => match number(scalar) {
                Some(with) => Some(vec![Predicate::Number { compare, with }]),
                None => self.refuse(
                    Code::WrongType,
                    node,
                    &format!("`{}` is not a number", scalar.text),
                    "numbers are written without quotes",
                ),
            },
            Test::TimePart(part, compare) => self.time_part(part, compare, scalar, node),
        }
    }

    fn refuse(&mut self, code: Code, node: &Node, message: &str, hint: &str) -> Option<Vec<Predicate>> {
        self.report.error_with_hint(code, node.at, message, hint);
        None
    }

    fn plain(&mut self, is_keyword: bool, chain: &Chain, scalar: &Scalar, at: Position) -> Option<Vec<Predicate>> {
        if scalar.typed == Typed::Null && (is_keyword || chain.wants_text()) {
            self.report.error_with_hint(Code::WrongType, at, "a text is needed here, not null", "write '' for the empty text");
            return None;
        }
        if !is_keyword && !chain.wants_text() {
            match scalar.typed {
                Typed::Null => return Some(vec![Predicate::Null]),
                Typed::Bool(wanted) => return Some(vec![Predicate::Bool(wanted)]),
                Typed::Int(_) | Typed::Float(_) => {
                    return number(scalar).map(|with| vec![Predicate::Number { compare: Compare::Equal, with }]);
                }
                Typed::Text => {}
            }
        }
        let alternatives = if chain.expand {
            placeholder::expand(&scalar.text, self.lists, pattern::pieces, placeholder::pattern_of, at, self.report)?
        } else {
            vec![pattern::pieces(&scalar.text)]
        };
        let mut predicates = Vec::with_capacity(alternatives.len());
        for pieces in alternatives {
            for pieces in self.dashed(chain, pieces, at)? {
                self.encoded(is_keyword, chain, pieces, at, &mut predicates)?;
                if predicates.len() > VARIANTS_MAX {
                    self.report.error(Code::TooLarge, at, format!("a value with more than {VARIANTS_MAX} variants"));
                    return None;
                }
            }
        }
        Some(predicates)
    }

    /// The ways to write a value with other dashes, if `windash` asks for them.
    fn dashed(&mut self, chain: &Chain, pieces: Vec<Wild>, at: Position) -> Option<Vec<Vec<Wild>>> {
        if !chain.windash {
            return Some(vec![pieces]);
        }
        let mut variants = vec![Vec::new()];
        for piece in pieces {
            let choices = match &piece {
                Wild::Literal(text) => encode::windash(text, DASHED_MAX).map(|it| it.into_iter().map(Wild::Literal).collect()),
                Wild::One | Wild::Many => Some(vec![piece]),
            };
            let Some(choices) = choices.filter(|it: &Vec<Wild>| it.len() * variants.len() <= DASHED_MAX) else {
                let hint = "split the value into several with `|contains|all|windash`";
                self.report.error_with_hint(
                    Code::TooLarge,
                    at,
                    format!("more than {DASHED_MAX} ways to write the dashes of one value"),
                    hint,
                );
                return None;
            };
            variants = choices
                .iter()
                .flat_map(|choice| variants.iter().map(|it| [it.as_slice(), std::slice::from_ref(choice)].concat()))
                .collect();
        }
        Some(variants)
    }

    /// Adds the predicates for one way to write a value.
    fn encoded(
        &mut self,
        is_keyword: bool,
        chain: &Chain,
        pieces: Vec<Wild>,
        at: Position,
        into: &mut Vec<Predicate>,
    ) -> Option<()> {
        // A keyword stands anywhere in a text, whether or not it says so.
        let place = if is_keyword && chain.place == Where::Whole { Where::Anywhere } else { chain.place };
        let Some(form) = chain.base64 else {
            let pieces = match chain.utf16 {
                Some(form) => encode::utf16_text(&pieces, form),
                None => Some(pieces),
            };
            let Some(pieces) = pieces else {
                let hint = "in a text, only ASCII can be looked for in UTF-16; for Base64 add `|base64offset`";
                self.report.error_with_hint(Code::NotEncodable, at, "a value that UTF-16 does not leave a text", hint);
                return None;
            };
            into.push(Predicate::Text { pattern: placed(pieces, place), cased: chain.cased });
            return Some(());
        };
        let Some(text) = pattern::literal(&pieces) else {
            self.report.error_with_hint(
                Code::NotEncodable,
                at,
                "a value with wildcards can't be encoded",
                "escape `*` and `?` with a backslash",
            );
            return None;
        };
        let bytes = chain.utf16.map_or_else(|| text.clone().into_bytes(), |form| encode::utf16(&text, form));
        match form {
            Base64::Whole if bytes.is_empty() => {
                self.report.error(Code::NotEncodable, at, "an empty value can't be encoded");
                return None;
            }
            Base64::Whole => {
                let pieces = vec![Wild::Literal(encode::base64(&bytes))];
                into.push(Predicate::Text { pattern: placed(pieces, place), cased: true });
            }
            Base64::Offset => {
                let Some(variants) = encode::base64_offsets(&bytes) else {
                    self.report.error(Code::NotEncodable, at, format!("`{text}` is too short to be recognised in Base64"));
                    return None;
                };
                let place = if place == Where::Whole { Where::Anywhere } else { place };
                for variant in variants {
                    into.push(Predicate::Text { pattern: placed(vec![Wild::Literal(variant)], place), cased: true });
                }
            }
        }
        Some(())
    }

    fn regexes(&mut self, chain: &Chain, scalar: &Scalar, at: Position) -> Option<Vec<Predicate>> {
        if scalar.typed == Typed::Null {
            self.report.error(Code::WrongType, at, "an expression is needed here, not null");
            return None;
        }
        let literal = |text: &str| vec![Wild::Literal(text.to_owned())];
        let alternatives = if chain.expand {
            placeholder::expand(&scalar.text, self.lists, literal, |it, _| literal(&regex::escape(it)), at, self.report)?
        } else {
            vec![literal(&scalar.text)]
        };
        let mut predicates = Vec::new();
        for pieces in alternatives {
            let text = pattern::literal(&pieces)?;
            let text = if chain.flags.is_empty() { text } else { format!("(?{}){text}", chain.flags) };
            let translated =
                pcre::exact(&text).map_err(|it| (format!("{it} in a regular expression: `{}`", scalar.text), it.hint.to_owned()));
            let checked = translated.and_then(|it| checked_regex(&it).map_err(|error| explain_regex(&error, &scalar.text)));
            if let Err((message, hint)) = checked {
                self.report.error_with_hint(Code::BadRegex, at, message, hint);
                return None;
            }
            predicates.push(Predicate::Regex(text));
        }
        Some(predicates)
    }

    fn networks(&mut self, chain: &Chain, scalar: &Scalar, at: Position) -> Option<Vec<Predicate>> {
        let literal = |text: &str| vec![Wild::Literal(text.to_owned())];
        let alternatives = if chain.expand {
            placeholder::expand(&scalar.text, self.lists, literal, |it, _| literal(it), at, self.report)?
        } else {
            vec![literal(&scalar.text)]
        };
        let mut predicates = Vec::new();
        for pieces in alternatives {
            match network(&pattern::literal(&pieces)?) {
                Ok(network) => predicates.push(Predicate::Cidr(network)),
                Err((code, message, hint)) => {
                    self.report.error_with_hint(code, at, message, hint);
                    if code == Code::CidrHostBits && !chain.expand {
                        self.report.fix_last(truncated(scalar, at));
                    }
                    return None;
                }
            }
        }
        Some(predicates)
    }

    fn field_ref(&mut self, chain: &Chain, scalar: &Scalar, node: &Node) -> Option<Vec<Predicate>> {
        if scalar.typed == Typed::Null || scalar.text.is_empty() {
            return self.refuse(
                Code::WrongType,
                node,
                "`fieldref` needs the name of a field",
                "write `field|fieldref: other_field`",
            );
        }
        let relation = match chain.place {
            Where::Whole => Relation::Equal,
            Where::Start => Relation::StartsWith,
            Where::End => Relation::EndsWith,
            Where::Anywhere => Relation::Contains,
        };
        Some(vec![Predicate::FieldRef { other: FieldPath::new(scalar.text.as_str()), relation, cased: chain.cased }])
    }

    fn time_part(&mut self, part: TimePart, compare: Compare, scalar: &Scalar, node: &Node) -> Option<Vec<Predicate>> {
        let Typed::Int(with) = scalar.typed else {
            return self.refuse(
                Code::WrongType,
                node,
                &format!("`{}` is not a whole number", scalar.text),
                "parts of a time are numbers without quotes",
            );
        };
        let (least, most) = part.range();
        if !(least..=most).contains(&with) {
            return self.refuse(Code::OutOfRange, node, &format!("{with} is outside {least} to {most}"), "no time has it");
        }
        Some(vec![Predicate::TimePart { part, compare, with }])
    }
}

/// The number that a scalar is, with all its digits.
pub(crate) fn number(scalar: &Scalar) -> Option<Number> {
    match scalar.typed {
        // Not as written: it may be hexadecimal.
        Typed::Int(whole) => Some(Number::from(whole)),
        Typed::Float(_) => Number::read(&scalar.text),
        Typed::Null | Typed::Bool(_) | Typed::Text => None,
    }
}

/// The pattern for pieces that stand at `place`.
fn placed(mut pieces: Vec<Wild>, place: Where) -> Pattern {
    if matches!(place, Where::End | Where::Anywhere) {
        pieces.insert(0, Wild::Many);
    }
    if matches!(place, Where::Start | Where::Anywhere) {
        pieces.push(Wild::Many);
    }
    pattern::simplest(pieces)
}

/// A network, or a single address as the network of itself; else what is wrong, and a hint.
fn network(text: &str) -> Result<IpNet, (Code, String, String)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(unmapped(IpNet::from(address)));
    }
    let Ok(network) = text.parse::<IpNet>() else {
        return Err((Code::BadNetwork, format!("`{text}` is not a network"), "write `10.0.0.0/8` or `fe80::/10`".to_owned()));
    };
    if network.trunc() != network {
        return Err((
            Code::CidrHostBits,
            format!("`{text}` has bits set after the prefix"),
            format!("did you mean `{}`?", network.trunc()),
        ));
    }
    Ok(unmapped(network))
}

/// A network of IPv4 addresses written as IPv6 is the IPv4 network, as such an address is the IPv4 address.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else { return network };
    let four = six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    four.and_then(|(address, prefix)| IpNet::new(address.into(), prefix).ok()).unwrap_or(network)
}

/// The network without the bits after its prefix, quoted as before. Values that stand on several lines are left alone.
fn truncated(scalar: &Scalar, at: Position) -> Option<Fix> {
    let network = scalar.text.parse::<IpNet>().ok()?.trunc().to_string();
    let quote = if at.width == scalar.text.len() { "" } else { "'" };
    (at.width > 0).then(|| Fix {
        title: format!("write `{network}`"),
        edits: vec![Edit {
            start: (at.line, at.column),
            end: (at.line, at.column + at.width),
            text: format!("{quote}{network}{quote}"),
        }],
    })
}

fn explain_regex(error: &regex::Error, text: &str) -> (String, String) {
    let regex::Error::Syntax(detail) = error else {
        return (format!("a regular expression that needs too much memory: `{text}`"), "use smaller repetition counts".to_owned());
    };
    // The last line of the report says what is wrong; the others repeat the expression with a marker under it.
    let reason = detail.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
    let hint = if reason.contains("look-around") {
        "look-ahead and look-behind are not supported: put what must not be there into a filter selection"
    } else if reason.contains("backreference") {
        "back-references are not supported: write the alternatives out"
    } else {
        "a literal `\\`, `(`, `[`, `*`, `+` or `?` needs a backslash"
    };
    (format!("not a regular expression: {reason}: `{text}`"), hint.to_owned())
}

/// Expressions up to this size are compiled only when their rule is; see [`size`]. A unit of it takes at most about 1 KiB, while `regex`
/// refuses what takes 10 MiB.
const SMALL_REGEX: u64 = 5_000;

/// Whether an expression can be used. Of a small one the syntax decides; should it be too large after all, compiling the rule says so.
fn checked_regex(text: &str) -> Result<(), regex::Error> {
    let hir = regex_syntax::parse(text).map_err(|it| regex::Error::Syntax(it.to_string()))?;
    if size(&hir) <= SMALL_REGEX { Ok(()) } else { regex::Regex::new(text).map(drop) }
}

/// About how much there is to compile: a unit for each byte, each range of letters, each branch, counted repetitions written out.
fn size(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(Class::Unicode(class)) => 1 + class.ranges().len() as u64,
        HirKind::Class(Class::Bytes(class)) => 1 + class.ranges().len() as u64,
        HirKind::Repetition(it) => u64::from(it.max.unwrap_or(it.min).max(1)).saturating_mul(size(&it.sub).saturating_add(1)),
        HirKind::Capture(capture) => size(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().fold(1, |sum, it| size(it).saturating_add(sum)),
    }
}
