//! Instances that come and go, and what goes wrong.

use super::log::{Log, Partition, Step};
use super::random::Random;
use super::rules::{Books, MONDAY_MS, Wave};
use super::store::{Kept, Societies, Store};
use super::task::{State, Task};
use std::collections::BTreeMap;

/// After so many steps nothing goes wrong any more, so that the world ends.
pub(super) const STEPS_WITH_FAULTS: usize = 400;
const INSTANCES_MAX: usize = 3;
/// So many batches of an instance wait to be committed at most; then it reads no more.
const HELD_MAX: usize = 12;
const HOUR_MS: i64 = 3_600_000;

/// A process.
pub(super) struct Instance {
    pub(super) tasks: BTreeMap<Partition, Task>,
    /// Handled, and not committed.
    held: Vec<Step>,
    /// A commit was not answered: whether it counts, the offsets tell.
    is_unsure: bool,
    /// A copy of a state that is being written, beside everything else.
    copy: Option<(Partition, Kept)>,
    rules: usize,
    /// So many partitions with events there were when it started.
    known: usize,
    /// How far its clock is off.
    clock_ms: i64,
}

/// See the module.
pub(super) struct World<'b> {
    books: &'b Books,
    pub(super) log: Log,
    store: Store,
    pub(super) instances: Vec<Instance>,
    tenancies: usize,
    /// The rules that are in force.
    rules: usize,
    random: Random,
    societies: Societies,
    steps: usize,
    is_told: bool,
}

impl<'b> World<'b> {
    /// What happens is told on stderr if that is wanted.
    pub(super) fn new(books: &'b Books, random: Random, is_told: bool) -> Self {
        Self {
            books,
            log: Log::new(),
            store: Store::default(),
            instances: Vec::new(),
            tenancies: 0,
            rules: 0,
            random,
            societies: Societies::default(),
            steps: 0,
            is_told,
        }
    }

    /// Lives through the waves.
    pub(super) fn live(&mut self, waves: Vec<Wave>, is_faulty: bool) {
        for wave in waves {
            self.log.append(wave);
            self.tell("a wave", None);
            while !self.log.is_quiet() {
                let is_faulty = is_faulty && self.steps < STEPS_WITH_FAULTS;
                self.store.is_away &= is_faulty;
                self.assign();
                self.work(is_faulty);
                self.steps += 1;
                assert!(self.steps < 100_000, "the world does not end");
                let held = self.instances.iter().map(|it| it.held.len()).max();
                assert!(held <= Some(HELD_MAX), "invariant 5: {held:?} batches are held");
            }
        }
    }

    fn tell(&self, what: &str, partition: Option<Partition>) {
        if self.is_told {
            eprintln!("{}: {what} {}", self.steps, partition.map_or(String::new(), |it| format!("{it:?}")));
        }
    }

    fn start(&mut self) {
        let rules = self.rules;
        self.instances.push(Instance {
            tasks: BTreeMap::new(),
            held: Vec::new(),
            is_unsure: false,
            copy: None,
            rules,
            known: self.log.events.len(),
            clock_ms: 0,
        });
    }

    /// Partitions that are nobody's find somebody.
    fn assign(&mut self) {
        if self.instances.is_empty() {
            self.start();
        }
        for partition in self.log.all() {
            if self.tenant(partition).is_none() {
                let at = self.random.below(self.instances.len());
                self.give(partition, at);
            }
        }
    }

    /// Who may commit what is of the partition.
    pub(super) fn tenant(&self, partition: Partition) -> Option<&Task> {
        let tasks = self.instances.iter().filter_map(|it| it.tasks.get(&partition));
        tasks.into_iter().find(|it| self.log.is_tenant(partition, it.tenancy))
    }

    /// Where the store is away nobody can take a partition up.
    fn give(&mut self, partition: Partition, at: usize) {
        self.tenancies += 1;
        self.log.give(partition, self.tenancies);
        if self.store.is_away {
            return;
        }
        self.tell("is given", Some(partition));
        let now = (self.now_ms(at), self.instances[at].known);
        let whose = (partition, self.tenancies);
        let (log, rules) = ((&self.log, &mut self.store), self.instances[at].rules);
        let task = Task::resume(self.books, rules, log, whose, now, &mut self.societies);
        self.instances[at].tasks.insert(partition, task);
    }

    fn now_ms(&self, at: usize) -> i64 {
        MONDAY_MS + 2 * HOUR_MS + i64::try_from(self.steps).unwrap() + self.instances[at].clock_ms
    }

    /// What others own by now is refused, and the instance learns of it. It may never hear that the rest counts.
    fn commit(&mut self, at: usize, is_answered: bool) {
        let (instance, log) = (&mut self.instances[at], &mut self.log);
        instance.tasks.retain(|partition, it| log.is_tenant(*partition, it.tenancy));
        instance.held.retain(|it| log.is_tenant(it.partition, it.tenancy));
        if std::mem::take(&mut instance.is_unsure) {
            instance.held.retain(|it| it.end.is_none_or(|end| end > log.committed(it.partition)));
        }
        if is_answered {
            log.commit(std::mem::take(&mut instance.held));
        } else {
            instance.is_unsure = true;
            let again = |it: &Step| Step { records: it.records.clone(), ..*it };
            log.commit(instance.held.iter().map(again).collect::<Vec<_>>());
        }
    }

