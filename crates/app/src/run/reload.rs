//! Hot reload: a thread of its own reads and compiles the whole set anew, and swaps it if there is no error in it.
//!
//! Files are watched by looking at their content every so often. Notifications of the kernel would be quicker by a second, but they
//! miss what matters here: a `ConfigMap` is updated by swapping a symbolic link beside the mounted folder, network file systems send
//! none at all, and an editor or `git` replaces a file in several steps. A content is what it is, and one that is the same at two looks
//! is complete.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use crossbeam_channel::{Receiver, Sender, bounded};
use engine::carry::Carried;
use engine::context::{File, Table, TableInfo};
use engine::{Policy, Rulebook};
use model::{Exception, SourceMapping};
use sigma::problem::Problem;

use super::clock;
use super::live::LiveRules;
use crate::load;
use crate::metrics::Metrics;
use crate::show::escaped;

/// Looking takes at most this part of the time: a pack of thousands of files is looked at less often.
const LOOK_SHARE: u32 = 50;
/// Orders that wait while a set is compiled. Whoever comes later waits with them.
const ORDERS_MAX: usize = 16;
/// Problems that are logged when a set is refused; `nightjar rules check` tells all.
const PROBLEMS_TOLD: usize = 10;
/// Why placeholders are filled anew.
const CONTEXT: &str = "context";

/// What is loaded, and how.
#[derive(Debug, Clone)]
pub(crate) struct RuleSources {
    /// Folders of rules.
    pub(crate) directories: Vec<PathBuf>,
    /// Folder of lists.
    pub(crate) context: Option<PathBuf>,
    /// Files of exceptions besides those in `context`.
    pub(crate) exceptions: Vec<PathBuf>,
    /// The sources that rules are compiled for.
    pub(crate) mappings: Vec<SourceMapping>,
    /// There is a topic with rows of the context.
    pub(crate) has_context_topic: bool,
    /// There is a topic for what is grouped by something else than the actor.
    pub(crate) has_exchange: bool,
    /// Rules in shadow page.
    pub(crate) includes_shadow: bool,
    /// Whose profiles are kept.
    pub(crate) watch: load::Watch,
}

/// A set that was read and compiled.
pub(crate) struct LoadedSet {
    /// The rules, with the exceptions of the files.
    pub(crate) book: Rulebook,
    /// Everything that was wrong or doubtful on the way.
    pub(crate) problems: Vec<Problem>,
    /// The tables of the context.
    pub(crate) tables: Vec<TableInfo>,
    /// Those whose columns placeholders stand for.
    expanded: Vec<Table>,
    /// The exceptions of the files.
    exceptions: Vec<Exception>,
}

impl RuleSources {
    /// Reads and compiles everything, with the tables in `over`, those of the topic, laid over those from files.
    pub(crate) fn load(&self, over: &[File]) -> Result<LoadedSet> {
        let over = self.has_context_topic.then_some(over);
        let rules = load::rules_under(over, &self.directories, self.context.as_deref(), &self.mappings, self.watch)?;
        if !self.has_exchange && rules.book.needs_exchange() {
            bail!(
                "some rules are grouped by something else than the actor, and exchange.topic is empty: name a topic, or leave these rules out"
            );
        }
        let mut problems = rules.problems;
        let loaded = load::exceptions(&self.directories, self.context.as_deref(), &self.exceptions, clock::now(), &mut problems)?;
        load::check_exceptions(&loaded, &self.directories, &rules.book.set, &mut problems);
        let exceptions: Vec<Exception> = loaded.into_iter().map(|(exception, _)| exception).collect();
        let policy = Policy::new(exceptions.clone(), self.includes_shadow)?;
        let (tables, expanded) = (rules.tables, rules.expanded);
        Ok(LoadedSet { book: rules.book.with_policy(policy), problems, tables, expanded, exceptions })
    }

    /// A number that changes with the content of any file that [`Self::load`] reads.
    fn fingerprint(&self) -> u64 {
        load::fingerprint(&self.directories, self.context.as_deref(), &self.exceptions)
    }
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Other rules, exceptions or context are in force.
    Applied(Carried),
    /// The set says what the one in force says.
    Unchanged,
    /// Something is wrong with it, and nothing has changed.
    Refused(String),
}

