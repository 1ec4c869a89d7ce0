//! A change as a unified difference.

use std::fmt::Write;

/// Lines shown around a change.
const CONTEXT: usize = 3;
/// Largest table of a comparison, in cells; beyond it, everything between the first and the last change is shown as replaced.
const CELLS_MAX: usize = 4_000_000;

/// The lines of a difference: kept, gone, come.
#[derive(Clone, Copy, PartialEq)]
enum Line<'a> {
    Kept(&'a str),
    Gone(&'a str),
    Come(&'a str),
}

/// `before` → `after` in the form that `patch -p1` takes.
pub(super) fn unified(file: &str, before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let lines = compare(&old, &new);
    let mut out = format!("--- a/{file}\n+++ b/{file}\n");
    let changed: Vec<usize> = (0..lines.len()).filter(|&it| !matches!(lines[it], Line::Kept(_))).collect();
    let mut next = 0;
    while let Some(&first) = changed.get(next) {
        let mut last = first;
        while let Some(&it) = changed.get(next).filter(|&&it| it <= last + 2 * CONTEXT) {
            (last, next) = (it, next + 1);
        }
        hunk(&mut out, &lines, first.saturating_sub(CONTEXT), (last + CONTEXT + 1).min(lines.len()));
    }
    out
}

fn hunk(out: &mut String, lines: &[Line<'_>], from: usize, to: usize) {
    let in_old = |lines: &[Line<'_>]| lines.iter().filter(|it| !matches!(it, Line::Come(_))).count();
    let in_new = |lines: &[Line<'_>]| lines.iter().filter(|it| !matches!(it, Line::Gone(_))).count();
    let (before, part) = (&lines[..from], &lines[from..to]);
    let start = |skipped: usize, count: usize| if count == 0 { skipped } else { skipped + 1 };
    let (old, new) = (in_old(part), in_new(part));
    // Writing to a text does not fail.
    let _ = writeln!(out, "@@ -{},{old} +{},{new} @@", start(in_old(before), old), start(in_new(before), new));
    for line in part {
        let (mark, text) = match line {
            Line::Kept(text) => (' ', text),
            Line::Gone(text) => ('-', text),
            Line::Come(text) => ('+', text),
        };
        out.push(mark);
        out.push_str(text);
        if !text.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// By the longest common subsequence of what differs.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut lines: Vec<Line<'a>> = old[..head].iter().map(|it| Line::Kept(it)).collect();
    if gone.len().saturating_mul(come.len()) > CELLS_MAX {
        lines.extend(gone.iter().map(|it| Line::Gone(it)));
        lines.extend(come.iter().map(|it| Line::Come(it)));
    } else {
        shortest(gone, come, &mut lines);
    }
    lines.extend(old[old.len() - tail..].iter().map(|it| Line::Kept(it)));
    lines
}

fn shortest<'a>(gone: &[&'a str], come: &[&'a str], lines: &mut Vec<Line<'a>>) {
    let width = come.len() + 1;
    let mut common = vec![0_u32; (gone.len() + 1) * width];
    for a in (0..gone.len()).rev() {
        for b in (0..come.len()).rev() {
            let longer = common[(a + 1) * width + b].max(common[a * width + b + 1]);
            common[a * width + b] = if gone[a] == come[b] { common[(a + 1) * width + b + 1] + 1 } else { longer };
        }
    }
    let (mut a, mut b) = (0, 0);
    while a < gone.len() || b < come.len() {
        if a < gone.len() && b < come.len() && gone[a] == come[b] {
            lines.push(Line::Kept(gone[a]));
            (a, b) = (a + 1, b + 1);
        } else if b == come.len() || (a < gone.len() && common[(a + 1) * width + b] >= common[a * width + b + 1]) {
            lines.push(Line::Gone(gone[a]));
            a += 1;
        } else {
            lines.push(Line::Come(come[b]));
            b += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(unified("f", before, after), "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    }

    #[test]
    fn a_missing_line_end_is_marked() {
        let expected = "--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n";
        assert_eq!(unified("f", "a", "a\n"), expected);
    }

    #[test]
    fn distant_changes_are_separate() {
        let before: String = (0..30).map(|it| format!("{it}\n")).collect::<Vec<_>>().concat();
        let after = before.replace("3\n4\n", "3\n").replace("27\n", "");
        assert_eq!(unified("f", &before, &after).matches("@@ -").count(), 2);
    }
}
