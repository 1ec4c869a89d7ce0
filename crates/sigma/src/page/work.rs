//! Weeks of ordinary work: one line of a `history` that stands for many events, at hours that vary as people's do.

use super::EventLine;
use super::repeat::{self, event_of, moved};
use crate::fnv::Fnv;
use crate::parse::timespan::timespan_ms;

const DAY_MS: i64 = 86_400_000;
const FORM: &str = "work is `x20 over 8h on 30 workdays {…}`, or `… on 30 days {…}`";

/// What a line of work says.
struct Work<'a> {
    /// Events a day.
    count: usize,
    over_ms: i64,
    days: usize,
    /// Whether Saturdays and Sundays are left out.
    is_workdays: bool,
    event: &'a str,
}

/// Whether `line` is meant to be weeks of work.
pub(super) fn is_one(line: &str) -> bool {
    parts(line).is_some()
}

/// The events that such a `line` stands for, at most `most` and not much more than `bytes_most`; else what is wrong with it.
pub(super) fn events(line: &str, most: usize, bytes_most: usize) -> Result<Vec<String>, String> {
    let (count, rest) = parts(line).ok_or(FORM)?;
    read(count, rest)?.events(most, bytes_most)
}

/// Brings events into the order of their times, so that the work of several people is that of the same weeks. Nothing passes a line that
/// waits, and where a time can't be read everything stays as it is.
pub(super) fn in_order(history: &mut [EventLine]) {
    for part in history.split_mut(|it| it.wait_ms().is_some()) {
        let times: Option<Vec<i64>> = part.iter().map(|it| repeat::time_ms(&it.text)).collect();
        let Some(times) = times else { continue };
        let mut order: Vec<usize> = (0..part.len()).collect();
        order.sort_by_key(|&it| times[it]);
        let sorted: Vec<EventLine> = order.into_iter().map(|it| part[it].clone()).collect();
        part.clone_from_slice(&sorted);
    }
}

/// How many events a day, and what follows `over`.
fn parts(line: &str) -> Option<(&str, &str)> {
    let (count, rest) = line.strip_prefix('x')?.split_once(char::is_whitespace)?;
    Some((count, rest.trim_start().strip_prefix("over ")?))
}

fn read<'a>(count: &str, rest: &'a str) -> Result<Work<'a>, String> {
    let count: usize = count.parse().map_err(|_| format!("`x{count}` is not a number of events a day"))?;
    let (head, event) = rest.find('{').map(|at| rest.split_at(at)).ok_or_else(|| format!("{FORM}; the event is missing"))?;
    let words: Vec<&str> = head.split_whitespace().collect();
    let &[over, "on", days, kind] = words.as_slice() else { return Err(format!("{FORM}, not `{}`", head.trim())) };
    let over_ms = timespan_ms(over).ok_or_else(|| format!("`{over}` is not a timespan"))?;
    if over_ms > DAY_MS {
        return Err(format!("`over {over}`: a day of work has at most 24 hours"));
    }
    let days: usize = days.parse().map_err(|_| format!("`{days}` is not a number of days"))?;
    let is_workdays = match kind {
        "workdays" | "workday" => true,
        "days" | "day" => false,
        _ => return Err(format!("{FORM}, not `{kind}`")),
    };
    if count == 0 || days == 0 {
        return Err(format!("x{count} on {days} {kind} is no work: leave the line out"));
    }
    Ok(Work { count, over_ms, days, is_workdays, event: event.trim() })
}

impl Work<'_> {
    fn events(&self, most: usize, bytes_most: usize) -> Result<Vec<String>, String> {
        let all = self.count.saturating_mul(self.days);
        if all > most || all.saturating_mul(self.event.len()) > bytes_most {
            return Err(format!("x{} on {} days makes too many events for one page", self.count, self.days));
        }
        let start_ms = moved(&mut event_of(self.event, 0)?, 0)?;
        let weekday = (start_ms.div_euclid(DAY_MS) + 3).rem_euclid(7);
        let mut texts = Vec::with_capacity(all);
        let is_off = |day: i64| self.is_workdays && (weekday + day).rem_euclid(7) >= 5;
        for day in (0..).filter(|&it| !is_off(it)).take(self.days) {
            for at in 0..self.count {
                let number = texts.len();
                let mut event = event_of(self.event, number)?;
                moved(&mut event, day.saturating_mul(DAY_MS).saturating_add(self.within_day(at, number)))?;
                texts.push(event.to_string());
            }
        }
        Ok(texts)
    }

    /// When the event `at` of a day comes, in milliseconds from the day's beginning: each somewhere in its share of the hours, always the
    /// same for the same line.
    fn within_day(&self, at: usize, number: usize) -> i64 {
        let [at, count] = [at, self.count].map(|it| i64::try_from(it).unwrap_or(i64::MAX));
        let share = self.over_ms / count;
        let mut hash = Fnv::new();
        hash.write_text(self.event);
        hash.write(&(number as u64).to_le_bytes());
        let varied = hash.finish() >> 33;
        at * share + i64::try_from(varied).unwrap_or(0) % share.max(1)
    }
}
