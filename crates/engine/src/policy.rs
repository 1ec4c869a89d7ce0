//! Whether an alert pages: how far its rule has come, and which exceptions people have made. Applied to finished alerts, so that
//! matching and windows never depend on it.

use model::{Alert, Delivery, EventTime, Exception, Validity};
use std::collections::HashMap;
use std::sync::Arc;

/// Most exceptions at a time. More of them are not exceptions any more, and each alert is compared with some.
pub const EXCEPTIONS_MAX: usize = 10_000;

/// What decides about the delivery of alerts. Immutable; shared by all shards.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    exceptions: Exceptions,
    /// Rules in shadow page as if they were stable.
    includes_shadow: bool,
}

/// More exceptions than [`EXCEPTIONS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} exceptions, but at most {EXCEPTIONS_MAX} can hold at a time: remove those that have ended")]
pub struct TooManyExceptions(pub usize);

impl Policy {
    /// The policy with these exceptions, of which the ids are unique. With `includes_shadow`, rules in shadow page too.
    pub fn new(exceptions: Vec<Exception>, includes_shadow: bool) -> Result<Self, TooManyExceptions> {
        if exceptions.len() > EXCEPTIONS_MAX {
            return Err(TooManyExceptions(exceptions.len()));
        }
        Ok(Self { exceptions: Exceptions::new(exceptions), includes_shadow })
    }

    /// Whether `alert` pages, by what it says and its own time: the same whenever it is asked.
    pub fn delivery(&self, alert: &Alert) -> Delivery {
        match self.exceptions.covering(alert) {
            Some(exception) => Delivery::Excepted(Arc::clone(exception)),
            None if alert.rule.status.is_shadow() && !self.includes_shadow => Delivery::Shadow,
            None => Delivery::Page,
        }
    }

    /// All exceptions, in the order of their ids.
    pub fn exceptions(&self) -> &[Arc<Exception>] {
        &self.exceptions.all
    }

    /// Whether rules in shadow page.
    pub fn includes_shadow(&self) -> bool {
        self.includes_shadow
    }

    /// How many exceptions are in force at `time`, how many begin later and how many have ended.
    pub fn standing(&self, time: EventTime) -> [(Validity, usize); 3] {
        [Validity::Active, Validity::Pending, Validity::Expired]
            .map(|which| (which, self.exceptions.all.iter().filter(|it| it.at(time) == which).count()))
    }
}

/// Exceptions, filed under the rarest thing that each names.
#[derive(Debug, Clone, Default)]
struct Exceptions {
    all: Vec<Arc<Exception>>,
    by_actor: HashMap<String, Vec<usize>>,
    by_target: HashMap<String, Vec<usize>>,
    by_rule: HashMap<String, Vec<usize>>,
}

impl Exceptions {
    fn new(mut exceptions: Vec<Exception>) -> Self {
        exceptions.sort_by(|left, right| left.id.cmp(&right.id));
        let mut it = Self::default();
        for exception in exceptions {
            let number = it.all.len();
            let (index, key) = match &exception {
                Exception { actor: Some(actor), .. } => (&mut it.by_actor, actor),
                Exception { target: Some(target), .. } => (&mut it.by_target, target),
                Exception { rule: Some(rule), .. } => (&mut it.by_rule, rule),
                // Names nothing; whoever reads exceptions refuses it.
                _ => continue,
            };
            index.entry(key.clone()).or_default().push(number);
            it.all.push(Arc::new(exception));
        }
        it
    }

    /// Of those that cover `alert`, the one with the first id.
    fn covering(&self, alert: &Alert) -> Option<&Arc<Exception>> {
        let target = alert.target.as_ref().map_or("", |it| &it.id);
        let filed = [
            self.by_actor.get(&alert.actor.id),
            self.by_target.get(target),
            self.by_rule.get(&alert.rule.name),
            self.by_rule.get(&alert.rule.id),
        ];
        let numbers = filed.into_iter().flatten().flatten().copied();
        numbers.filter(|&it| self.all[it].covers(alert)).min().map(|it| &self.all[it])
    }
}
