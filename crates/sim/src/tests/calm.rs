//! A company without an attack must not look like one: what rules look for is there, but rare.

use std::collections::{BTreeMap, VecDeque};

use super::{Event, live};
use crate::{CompanyConfig, Scenario};

/// Counts, over two busy days of 600 people, what common rules would count.
#[derive(Debug, Default)]
struct Noise {
    watchlist_without_ticket: usize,
    messages_without_ticket: usize,
    takeover_chains: usize,
    resets_at_night_by_others: usize,
    distinct_looks_bursts: usize,
    denied_in_ten_minutes_max: usize,
    in_five_seconds_max: usize,
    self_grants: usize,
    looks_with_ticket: usize,
    looks_without_ticket: usize,
    tickets_used_before_opened: usize,
    recent: BTreeMap<(String, &'static str), VecDeque<(i64, String)>>,
    chains: BTreeMap<String, [Option<i64>; 2]>,
    opened: BTreeMap<String, i64>,
    burst_ms: BTreeMap<String, i64>,
}

impl Noise {
    fn see(&mut self, it: &Event) {
        let without_ticket = it.justification.ticket.is_none();
        if let Some(ticket) = &it.justification.ticket {
            if it.action == "ticket.open" {
                self.opened.insert(ticket.clone(), it.at_ms);
            }
            let opened_ms = self.opened.get(ticket).copied().unwrap_or(i64::MIN);
            self.tickets_used_before_opened += usize::from(opened_ms > it.at_ms);
        }
        if !it.is_human() {
            return;
        }
        let is_protected = it.has_tag("short_handle") || it.has_tag("high_profile");
        self.watchlist_without_ticket += usize::from(is_protected && without_ticket);
        self.messages_without_ticket += usize::from(it.action == "dm.read" && without_ticket);
        let is_self_grant = it.detail.get("grantee").and_then(|it| it.as_str()) == Some(&it.actor.id);
        self.self_grants += usize::from(is_self_grant);
        self.in_five_seconds_max = self.in_five_seconds_max.max(self.within(it, "any", 5_000).0);
        if it.outcome == "denied" {
            self.denied_in_ten_minutes_max = self.denied_in_ten_minutes_max.max(self.within(it, "denied", 600_000).0);
        }
        if it.action == "account.lookup" {
            self.looks_with_ticket += usize::from(!without_ticket);
            self.looks_without_ticket += usize::from(without_ticket);
            let last_ms = self.burst_ms.get(&it.actor.id).copied().unwrap_or(i64::MIN);
            if self.within(it, "looks", 600_000).1 >= 25 && it.at_ms > last_ms.saturating_add(600_000) {
                self.distinct_looks_bursts += 1;
                self.burst_ms.insert(it.actor.id.clone(), it.at_ms);
            }
        }
        self.see_chain(it);
    }

    fn see_chain(&mut self, it: &Event) {
        let Some(account) = it.account() else { return };
        let chain = self.chains.entry(account.id.clone()).or_default();
        match it.action.as_str() {
            "account.contact_change" => chain[0] = Some(it.at_ms),
            "account.mfa_disable" => chain[1] = chain[0].map(|_| it.at_ms),
            "password.reset" => {
                self.takeover_chains += usize::from(chain[1].is_some_and(|at_ms| it.at_ms - at_ms < 3_600_000));
                let hour: u32 = local_hour(it);
                let is_night = !(6..22).contains(&hour);
                self.resets_at_night_by_others += usize::from(is_night && it.actor.shift != "night");
            }
            _ => {}
        }
    }

    /// Events and distinct targets of the actor in the window that ends now.
    fn within(&mut self, it: &Event, what: &'static str, window_ms: i64) -> (usize, usize) {
        let recent = self.recent.entry((it.actor.id.clone(), what)).or_default();
        let target = it.target.as_ref().map_or(String::new(), |it| it.id.clone());
        recent.push_back((it.at_ms, target));
        while recent[0].0 <= it.at_ms - window_ms {
            recent.pop_front();
        }
        let mut targets: Vec<&str> = recent.iter().map(|it| it.1.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        (recent.len(), targets.len())
    }
}

fn local_hour(it: &Event) -> u32 {
    let at = jiff::Timestamp::from_millisecond(it.at_ms).expect("a time of the simulation");
    let zoned = at.in_tz(&it.actor.tz).expect("a known zone");
    u32::from(zoned.hour().unsigned_abs())
}

#[test]
fn two_busy_days_of_six_hundred_people_hold_a_handful_of_suspicious_moments() {
    let config = CompanyConfig { days: 2, ..CompanyConfig::default() };
    let mut noise = Noise::default();
    live(&config, Scenario::Quiet, |it| noise.see(&it));
    let few = 0..=14;
    assert!((1..=14).contains(&noise.watchlist_without_ticket), "{}", noise.watchlist_without_ticket);
    assert!(few.contains(&noise.messages_without_ticket), "{}", noise.messages_without_ticket);
    assert!(few.contains(&noise.takeover_chains), "{}", noise.takeover_chains);
    assert!(few.contains(&noise.distinct_looks_bursts), "{}", noise.distinct_looks_bursts);
    assert_eq!(noise.resets_at_night_by_others, 0);
    assert_eq!(noise.self_grants, 0);
    assert_eq!(noise.tickets_used_before_opened, 0);
    assert!(noise.denied_in_ten_minutes_max < 15, "{}", noise.denied_in_ten_minutes_max);
    assert!(noise.in_five_seconds_max < 8, "{}", noise.in_five_seconds_max);
    assert!(noise.looks_without_ticket * 10 < noise.looks_with_ticket, "{}", noise.looks_without_ticket);
    assert!(noise.looks_without_ticket * 100 > noise.looks_with_ticket, "{}", noise.looks_without_ticket);
}

#[test]
fn people_mistype_passwords_but_rarely_more_than_three_times() {
    let config = CompanyConfig { days: 2, activity: 0.02, ..CompanyConfig::default() };
    let (mut failures, mut in_a_row, mut worst) = (0, BTreeMap::<String, u32>::new(), 0);
    live(&config, Scenario::Quiet, |it| {
        let row = in_a_row.entry(it.actor.id).or_default();
        match (it.action.as_str(), it.outcome.as_str()) {
            ("login", "failure") => (failures, *row) = (failures + 1, *row + 1),
            ("login", _) => *row = 0,
            _ => {}
        }
        worst = worst.max(*row);
    });
    assert!(failures > 5 && worst <= 4, "{failures} {worst}");
}
