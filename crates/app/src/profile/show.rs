//! A profile on a terminal: who, when, how much beside the peers, with what, and what is elevated.

use crate::show::{columns, cut, escaped};
use engine::behaviour::{Known, Peak, Portrait, Rate, Share, Slow};
use owo_colors::OwoColorize;
use std::fmt::Write;

/// Without a terminal, and on wider ones, lines end here.
const WIDTH_MAX: usize = 120;
/// Narrower terminals wrap: so much the tables need.
const WIDTH_MIN: usize = 76;
/// What stands before values.
const LABEL: usize = 12;
/// An hour of the week: nothing, and four parts of the busiest hour.
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
/// Things listed of a kind.
const THINGS_MAX: usize = 8;
/// Of what is known of the person so little is their own that it is the peers'.
const UNKNOWN: f64 = 0.005;
/// Evidence below this is nothing: e to it is what chance brings every week.
const EVIDENCE_MIN: f64 = 2.0;

/// The whole profile, lines cut to `width` columns. It has colours: print it through `anstream`, which knows who wants them.
pub(super) fn text(it: &Portrait, width: Option<usize>) -> String {
    let mut page = Page { text: String::new(), width: width.unwrap_or(WIDTH_MAX).clamp(WIDTH_MIN, WIDTH_MAX) };
    who(&mut page, it);
    week(&mut page, it);
    rates(&mut page, "Actions", &it.rates);
    rates(&mut page, "Targets", &it.targets);
    shares(&mut page, &it.shares);
    known(&mut page, &it.known);
    elevated(&mut page, it);
    page.text
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn heading(&mut self, text: &str) {
        let _ = writeln!(self.text, "\n{}", text.bold());
    }

    fn line(&mut self, label: &str, text: &str) {
        let label = format!("{label:LABEL$}");
        let text = cut(text, self.width - columns(&label).min(self.width));
        let _ = writeln!(self.text, "{}{text}", label.dimmed());
    }
}

fn who(page: &mut Page, it: &Portrait) {
    let job: Vec<String> = [Some(it.class.to_owned()), it.role.clone(), it.team.clone()].into_iter().flatten().collect();
    let name = cut(&escaped(&it.actor), page.width - 2);
    let _ =
        writeln!(page.text, "{}  {}", name.bold(), cut(&escaped(&job.join(", ")), page.width.saturating_sub(columns(&name) + 2)));
    page.line("known", &format!("since {}, {} active days before today", it.first_day, it.active_days));
    page.line("last seen", &it.last_seen);
    let day = |it: &engine::behaviour::Pace| {
        format!("{} events, {} ten minutes, {} hours", number(it.events), number(it.tens), number(it.hours))
    };
    page.line("a day has", &day(&it.day));
    page.line("  of peers", &day(&it.peer_day));
}

/// A heat map of 24 hours, two columns each, of working days and of days off.
fn week(page: &mut Page, it: &Portrait) {
    page.heading("Hours of the week, on the clock of the person");
    page.line("", "0     3     6     9     12    15    18    21");
    // A bin holds five days of a working week, or two.
    let per_day = [(&it.working_days, 5.0), (&it.days_off, 2.0)];
    let most = per_day.iter().flat_map(|(hours, days)| hours.iter().map(move |it| it / days)).fold(0.0, f64::max);
    for (label, (hours, days)) in ["Mon-Fri", "Sat, Sun"].into_iter().zip(per_day) {
        let row: String = hours.iter().flat_map(|it| [shade(it / days, most); 2]).collect();
        let _ = writeln!(page.text, "{}{}", format!("{label:LABEL$}").dimmed(), row.green());
    }
    let all: f64 = it.working_days.iter().chain(&it.days_off).sum();
    page.line("", &format!("{} active hours learnt; █ the busiest, · none", number(all)));
}

fn shade(hours: f64, most: f64) -> char {
    let part =
        (1..SHADES.len()).rev().find(|it| hours > 0.0 && hours * 4.0 >= most * (f64::from(u8::try_from(*it).unwrap_or(0)) - 0.5));
    SHADES[part.unwrap_or(usize::from(hours > 0.0))]
}