impl Outcome {
    /// The word for the metric.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused(_) => "refused",
        }
    }
}

/// What the thread is told.
enum Order {
    /// Reload now, whatever the files look like.
    Reload { cause: &'static str, reply: Option<Sender<Outcome>> },
    /// These are the exceptions of the topic from now on.
    Exceptions { exceptions: Vec<Exception>, reply: Sender<()> },
    /// These are the tables of the topic from now on.
    Context { tables: Vec<File>, reply: Sender<()> },
}

/// Asks for reloads.
#[derive(Debug, Clone)]
pub(crate) struct ReloadHandle {
    orders: Sender<Order>,
}

impl ReloadHandle {
    /// Reloads and waits for the outcome. `None` when the process is about to end.
    #[expect(dead_code, reason = "the HTTP API will call it; signals don't wait")]
    pub(crate) fn reload(&self, cause: &'static str) -> Option<Outcome> {
        let (reply, outcome) = bounded(1);
        self.orders.send(Order::Reload { cause, reply: Some(reply) }).ok()?;
        outcome.recv().ok()
    }

    /// Asks for a reload and goes on. With so many orders waiting, one of them will do.
    pub(crate) fn nudge(&self, cause: &'static str) {
        drop(self.orders.try_send(Order::Reload { cause, reply: None }));
    }

    /// Puts the exceptions of the topic in force, in the place of those that it had before, and waits until they are.
    pub(super) fn exceptions(&self, exceptions: Vec<Exception>) {
        let (reply, done) = bounded(1);
        if self.orders.send(Order::Exceptions { exceptions, reply }).is_ok() {
            // Disconnected: the process is about to end.
            let _ = done.recv();
        }
    }
}

impl ReloadHandle {
    /// Lays the tables of the topic over those from files, in the place of those that it had before, and waits until they are in force.
    pub(super) fn context(&self, tables: Vec<File>) {
        let (reply, done) = bounded(1);
        if self.orders.send(Order::Context { tables, reply }).is_ok() {
            // Disconnected: the process is about to end.
            let _ = done.recv();
        }
    }
}

/// Logs what is wrong or doubtful with a set that is in force.
pub(super) fn tell(problems: &[Problem]) {
    for problem in problems {
        let text = escaped(&problem.to_string());
        if problem.is_error() {
            tracing::error!("{text}");
        } else {
            tracing::warn!("{text}");
        }
    }
}

/// The running thread. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Reloads {
    handle: Option<ReloadHandle>,
    /// Dropped to end the thread, whoever else still has a handle.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reloads {
    /// Starts to watch. `loaded` is what `sources` gave and what is in force; `interval` zero looks at no file.
    pub(crate) fn start(
        sources: RuleSources,
        loaded: &LoadedSet,
        live: Arc<LiveRules>,
        metrics: Arc<Metrics>,
        interval: Duration,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = bounded(ORDERS_MAX);
        let (end, ended) = bounded(0);
        let reloader = Reloader {
            tried: sources.fingerprint(),
            sources,
            of_files: loaded.exceptions.clone(),
            of_topic: Vec::new(),
            tables_of_topic: Vec::new(),
            expanded: loaded.expanded.clone(),
            known_errors: loaded.problems.iter().filter(|it| it.is_error()).map(bare).collect(),
            live,
            metrics,
            interval,
            pause: interval,
            seen: None,
        };
        let thread = std::thread::Builder::new().name("rules".to_owned()).spawn(move || reloader.work(&inbox, &ended))?;
        Ok(Self { handle: Some(ReloadHandle { orders }), end: Some(end), thread: Some(thread) })
    }

    /// Something to ask with.
    pub(crate) fn handle(&self) -> ReloadHandle {
        self.handle.clone().expect("it is there until the value is dropped")
    }
}

