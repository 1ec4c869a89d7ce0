//! The labels: what really happened.

use super::lines::Lines;
use anyhow::{Context, Result, bail};
use sim::{AttackRecord, LabelRecord, RunRecord, StressRecord};
use std::collections::HashMap;
use std::path::Path;

/// What really happened.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) run: RunRecord,
    pub(super) stress: Vec<StressRecord>,
    pub(super) attacks: Vec<AttackRecord>,
    /// Which attack an event belongs to, and which of its events it is.
    pub(super) by_event: HashMap<String, (usize, usize)>,
}

impl Labels {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut lines = Lines::open(path)?;
        let (mut run, mut stress, mut attacks) = (None, Vec::new(), Vec::new());
        while let Some((number, record)) = lines.record::<LabelRecord>("label of a tabletop")? {
            match record {
                LabelRecord::Run(it) if run.is_none() => run = Some(it),
                LabelRecord::Run(_) => bail!("{}:{number}: a second run; labels are of one exercise", path.display()),
                LabelRecord::Stress(it) => stress.push(it),
                LabelRecord::Attack(it) => {
                    check(&it).with_context(|| format!("{}:{number}: attack {}", path.display(), it.id))?;
                    attacks.push(it);
                }
            }
        }
        let Some(run) = run else { bail!("{}: no record of the run; `simulate tabletop` writes one", path.display()) };
        if run.end_ms <= run.attacks_from_ms || run.attacks_from_ms < run.start_ms || run.people == 0 {
            bail!("{}: the run has no people, or no time in which attacks may be", path.display());
        }
        let mut by_event = HashMap::new();
        for (attack, record) in attacks.iter().enumerate() {
            for (place, event) in record.events.iter().enumerate() {
                if by_event.insert(event.id.clone(), (attack, place)).is_some() {
                    bail!("{}: event {} is labelled twice", path.display(), event.id);
                }
            }
        }
        Ok(Self { run, stress, attacks, by_event })
    }

    /// Days (not necessarily whole ones) in which attacks may be.
    pub(super) fn days(&self) -> f64 {
        (self.run.end_ms - self.run.attacks_from_ms) as f64 / super::budget::DAY_MS as f64
    }
}

fn check(attack: &AttackRecord) -> Result<()> {
    if attack.events.is_empty() {
        bail!("no events");
    }
    if attack.events.windows(2).any(|it| it[1].time_ms < it[0].time_ms) {
        bail!("the events are not in time order");
    }
    let is_known = |index: u32, list: &[String]| (index as usize) < list.len();
    let knows =
        |it: &sim::AttackEvent| is_known(it.actor, &attack.actors) && it.target.is_none_or(|it| is_known(it, &attack.targets));
    if let Some(event) = attack.events.iter().find(|it| !knows(it)) {
        bail!("event {} is by an actor or about a target that is not listed", event.id);
    }
    Ok(())
}
