//! The command line as it is typed; what it means is decided by the commands.

use crate::exit::Exit;
use crate::{context, demo, evaluate, profile, rules, run, score, simulate, states};
use anstream::ColorChoice;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::io::Write;

/// Watches internal tools through their audit events: Sigma rules and windows over them, OCSF alerts out.
#[derive(Debug, Parser)]
#[command(name = "nightjar", version, max_term_width = 110, propagate_version = true, subcommand_required = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// When colours are written; `auto` is on a terminal that has them
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

/// `--color`
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
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
    /// What is known about people, tickets and things: check its tables
    #[command(subcommand)]
    Context(context::Command),
    /// Write the audit events of a simulated company, with or without an attack
    Simulate(simulate::Args),
    /// Say what of a labelled exercise was caught, how early, and at what noise
    Evaluate(evaluate::Args),
    /// Show what is normal for one person: hours, rates beside the peers', known devices and networks
    Profile(profile::Args),
    /// Look at the checkpoints that `run` keeps: list, show, verify, export
    #[command(subcommand)]
    State(states::Command),
    /// Write completions for a shell: bash, elvish, fish, powershell or zsh
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

const COMPLETIONS: &str = "\
Examples:
  nightjar completions bash > ~/.local/share/bash-completion/completions/nightjar
  nightjar completions zsh > ~/.zfunc/_nightjar
  nightjar completions fish > ~/.config/fish/completions/nightjar.fish";

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Exit> {
    match cli.color {
        Color::Auto => {}
        Color::Always => ColorChoice::Always.write_global(),
        Color::Never => ColorChoice::Never.write_global(),
    }
    match cli.command {
        Command::Demo(args) => demo::main(&args),
        Command::Run(args) => run::main(&args),
        Command::Score(args) => score::main(&args),
        Command::Rules(command) => rules::main(&command),
        Command::Context(command) => context::main(&command),
        Command::Simulate(args) => simulate::main(&args),
        Command::Evaluate(args) => evaluate::main(&args),
        Command::Profile(args) => profile::main(&args),
        Command::State(command) => states::main(&command),
        Command::Completions { shell } => completions(shell),
    }
}

/// Written as a whole: the generator panics where the pipe is closed.
fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nightjar", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