fn rates(page: &mut Page, heading: &str, rates: &[Rate]) {
    if rates.is_empty() {
        return;
    }
    page.heading(heading);
    let has_now = rates.iter().any(|it| it.now.is_some());
    let now = |text: &str| if has_now { format!("{text:>8}") } else { String::new() };
    page.line(
        "",
        &format!("{:>4}{}{:>9}{:>12}{:>9}{:>15}{:>7}", "in", now("now"), "usual", "99 in 100", "peers", "999 in 1,000", "own"),
    );
    let mut before = "";
    for it in rates {
        let label = if it.what == before { "" } else { it.what };
        before = it.what;
        let (mean, p99, peer_mean, peer_p999) = (number(it.mean), number(it.p99), number(it.peer_mean), number(it.peer_p999));
        let own = percent(it.evidence);
        // What stands in for the person's own is not theirs.
        let (mean, p99) = if it.evidence < UNKNOWN { ("–".to_owned(), "–".to_owned()) } else { (mean, p99) };
        let now = now(&it.now.map(number).unwrap_or_default());
        page.line(label_of(label), &format!("{:>4}{now}{mean:>9}{p99:>12}{peer_mean:>9}{peer_p999:>15}{own:>7}", it.window));
    }
}

/// Families by names that fit.
fn label_of(what: &str) -> &str {
    if what == "credential_change" { "credentials" } else { what }
}

fn shares(page: &mut Page, shares: &[Share]) {
    if shares.is_empty() {
        return;
    }
    page.heading("Shares");
    for it in shares {
        let what = match it.what.strip_prefix("no_ticket.") {
            Some(errand) => format!("of {} without a ticket", errand_words(errand)),
            None => format!("of actions {}", if it.what == "watched" { "about watched targets" } else { &it.what }),
        };
        let of = number(it.of);
        page.line("", &format!("{:>5} {what}, of {of} that count; peers {}", percent(it.share), percent(it.peer_share)));
    }
}

fn errand_words(errand: &str) -> &str {
    match errand {
        "lookup" => "look-ups",
        "private_read" => "private reads",
        "credential_change" => "credential changes",
        _ => "other errands",
    }
}

fn known(page: &mut Page, known: &[Known]) {
    if known.is_empty() {
        return;
    }
    page.heading("Known, and how often lately");
    for of_dimension in known.chunk_by(|one, other| one.dimension == other.dimension) {
        let label = match of_dimension[0].dimension {
            "ip" => "networks",
            "action" => "actions",
            "tool" => "tools",
            "device" => "devices",
            "asn" => "ASNs",
            _ => "countries",
        };
        let things = of_dimension.iter().take(THINGS_MAX).map(|it| format!("{} ({})", escaped(&it.name), number(it.count)));
        let mut text = things.collect::<Vec<_>>().join(", ");
        if of_dimension.len() > THINGS_MAX {
            let _ = write!(text, ", {} more", of_dimension.len() - THINGS_MAX);
        }
        page.line(label, &text);
    }
}

fn elevated(page: &mut Page, it: &Portrait) {
    page.heading("Elevated");
    let risk = it.risk.iter().map(|Peak { what, value }| format!("{value:.1} ({what})")).collect::<Vec<_>>().join(", ");
    page.line("risk", &format!("{risk}, by half-life"));
    for Peak { what, value } in &it.episodes {
        page.line("episode", &format!("{what}: {value:.0} unusual days are learnt apart"));
    }
    for Slow { what, days, evidence, rise } in &it.slow {
        let what = what.replace('_', " ");
        let text = match () {
            () if *days == 0 => format!("{what}: nothing to add up yet"),
            () if *evidence < EVIDENCE_MIN => format!("{what}: no rise in {days} days"),
            () => format!("{what}: a rise by {}, chance brings that once in {} days", percent(rise - 1.0), number(evidence.exp())),
        };
        page.line("slow", &text);
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Few digits: `0.3`, `12`, `1,234`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are not negative, and the cast saturates")]
fn number(it: f64) -> String {
    if it < 9.95 { format!("{it:.1}").trim_end_matches(".0").to_owned() } else { crate::score::grouped(it.round() as u64) }
}
