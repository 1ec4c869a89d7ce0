//! A process of `nightjar run`: its configuration, its metrics, and what it takes of the machine.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::stage::{PATIENCE, Stage};

/// The kernel counts processor time in hundredths of a second.
const TICKS_PER_S: f64 = 100.0;
const PAUSE: Duration = Duration::from_millis(20);

/// How an instance is to run.
#[derive(Clone, Copy)]
pub(crate) struct Role<'r> {
    /// The consumer group, which also gives its outputs their names.
    pub(crate) group: &'r str,
    /// What it reads.
    pub(crate) topic: &'r str,
    /// Its own name in the group; empty if it has none.
    pub(crate) name: &'r str,
    /// How often checkpoints are written, if they are.
    pub(crate) checkpoints_ms: Option<u64>,
    /// After so long without a sign of life others take its partitions.
    pub(crate) session_ms: u64,
    /// Whether it keeps the checkpoints of the others in memory.
    pub(crate) standby: bool,
}

/// A process; it is killed when it goes out of scope.
pub(crate) struct Instance {
    child: Option<Child>,
    address: SocketAddr,
    /// What it says.
    pub(crate) log: PathBuf,
    /// Its control group, if its share of the processor is limited.
    limited: Option<PathBuf>,
}

impl Role<'_> {
    fn configuration(&self, stage: &Stage, address: SocketAddr) -> String {
        let Self { group, topic, name, checkpoints_ms, session_ms, standby } = self;
        let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules");
        let (brokers, place) = (&stage.cluster.brokers, stage.path.display());
        let store = checkpoints_ms.map(|_| format!("{place}/{group}.state")).unwrap_or_default();
        let interval_ms = checkpoints_ms.unwrap_or(30_000);
        format!(
            r#"[kafka]
brokers = "{brokers}"
group_id = "{group}"
instance_id = "{name}"
[kafka.properties]
"session.timeout.ms" = {session_ms}
[[sources]]
topics = ["{topic}"]
[rules]
directories = ["{rules}", "{place}/probe"]
[behaviour]
alerts_per_day = 5.0
incidents = "{group}.incidents"
digest = "{group}.digest"
[output]
alerts = "{group}.alerts"
dead_letters = "{group}.dead"
shadow = "{group}.shadow"
[exchange]
topic = "{group}.exchange"
[checkpoints]
store = "{store}"
interval_ms = {interval_ms}
standby = {standby}
[http]
listen = "{address}"
[log]
format = "json"
"#
        )
    }
}

impl Instance {
    pub(crate) fn start(stage: &Stage, role: &Role<'_>, number: u32) -> Self {
        // Free now, and nobody else here looks for one.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = |what: &str| stage.path.join(format!("{}-{number}.{what}", role.group));
        let (configuration, log) = (file("toml"), file("log"));
        fs::write(&configuration, role.configuration(stage, address)).unwrap();
        let told = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(&stage.nightjar);
        command.arg("run").arg("-c").arg(&configuration).current_dir(&stage.path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(told);
        let child = command.spawn().unwrap();
        let limited = stage.share.map(|percent| limit(&child, number, percent));
        Self { child: Some(child), address, log, limited }
    }

    fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// All metrics, if it serves them already.
    pub(crate) fn metrics(&self) -> Option<Metrics> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(Metrics { text })
    }

