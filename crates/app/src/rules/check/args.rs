//! The arguments of `rules check`, and what they choose.

use crate::exit::Usage;
use crate::load;
use crate::rules::exceptions;
use anyhow::Result;
use clap::ValueEnum;
use model::EventTime;
use sigma::parse::nearest::nearest;
use sigma::problem::{Code, Problem, Severity};
use std::path::PathBuf;

/// `nightjar rules check`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules check rules
  nightjar rules check rules --fix
  nightjar rules check rules --fix --select NJ1003,NJ1005
  nightjar rules check rules --deny-warnings --format github
  nightjar rules check --explain NJ0210

A comment allows a problem where it is meant, on the line or the one above it:
  # nightjar: allow NJ1304 the index only has failures")]
pub(crate) struct Args {
    /// Folders or files of Sigma rules
    #[arg(value_name = "DIR", default_value = load::RULES_DIR)]
    pub(super) dirs: Vec<PathBuf>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    pub(super) context: Option<PathBuf>,
    /// File of exceptions that is checked too, besides those in the `context` folders; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) exceptions: Vec<PathBuf>,
    /// What time it is taken to be, for dates and exceptions [default: the clock]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How problems are written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Output,
    /// Tell what a code is about, with an example; `all` tells of every code
    #[arg(long, value_name = "CODE")]
    pub(super) explain: Option<String>,
    /// Mend what can be mended without changing which events match
    #[arg(long)]
    pub(super) fix: bool,
    /// With --fix: show the changes as a difference, write nothing; fails while there is something to change
    #[arg(long, requires = "fix")]
    pub(super) dry_run: bool,
    /// Tell and mend only these codes (numbers or names); errors are told in any case
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Say nothing of these codes (numbers or names)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(super) allow: Vec<String>,
    /// Count these codes as errors
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(super) deny: Vec<String>,
    /// Fail on warnings too
    #[arg(long)]
    pub(super) deny_warnings: bool,
}

/// How problems are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Output {
    /// Pictures of the lines for people
    #[default]
    Text,
    /// A line each, `file:line:column: error[NJ0123]: …`
    Short,
    /// JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// `JUnit` XML, for any CI
    Junit,
    /// Workflow commands of GitHub Actions, which it shows beside the lines
    Github,
}

/// Which codes are not told, and which count as errors.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// `None`: every code.
    selected: Option<Vec<Code>>,
    allowed: Vec<Code>,
    denied: Vec<Code>,
}

impl Args {
    pub(super) fn now(&self) -> Result<EventTime> {
        self.now.as_ref().map_or_else(exceptions::now, |text| exceptions::time(text))
    }

    pub(super) fn choice(&self) -> Result<Choice> {
        let selected = if self.select.is_empty() { None } else { Some(codes(&self.select)?) };
        let choice = Choice { selected, allowed: codes(&self.allow)?, denied: codes(&self.deny)? };
        if let Some(both) = choice.allowed.iter().find(|it| choice.denied.contains(it)) {
            return Err(Usage::new(format!("{both} is both allowed and denied")));
        }
        if let Some(error) = choice.allowed.iter().find(|it| it.severity() == Severity::Error) {
            return Err(Usage::new(format!("{error} can't be allowed: the document does not load")));
        }
        Ok(choice)
    }
}

impl Choice {
    /// Whether `--fix` may mend problems of a code.
    pub(super) fn mends(&self, code: Code) -> bool {
        self.selected.as_ref().is_none_or(|it| it.contains(&code))
    }

    /// The problems that are told, in their order.
    pub(super) fn apply(&self, mut problems: Vec<Problem>) -> Vec<Problem> {
        problems.retain(|it| it.is_error() || self.mends(it.code) && !self.allowed.contains(&it.code));
        for problem in problems.iter_mut().filter(|it| self.denied.contains(&it.code)) {
            problem.severity = Severity::Error;
        }
        problems
    }
}

fn codes(texts: &[String]) -> Result<Vec<Code>> {
    texts.iter().map(|it| code(it)).collect()
}

/// The code that is written so.
pub(super) fn code(text: &str) -> Result<Code> {
    Code::parse(text.trim()).ok_or_else(|| {
        let known = Code::ALL.iter().flat_map(|it| [it.as_str(), it.name()]);
        let hint = nearest(text, known).map_or_else(String::new, |it| format!("; did you mean `{it}`?"));
        Usage::new(format!("no code is called `{text}`{hint}"))
    })
}