    /// Copies a state, or goes on to write the one that was copied. Whoever has lost the partition does not know it, and writes all the same.
    fn keep(&mut self, at: usize, partition: Partition) {
        let instance = &mut self.instances[at];
        if let Some((partition, kept)) = instance.copy.take() {
            if !self.store.is_away {
                let committed = instance.tasks.get(&partition).map(|_| self.log.committed(partition));
                self.store.write(partition, kept, committed);
            }
        } else {
            let copy = instance.tasks.get(&partition).and_then(|it| it.copy(self.books, &mut self.societies));
            instance.copy = copy.map(|it| (partition, it));
        }
    }

    fn handle(&mut self, at: usize, partition: Partition) {
        let (count, now_ms) = (1 + self.random.below(30), self.now_ms(at));
        let instance = &mut self.instances[at];
        let Some(task) = instance.tasks.get_mut(&partition).filter(|_| instance.held.len() < HELD_MAX) else { return };
        let log = (&self.log, &mut self.store);
        instance.held.extend(task.handle(self.books, instance.rules, log, (count, now_ms), &mut self.societies));
    }

    fn idle(&mut self, at: usize, partition: Partition) {
        let instance = &mut self.instances[at];
        let Some(task) = instance.tasks.get_mut(&partition).filter(|_| instance.held.len() < HELD_MAX) else { return };
        instance.held.extend(task.idle(self.books, &self.log));
    }

    fn work(&mut self, is_faulty: bool) {
        let Some(at) = self.random.pick(0..self.instances.len()) else { return };
        let Some(partition) = self.random.pick(self.instances[at].tasks.keys().copied()) else {
            // It has nothing left, or nothing yet; a store that is away comes back some time.
            self.store.is_away &= self.random.percent(80);
            return self.commit(at, true);
        };
        match self.random.below(if is_faulty { 106 } else { 70 }) {
            0..40 => self.handle(at, partition),
            40..48 => self.idle(at, partition),
            48..70 => self.commit(at, true),
            70..82 => self.keep(at, partition),
            _ => self.go_wrong(at, partition),
        }
    }

    fn go_wrong(&mut self, at: usize, partition: Partition) {
        match self.random.below(24) {
            // It counts, and nobody lives to hear of it; or nobody hears of it, and lives.
            0 | 1 => {
                self.tell("counts, and dies", Some(partition));
                self.commit(at, true);
                self.instances.remove(at);
            }
            2 | 3 => {
                self.tell("counts unheard", Some(partition));
                self.commit(at, false);
            }
            4 | 5 => {
                self.tell("dies", Some(partition));
                self.instances.remove(at);
            }
            6 => {
                self.tell("all die", None);
                self.instances.clear();
            }
            7 | 8 if self.instances.len() < INSTANCES_MAX => self.start(),
            9..12 => {
                self.tell("is damaged", Some(partition));
                self.store.damage(partition, self.log.committed(partition), &mut self.random);
            }
            12 => {
                self.tell("store comes or goes", None);
                self.store.is_away = !self.store.is_away;
            }
            13 => {
                // Back by less than they are ahead of events, or these are not believed any more; and far ahead.
                let steps_ms = [-50 * 60_000, -60_000, 0, 5 * 60_000, 72 * HOUR_MS];
                self.instances[at].clock_ms = steps_ms[self.random.below(steps_ms.len())];
            }
            14 | 15 => {
                self.tell("rules change", Some(partition));
                // Whoever starts from now on has them from the first; each of the others when it looks.
                self.rules = 1 - self.instances[at].rules;
                self.instances[at].rules = self.rules;
            }
            _ => self.rebalance(at, partition),
        }
    }

    /// In order, or without whoever had the partition knowing of it.
    fn rebalance(&mut self, at: usize, partition: Partition) {
        self.tell("rebalance", Some(partition));
        if self.random.percent(60) {
            self.commit(at, true);
            if self.random.percent(70) {
                self.keep(at, partition);
                self.keep(at, partition);
            }
            self.instances[at].tasks.remove(&partition);
        }
        let to = self.random.below(self.instances.len());
        self.give(partition, to);
    }

    /// In the end nothing waits, and nothing came twice.
    pub(super) fn check_end(&self) {
        let tasks = self.log.all().into_iter().filter_map(|it| self.tenant(it));
        for task in tasks {
            if let State::Owner(owner) = &task.state {
                let stats = owner.stats();
                assert_eq!((stats.merge.pending, stats.merge.hurried, stats.strangers), (0, 0, 0), "{stats:?}");
                assert_eq!(stats.merge.repeated, 0, "invariant 6: a parcel was written twice");
                let lost = (stats.windows.groups_evicted, stats.windows.entries_evicted, stats.windows.entries_thinned);
                assert_eq!(lost, (0, 0, 0), "invariant 5: {stats:?}");
            }
        }
    }
}