    /// Waits until its metrics say so.
    pub(crate) fn until(&self, is_so: impl Fn(&Metrics) -> bool) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.metrics().is_some_and(|it| is_so(&it)) {
                return Instant::now();
            }
            assert!(Instant::now() < deadline, "{}: it never came to that", self.log.display());
            std::thread::park_timeout(PAUSE);
        }
    }

    /// Seconds of processor time so far.
    pub(crate) fn cpu_s(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // The name, in parentheses, may hold blanks.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_S
    }

    /// Its memory in use, in megabytes.
    pub(crate) fn rss_mb(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The most memory it has used, in megabytes.
    pub(crate) fn peak_mb(&self) -> f64 {
        self.status("VmHWM:")
    }

    fn status(&self, key: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|it| it.strip_prefix(key)).unwrap_or_default();
        line.split_whitespace().next().and_then(|it| it.parse::<f64>().ok()).unwrap_or_default() / 1_024.0
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap().success());
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|it| it.try_wait().is_ok_and(|it| it.is_some()))
    }

    /// Kills it, as a crash does.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Ends it in order.
    pub(crate) fn stop(self) {
        let log = self.log.clone();
        assert_eq!(self.terminate(), Some(0), "{}", log.display());
    }

    /// Tells it to end, and waits for its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        self.signal("-TERM");
        let code = self.child.take().unwrap().wait().unwrap().code();
        self.end();
        code
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if let Some(group) = self.limited.take() {
            drop(fs::remove_dir(group));
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.end();
    }
}

/// Holds a process to a share of one core.
fn limit(child: &Child, number: u32, percent: u32) -> PathBuf {
    let (period_us, quota_us) = (20_000, u64::from(percent) * 200);
    let name = format!("nightjar-scale-{}-{number}", std::process::id());
    let (first, unified) = (PathBuf::from("/sys/fs/cgroup/cpu").join(&name), PathBuf::from("/sys/fs/cgroup").join(&name));
    let is_first = PathBuf::from("/sys/fs/cgroup/cpu").exists();
    let group = if is_first { first } else { unified };
    fs::create_dir_all(&group).expect("--share needs a control group that can be written");
    let write = |file: &str, text: String| fs::write(group.join(file), text).unwrap();
    if is_first {
        write("cpu.cfs_period_us", format!("{period_us}"));
        write("cpu.cfs_quota_us", format!("{quota_us}"));
    } else {
        write("cpu.max", format!("{quota_us} {period_us}"));
    }
    write("cgroup.procs", format!("{}", child.id()));
    group
}

/// What `/metrics` said.
pub(crate) struct Metrics {
    text: String,
}

impl Metrics {
    fn samples<'m>(&'m self, name: &'m str) -> impl Iterator<Item = (&'m str, f64)> {
        self.text.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then_some(())?;
            Some((labels, value.parse().ok()?))
        })
    }

    /// The sum over all labels.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.samples(name).map(|it| it.1).sum()
    }

    /// The sum over those labels that have `part` in them.
    pub(crate) fn sum_of(&self, name: &str, part: &str) -> f64 {
        self.samples(name).filter(|it| it.0.contains(part)).map(|it| it.1).sum()
    }

    /// The value of the sample whose labels have `part` in them.
    pub(crate) fn of(&self, name: &str, part: &str) -> Option<f64> {
        self.samples(name).find(|it| it.0.contains(part)).map(|it| it.1)
    }

    /// A quantile of a histogram, linear within a bucket; `before` is taken off.
    pub(crate) fn quantile(&self, name: &str, before: Option<&Self>, q: f64) -> f64 {
        let bucket = format!("{name}_bucket");
        let read = |it: &Self| -> Vec<(f64, f64)> {
            let edge = |labels: &str| labels.split("le=\"").nth(1)?.split('"').next()?.parse::<f64>().ok();
            it.samples(&bucket).filter_map(|(labels, count)| Some((edge(labels)?, count))).collect()
        };
        let (mut all, old) = (read(self), before.map(read).unwrap_or_default());
        all.iter_mut().zip(&old).for_each(|(it, old)| it.1 -= old.1);
        let wanted = all.last().map_or(0.0, |it| it.1) * q;
        let mut low = (0.0, 0.0);
        for (edge, count) in all {
            if count >= wanted && count > low.1 {
                return if edge.is_finite() { low.0 + (edge - low.0) * (wanted - low.1) / (count - low.1) } else { low.0 };
            }
            low = (edge, count);
        }
        low.0
    }
}
