//! Instances that come and go, and what goes wrong.

use super::log::{Log, Partition, Step, checksum};
use super::random::Random;
use super::task::Task;
use engine::Rulebook;
use std::collections::BTreeMap;

/// After so many steps nothing goes wrong any more, so that the world ends.
pub(super) const STEPS_WITH_FAULTS: usize = 400;
pub(super) const INSTANCES_MAX: usize = 3;

/// A process.
pub(super) struct Instance {
    pub(super) life: usize,
    pub(super) tasks: BTreeMap<Partition, Task>,
    /// Handled, and not committed.
    pub(super) held: Vec<Step>,
}

pub(super) struct World<'b> {
    pub(super) book: &'b Rulebook,
    pub(super) log: Log,
    pub(super) instances: Vec<Instance>,
    pub(super) lives: usize,
    pub(super) random: Random,
}

impl World<'_> {
    pub(super) fn start(&mut self) {
        self.lives += 1;
        self.instances.push(Instance { life: self.lives, tasks: BTreeMap::new(), held: Vec::new() });
    }

    /// Partitions that are nobody's find somebody.
    pub(super) fn assign(&mut self) {
        if self.instances.is_empty() {
            self.start();
        }
        for partition in Log::all() {
            if !self.instances.iter().any(|it| Some(&it.life) == self.log.owned.get(&partition)) {
                let at = self.random.below(self.instances.len());
                self.give(partition, at);
            }
        }
    }

    pub(super) fn give(&mut self, partition: Partition, at: usize) {
        let instance = &mut self.instances[at];
        self.log.owned.insert(partition, instance.life);
        instance.tasks.insert(partition, Task::resume(self.book, &self.log, partition));
    }

    /// What others own by now is refused, and the instance learns of it.
    pub(super) fn commit(&mut self, at: usize) {
        let (instance, owned) = (&mut self.instances[at], &self.log.owned);
        let is_ours = |it: &Partition| owned.get(it) == Some(&instance.life);
        instance.tasks.retain(|it, _| is_ours(it));
        instance.held.retain(|it| is_ours(&it.partition));
        self.log.commit(std::mem::take(&mut instance.held));
    }

    pub(super) fn keep(&mut self, at: usize, partition: Partition, is_damaged: bool) {
        let Some(task) = self.instances[at].tasks.get(&partition) else { return };
        // Whoever has lost the partition writes over nothing that counts: states are chosen by what is committed.
        let mut bytes = task.save(self.book);
        let (next, sum) = (task.next, checksum(&bytes));
        if task.next < task.live_from || self.log.owned.get(&partition) != Some(&self.instances[at].life) {
            return;
        }
        if is_damaged {
            let at = self.random.below(bytes.len());
            if self.random.percent(50) { bytes.truncate(at) } else { bytes[at] ^= 0x10 }
        }
        let kept = self.log.kept.entry(partition).or_default();
        // As when a partition is taken up: what goes further than what was committed then is gone.
        kept.retain(|it| it.0 < next);
        kept.push((next, sum, bytes));
    }

    pub(super) fn work(&mut self, is_faulty: bool) {
        let Some(at) = self.random.pick(0..self.instances.len()) else { return };
        let Some(partition) = self.random.pick(self.instances[at].tasks.keys().copied()) else { return };
        match self.random.below(if is_faulty { 100 } else { 70 }) {
            0..40 => {
                let count = 1 + self.random.below(30);
                let instance = &mut self.instances[at];
                let step = instance.tasks.get_mut(&partition).and_then(|it| it.handle(self.book, &self.log, count));
                instance.held.extend(step);
            }
            40..48 => {
                let instance = &mut self.instances[at];
                let step = instance.tasks.get_mut(&partition).and_then(|it| it.idle(self.book, &self.log));
                instance.held.extend(step);
            }
            48..70 => self.commit(at),
            // Aborted: it is held, and goes into the next one. Or it counts, and nobody lives to hear of it.
            70..74 => {
                self.commit(at);
                self.instances.remove(at);
            }
            74..78 => drop(self.instances.remove(at)),
            78..82 if self.instances.len() < INSTANCES_MAX => self.start(),
            82..94 => {
                let is_damaged = self.random.percent(25);
                self.keep(at, partition, is_damaged);
            }
            // A rebalance: in order, or without whoever had the partition knowing of it.
            _ => {
                if self.random.percent(60) {
                    self.commit(at);
                    if self.random.percent(70) {
                        self.keep(at, partition, false);
                    }
                    self.instances[at].tasks.remove(&partition);
                }
                let to = self.random.below(self.instances.len());
                if to != at || !self.instances[at].tasks.contains_key(&partition) {
                    self.give(partition, to);
                }
            }
        }
    }
}
