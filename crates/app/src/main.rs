//! Nightjar watches internal tools through their audit events: one binary, one command for each way to use the engine.

mod cli;
mod config;
mod context;
mod demo;
mod evaluate;
mod exit;
mod http;
mod load;
mod metrics;
mod profile;
mod rules;
mod run;
mod score;
mod show;
mod simulate;
mod state;
mod states;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    exit::code(cli::run(cli))
}
