//! An exception: somebody has decided that, until a day, alerts about some entity page nobody.

use crate::{Alert, EventTime};

/// Alerts that match it are recorded with it and page nobody. At least one of actor, target and rule is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// What it is called.
    pub id: String,
    /// The actor whose alerts it covers, by identifier.
    pub actor: Option<String>,
    /// The target whose alerts it covers, by identifier.
    pub target: Option<String>,
    /// The rule whose alerts it covers, by name or id.
    pub rule: Option<String>,
    /// Alerts before this page. An exception that names no beginning has one [`Self::SPAN_MS_MAX`] before its end.
    pub from: EventTime,
    /// Alerts from this time on page again.
    pub until: EventTime,
    /// Why.
    pub reason: String,
    /// Who has decided it.
    pub author: String,
}

/// How an exception stands at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// It covers alerts of that time.
    Active,
    /// It begins later.
    Pending,
    /// It has ended.
    Expired,
}

impl Validity {
    /// `active`, `pending` or `expired`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

impl Exception {
    /// Longest time that an exception covers: 366 days. What is to stay for longer belongs into the rule, where it is reviewed.
    pub const SPAN_MS_MAX: i64 = 366 * 86_400_000;

    /// How it stands at `time`.
    pub fn at(&self, time: EventTime) -> Validity {
        if time >= self.until {
            Validity::Expired
        } else if time < self.from {
            Validity::Pending
        } else {
            Validity::Active
        }
    }

    /// Whether it covers `alert`, by the alert's own time: what it names must be what the *whole* alert is about. An alert about several
    /// actors is not covered by an exception for one of them; and of a correlation the target is covered only where it is what the
    /// events were grouped by, not where it is merely the target of the last of many.
    pub fn covers(&self, alert: &Alert) -> bool {
        let is_rule = |it: &String| *it == alert.rule.name || *it == alert.rule.id;
        let is_actor = |it: &String| *it == alert.actor.id && alert.actors.iter().all(|actor| actor == it);
        let is_target = |it: &String| {
            let is_grouped = alert.window.as_ref().is_none_or(|window| window.group.iter().any(|(_, value)| value == it));
            is_grouped && alert.target.as_ref().is_some_and(|target| target.id == *it)
        };
        self.at(alert.time) == Validity::Active
            && self.rule.as_ref().is_none_or(is_rule)
            && self.actor.as_ref().is_none_or(is_actor)
            && self.target.as_ref().is_none_or(is_target)
    }
}