impl Drop for Reloads {
    fn drop(&mut self) {
        (self.handle, self.end) = (None, None);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Reloader {
    sources: RuleSources,
    /// Exceptions of the files that are in force.
    of_files: Vec<Exception>,
    /// Exceptions of the topic.
    of_topic: Vec<Exception>,
    /// Tables of the topic.
    tables_of_topic: Vec<File>,
    /// The tables whose columns placeholders stand for in the rules in force.
    expanded: Vec<Table>,
    /// What the process began with in spite of it: rules that are left out.
    known_errors: Vec<Problem>,
    live: Arc<LiveRules>,
    metrics: Arc<Metrics>,
    interval: Duration,
    /// Until the next look.
    pause: Duration,
    /// The fingerprint of what was loaded last, or refused.
    tried: u64,
    /// The fingerprint at the last look, if it was another one.
    seen: Option<u64>,
}

impl Reloader {
    fn work(mut self, orders: &Receiver<Order>, ended: &Receiver<()>) {
        loop {
            // A day is as good as never.
            let pause = if self.interval.is_zero() { Duration::from_hours(24) } else { self.pause };
            crossbeam_channel::select! {
                recv(orders) -> order => match order {
                    Ok(Order::Reload { cause, reply }) => {
                        let outcome = self.reload(cause);
                        if let Some(reply) = reply {
                            drop(reply.send(outcome));
                        }
                    }
                    Ok(Order::Exceptions { exceptions, reply }) => {
                        self.take_exceptions(exceptions);
                        let _ = reply.send(());
                    }
                    Ok(Order::Context { tables, reply }) => {
                        self.take_context(tables);
                        let _ = reply.send(());
                    }
                    Err(_) => return,
                },
                recv(ended) -> _ => return,
                default(pause) => self.look(),
            }
        }
    }

    /// Looks at the files. What is the same at two looks in a row and was not tried yet is loaded.
    fn look(&mut self) {
        let begun = Instant::now();
        let found = self.sources.fingerprint();
        self.pause = self.interval.max(begun.elapsed() * LOOK_SHARE);
        if found == self.tried {
            self.seen = None;
        } else if self.seen.replace(found) == Some(found) {
            self.reload("files");
        }
    }

    fn reload(&mut self, cause: &'static str) -> Outcome {
        let begun = Instant::now();
        (self.tried, self.seen) = (self.sources.fingerprint(), None);
        let outcome = self.attempt(cause);
        self.metrics.loaded.reloaded(outcome.as_str(), clock::now());
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Outcome::Applied(Carried { kept, reset, added, removed }) => {
                let book = self.live.book();
                let rules = book.set.rules.len() + book.set.correlations.len();
                tracing::info!(cause, ms, rules, kept, reset, added, removed, rule_set = &*book.set.hash, "rules reloaded");
            }
            Outcome::Unchanged => tracing::info!(cause, ms, "rules looked at again: nothing has changed"),
            Outcome::Refused(reason) => {
                tracing::error!(cause, ms, reason, "rules not reloaded: those of before stay in force");
            }
        }
        outcome
    }

    /// Loads everything, and swaps it if there is no error in it. When nobody has touched a file, only those errors count that are new.
    fn attempt(&mut self, cause: &str) -> Outcome {
        let loaded = match self.sources.load(&self.tables_of_topic) {
            Ok(loaded) => loaded,
            Err(error) => return Outcome::Refused(escaped(&format!("{error:#}"))),
        };
        let is_old = |it: &Problem| cause == CONTEXT && self.known_errors.contains(&bare(it));
        let errors: Vec<&Problem> = loaded.problems.iter().filter(|it| it.is_error() && !is_old(it)).collect();
        if let Some(first) = errors.first() {
            errors.iter().take(PROBLEMS_TOLD).for_each(|it| tracing::error!("{}", escaped(&it.to_string())));
            return Outcome::Refused(escaped(&format!("{} errors, the first: {first}", errors.len())));
        }
        if loaded.book.set.rules.is_empty() && loaded.book.set.correlations.is_empty() {
            return Outcome::Refused("there are no rules any more".to_owned());
        }
        let in_force = self.live.book();
        let is_known = in_force.context.says_the_same(&loaded.book.context);
        if *in_force.set.hash == *loaded.book.set.hash && self.of_files == loaded.exceptions && is_known {
            return Outcome::Unchanged;
        }
        let policy = match self.policy(&loaded.exceptions) {
            Ok(policy) => policy,
            Err(reason) => return Outcome::Refused(reason),
        };
        tell(&loaded.problems);
        self.metrics.loaded.rules(&loaded.book, &loaded.problems);
        self.metrics.loaded.context(&loaded.tables);
        self.metrics.loaded.exceptions(&policy, clock::now());
        (self.of_files, self.expanded) = (loaded.exceptions, loaded.expanded);
        self.known_errors.retain(|old| loaded.problems.iter().any(|it| bare(it) == *old));
        Outcome::Applied(self.live.swap(loaded.book.with_policy(policy)))
    }

    /// Exceptions of files and topic together; of two with one id that of the topic, which is the later word.
    fn policy(&self, of_files: &[Exception]) -> Result<Policy, String> {
        let is_newer = |it: &&Exception| !self.of_topic.iter().any(|other| other.id == it.id);
        let all = of_files.iter().filter(is_newer).chain(&self.of_topic).cloned().collect();
        Policy::new(all, self.sources.includes_shadow).map_err(|error| error.to_string())
    }

    /// Makes the context anew and swaps it: with the rules, if placeholders stand for columns of a table that has changed, else alone. With an
    /// error in a file that of before stays in force until the file is mended, which is a reload that takes the tables along.
    fn take_context(&mut self, tables: Vec<File>) {
        let begun = Instant::now();
        let before = std::mem::replace(&mut self.tables_of_topic, tables);
        let context = self.sources.context.as_deref();
        let loaded = match load::context_under(&self.tables_of_topic, &self.sources.directories, context, &[]) {
            Ok(loaded) => loaded,
            Err(error) => {
                let reason = escaped(&format!("{error:#}"));
                return tracing::error!(reason, "the context of the topic is not taken: that of before stays in force");
            }
        };
        if let Some(first) = loaded.problems.iter().find(|it| it.is_error()) {
            let reason = escaped(&first.to_string());
            return tracing::error!(reason, "the context of the topic is not taken: that of before stays in force");
        }
        let book = self.live.book();
        if book.context.says_the_same(&loaded.context) {
            return;
        }
        let is_changed = |it: &Table| text_of(*it, &before) != text_of(*it, &self.tables_of_topic);
        let expands = self.expanded.iter().any(is_changed);
        // Whoever looks somebody up does not wait until rules are mended that can't be made with the new values.
        if !expands || matches!(self.reload(CONTEXT), Outcome::Refused(_)) {
            self.metrics.loaded.context(&loaded.tables);
            self.live.swap(Rulebook::clone(&book).with_context(Arc::new(loaded.context)));
        }
        let of_topic: usize = self.tables_of_topic.iter().map(|it| it.text.lines().count()).sum();
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(ms, of_topic, "the context of the topic is in force");
    }

    fn take_exceptions(&mut self, exceptions: Vec<Exception>) {
        let before = std::mem::replace(&mut self.of_topic, exceptions);
        match self.policy(&self.of_files) {
            Ok(policy) => {
                self.metrics.loaded.exceptions(&policy, clock::now());
                tracing::info!(of_topic = self.of_topic.len(), in_all = policy.exceptions().len(), "exceptions are in force");
                self.live.swap(Rulebook::clone(&self.live.book()).with_policy(policy));
            }
            Err(reason) => {
                tracing::error!(reason, "exceptions not taken: those of before stay in force");
                self.of_topic = before;
            }
        }
    }
}

/// What `files` say in a table.
fn text_of(table: Table, files: &[File]) -> Option<&str> {
    files.iter().find(|it| Table::of_file(&it.name).is_some_and(|it| it.0 == table)).map(|it| it.text.as_str())
}

/// A problem without its hint, which may name what else there is.
fn bare(problem: &Problem) -> Problem {
    Problem { hint: None, ..problem.clone() }
}
