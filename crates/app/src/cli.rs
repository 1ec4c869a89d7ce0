//! The command line as it is typed; what it means is decided by the commands.

use crate::exit::Exit;
use crate::{demo, rules, run, score, simulate};
use clap::{Parser, Subcommand};

/// Watches internal tools through their audit events: Sigma rules and windows over them, OCSF alerts out.
#[derive(Debug, Parser)]
#[command(name = "nightjar", version, max_term_width = 110, propagate_version = true, subcommand_required = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 what was checked is not in order, 2 usage or configuration, 3 input or output.
Data goes to stdout, everything for people to stderr. NO_COLOR is honoured.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole system in one process: an embedded Kafka, a simulated company under attack, and the alerts as they come
    Demo(demo::DemoArgs),
    /// Production: audit events from Kafka, alerts to Kafka, metrics over HTTP, until SIGTERM
    Run(run::RunArgs),
    /// Score a file of audit events: NDJSON in (plain, gzip or zstd), alerts as NDJSON out
    Score(Box<score::Args>),
    /// Check, list, test and explain rules
    #[command(subcommand)]
    Rules(rules::Command),
    /// Write the audit events of a simulated company, with or without an attack
    Simulate(simulate::Args),
}

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(args) => demo::main(&args),
        Command::Run(args) => run::main(&args),
        Command::Score(args) => score::main(&args),
        Command::Rules(command) => rules::main(&command),
        Command::Simulate(args) => simulate::main(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
