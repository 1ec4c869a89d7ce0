//! The terminal: alerts as they come on stdout, how far we are on stderr below them.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::EventTime;
use owo_colors::OwoColorize;
use serde_json::Value as Json;
use sigma::compile::RuleSet;
use sim::Simulation;

use super::summary::Summary;
use crate::score::grouped;
use crate::show;

/// Where the demo writes; clones write to the same place.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    bar: ProgressBar,
    is_headless: bool,
    alerts: Arc<AtomicU64>,
}

impl Screen {
    /// A headless screen shows nothing but the summary.
    pub(super) fn new(is_headless: bool) -> Self {
        let bar = ProgressBar::new_spinner()
            .with_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        // Where stderr is no terminal, nothing is drawn anyway.
        bar.set_draw_target(if is_headless { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(8) });
        Self { bar, is_headless, alerts: Arc::default() }
    }

    /// Says what there is to see.
    pub(super) fn introduce(&self, simulation: &Simulation, rules: &RuleSet) {
        if self.is_headless {
            return;
        }
        let company = simulation.company();
        let sites: Vec<&str> = company.sites().iter().map(|it| it.name).collect();
        let start = EventTime::from_ms(company.config().start_ms).to_string();
        self.print(&format!(
            "A company of {} people on {} sites ({}) and {} service accounts, {} days from {}.\n\
             {} rules and {} correlations watch its internal tools, through an embedded Kafka. Somebody has its employees' phone numbers.\n",
            company.people().len().bold(),
            sites.len(),
            sites.join(", "),
            company.services().len(),
            company.config().days,
            start.get(..10).unwrap_or(&start),
            rules.rules.len(),
            rules.correlations.len(),
        ));
    }

    /// How far the company is.
    pub(super) fn progress(&self, time: EventTime, events: u64, elapsed: Duration) {
        if self.bar.is_hidden() {
            return;
        }
        let time = time.to_string();
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = events as f64 / elapsed.as_secs_f64().max(0.001);
        let clock = time.get(..16).unwrap_or(&time).replace('T', " ");
        let alerts = self.alerts.load(Ordering::Relaxed);
        self.bar.set_message(format!("{clock}  {} events, {rate:.0}/s, {alerts} alerts", grouped(events)));
        self.bar.tick();
    }

    /// Shows an alert.
    pub(super) fn alert(&self, finding: &Json) {
        self.alerts.fetch_add(1, Ordering::Relaxed);
        if !self.is_headless {
            self.print(&show::alert(finding, show::width()));
        }
    }

    /// Nothing more is coming.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Shows how it ended.
    pub(super) fn conclude(&self, summary: &Summary) {
        self.print(&summary.to_text());
    }

    fn print(&self, text: &str) {
        self.bar.suspend(|| {
            let mut out = anstream::AutoStream::new(std::io::stdout(), self.choice());
            // Whoever reads our output may have seen enough; the demo goes on to its end.
            drop(writeln!(out, "{text}"));
        });
    }

    fn choice(&self) -> anstream::ColorChoice {
        if self.is_headless { anstream::ColorChoice::Never } else { anstream::AutoStream::choice(&std::io::stdout()) }
    }
}
