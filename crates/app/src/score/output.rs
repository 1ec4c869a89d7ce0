//! What comes out: alerts, dead letters, progress; everything in the order of the input.

use super::args::{Form, Options};
use super::bad::BadLines;
use super::decode::Rows;
use super::desk::{Desk, Kind};
use super::seat::Seat;
use super::stats::Tally;
use anyhow::{Context, Result};
use engine::behaviour::Scored;
use indicatif::{ProgressBar, ProgressStyle};
use model::EventTime;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use stream::files::{Progress, ReadError};

/// Alerts have a few kilobytes each, and a round may have many.
const BUFFER_BYTES: usize = 256 * 1024;

/// The ends that results go to.
pub(super) struct Output {
    alerts: Box<dyn Write + Send>,
    /// Findings that page nobody; none is a place where they are only counted.
    shadow: Option<Box<dyn Write + Send>>,
    scores: Option<Box<dyn Write + Send>>,
    incidents: Option<Box<dyn Write + Send>>,
    digests: Option<Box<dyn Write + Send>>,
    /// What is before is only learnt.
    learn_until: EventTime,
    bad: BadLines,
    bar: Option<(ProgressBar, Progress)>,
    tally: Tally,
}

impl Output {
    /// Opens, and empties, the files that the options name.
    pub(super) fn open(options: &Options, progress: Progress) -> Result<Self> {
        // On a terminal that shows the alerts, a bar would be in their way.
        let has_bar = !options.is_quiet && io::stderr().is_terminal() && (options.alerts.is_some() || !io::stdout().is_terminal());
        let bar = has_bar.then(|| (bar(&progress), progress));
        let shadow = options.shadow.as_deref().map(|path| file(path, options.form, "shadow findings")).transpose()?;
        let scores = options.scores.as_deref().map(|path| file(path, Form::Ocsf, "scores")).transpose()?;
        let incidents = options.incidents.as_deref().map(|path| file(path, Form::Ocsf, "incidents")).transpose()?;
        let digests = options.digest.as_deref().map(|path| file(path, Form::Ocsf, "the digest")).transpose()?;
        Ok(Self {
            alerts: alerts(options)?,
            shadow,
            scores,
            incidents,
            digests,
            learn_until: options.learn_until,
            bad: BadLines::new(options)?,
            bar,
            tally: Tally::default(),
        })
    }

    /// The lines of a block that are no events.
    pub(super) fn bad_lines(&mut self, rows: &Rows<'_>) -> Result<()> {
        let bad = &mut self.bad;
        match &self.bar {
            Some((bar, _)) if !rows.bad.is_empty() => bar.suspend(|| bad.block(rows)),
            _ => bad.block(rows),
        }
    }

    /// The input can't be read further.
    pub(super) fn broken(&mut self, error: &ReadError) -> Result<()> {
        if let Some((bar, _)) = &self.bar {
            bar.finish_and_clear();
        }
        self.bad.broken(error)
    }

    /// The scores of the events of a round, in their order.
    pub(super) fn scores(&mut self, seats: &[Seat]) -> Result<()> {
        let Some(out) = &mut self.scores else { return Ok(()) };
        let mut all: Vec<&Scored> = seats.iter().flat_map(|it| &it.scores).filter(|it| it.time >= self.learn_until).collect();
        all.sort_by_key(|it| it.position);
        let mut line = Vec::new();
        for it in all {
            line.clear();
            it.write_json(&mut line);
            out.write_all(&line).context("cannot write scores")?;
        }
        out.flush().context("cannot write scores")
    }

    /// What goes out after a round, in its order.
    pub(super) fn records(&mut self, desk: &Desk) -> Result<()> {
        for (kind, line) in desk.lines() {
            match kind {
                Kind::Alert(rule, delivery) => {
                    if delivery.is_page() {
                        self.alerts.write_all(line).context("cannot write alerts")?;
                    } else if let Some(shadow) = &mut self.shadow {
                        shadow.write_all(line).context("cannot write shadow findings")?;
                    }
                    self.tally.alert(rule, delivery);
                }
                Kind::Incident => write(&mut self.incidents, line).context("cannot write incidents")?,
                Kind::Digest => write(&mut self.digests, line).context("cannot write the digest")?,
            }
        }
        self.alerts.flush().context("cannot write alerts")?;
        for out in [&mut self.shadow, &mut self.incidents, &mut self.digests].into_iter().flatten() {
            out.flush().context("cannot write shadow findings, incidents or the digest")?;
        }
        self.bad.flush()
    }

    /// How far the input was read, in decompressed bytes, and which time it has come to.
    pub(super) fn progress(&mut self, bytes: u64, latest: Option<EventTime>) {
        self.tally.bytes = bytes;
        if let Some((bar, progress)) = &self.bar {
            bar.set_position(progress.read());
            bar.set_message(learning(latest, self.learn_until));
        }
    }

    /// Writes what is left, and says what was counted.
    pub(super) fn finish(self) -> Result<Tally> {
        if let Some((bar, _)) = &self.bar {
            bar.finish_and_clear();
        }
        let bad_by_reason = self.bad.finish()?;
        Ok(Tally { bad_by_reason, ..self.tally })
    }
}

/// What stands before the bar: `learning until 2026-02-01, is at 2026-01-12: `.
fn learning(latest: Option<EventTime>, until: EventTime) -> String {
    match latest {
        Some(latest) if latest < until => format!("learning until {}, is at {}: ", date(until), date(latest)),
        _ => String::new(),
    }
}

fn date(time: EventTime) -> String {
    time.to_string().chars().take("2026-01-31".len()).collect()
}

/// Writes a line where there is a place for it.
fn write(out: &mut Option<Box<dyn Write + Send>>, line: &[u8]) -> io::Result<()> {
    out.as_mut().map_or(Ok(()), |it| it.write_all(line))
}

/// Text has colours, which only terminals get.
fn alerts(options: &Options) -> Result<Box<dyn Write + Send>> {
    let Some(path) = &options.alerts else {
        return Ok(match options.form {
            Form::Ocsf => Box::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())),
            Form::Text(_) => Box::new(BufWriter::new(anstream::stdout())),
        });
    };
    file(path, options.form, "alerts")
}

/// A file for `what`.
fn file(path: &Path, form: Form, what: &str) -> Result<Box<dyn Write + Send>> {
    let file = File::create(path).with_context(|| format!("cannot write {what} to {}", path.display()))?;
    Ok(match form {
        Form::Ocsf => Box::new(BufWriter::with_capacity(BUFFER_BYTES, file)),
        Form::Text(_) => Box::new(BufWriter::new(anstream::StripStream::new(file))),
    })
}

fn bar(progress: &Progress) -> ProgressBar {
    let (bar, template) = match progress.total() {
        Some(total) => (ProgressBar::new(total), "{msg}{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"),
        None => (ProgressBar::no_length(), "{spinner} {msg}{bytes} read, {bytes_per_sec}"),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the template is a constant that works"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_until_when_it_only_learns() {
        let time = |text: &str| EventTime::parse(text).unwrap();
        let until = time("2026-02-01T00:00:00Z");
        assert_eq!(learning(Some(time("2026-01-12T23:00:00Z")), until), "learning until 2026-02-01, is at 2026-01-12: ");
        assert_eq!(learning(Some(until), until) + &learning(None, until) + &learning(Some(until), EventTime::MIN), "");
    }
}
