//! What was expected beside what came, line by line.

use std::collections::BTreeMap;

/// A line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Expected, and it came.
    Both(&'a str),
    /// Expected, and it did not come.
    Missing(&'a str),
    /// It came, and nobody expected it.
    Surplus(&'a str),
    /// Expected here, but it came elsewhere.
    MovedFrom(&'a str),
    /// It came here, but is expected elsewhere.
    MovedTo(&'a str),
}

/// Largest table of a comparison, in cells. Beyond it, order is not looked at.
const CELLS_MAX: usize = 4_000_000;

/// The shortest way from `expected` to `got`, in order.
pub(super) fn difference<'a>(expected: &'a [String], got: &'a [String]) -> Vec<Line<'a>> {
    let before = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let (middle, rest) = (&expected[before..], &got[before..]);
    let after = middle.iter().rev().zip(rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (middle, rest) = (&middle[..middle.len() - after], &rest[..rest.len() - after]);
    let mut lines: Vec<Line<'a>> = expected[..before].iter().map(|it| Line::Both(it)).collect();
    if middle.len().saturating_mul(rest.len()) <= CELLS_MAX {
        lines.extend(shortest(middle, rest));
    } else {
        lines.extend(middle.iter().map(|it| Line::Missing(it)));
        lines.extend(rest.iter().map(|it| Line::Surplus(it)));
    }
    lines.extend(expected[expected.len() - after..].iter().map(|it| Line::Both(it)));
    mark_moved(&mut lines);
    lines
}

/// By the longest common subsequence.
fn shortest<'a>(expected: &'a [String], got: &'a [String]) -> Vec<Line<'a>> {
    let width = got.len() + 1;
    // common[a * width + b]: the longest common subsequence of what is left from `a` and from `b` on.
    let mut common = vec![0_u32; (expected.len() + 1) * width];
    for a in (0..expected.len()).rev() {
        for b in (0..got.len()).rev() {
            common[a * width + b] = if expected[a] == got[b] {
                common[(a + 1) * width + b + 1] + 1
            } else {
                common[(a + 1) * width + b].max(common[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut lines = Vec::with_capacity(expected.len().max(got.len()));
    while a < expected.len() || b < got.len() {
        if a < expected.len() && b < got.len() && expected[a] == got[b] {
            lines.push(Line::Both(&expected[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == got.len() || (a < expected.len() && common[(a + 1) * width + b] >= common[a * width + b + 1]) {
            lines.push(Line::Missing(&expected[a]));
            a += 1;
        } else {
            lines.push(Line::Surplus(&got[b]));
            b += 1;
        }
    }
    lines
}

/// A line that is missing in one place and too much in another has only moved. Each is counted once.
fn mark_moved(lines: &mut [Line<'_>]) {
    let mut surplus: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        if let Line::Surplus(text) = *line {
            surplus.entry(text).or_default().push(at);
        }
    }
    for at in 0..lines.len() {
        let Line::Missing(text) = lines[at] else { continue };
        if let Some(twin) = surplus.get_mut(text).and_then(Vec::pop) {
            lines[at] = Line::MovedFrom(text);
            lines[twin] = Line::MovedTo(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `=a -b +c <d >d`
    #[track_caller]
    fn check(expected: &str, got: &str, wanted: &str) {
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (expected, got) = (lines(expected), lines(got));
        let shown: Vec<String> = difference(&expected, &got)
            .into_iter()
            .map(|it| match it {
                Line::Both(text) => format!("={text}"),
                Line::Missing(text) => format!("-{text}"),
                Line::Surplus(text) => format!("+{text}"),
                Line::MovedFrom(text) => format!("<{text}"),
                Line::MovedTo(text) => format!(">{text}"),
            })
            .collect();
        assert_eq!(shown.join(" "), wanted);
    }

    #[test]
    fn what_is_the_same_stays_and_repeated_alerts_count() {
        check("a b c", "a c", "=a -b =c");
        check("a a b", "a c", "=a -a -b +c");
        check("", "a", "+a");
        check("a b", "a b", "=a =b");
    }

    #[test]
    fn another_order_is_told_as_such() {
        check("a b c", "b c a", "<a =b =c >a");
        check("a b", "b a b", "+b =a =b");
    }
}
