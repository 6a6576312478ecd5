//! The project's own tooling: `cargo xtask ci` is the whole check, `cargo xtask setup` installs what the check needs,
//! `cargo xtask stress` measures, `cargo xtask bench` compares, `cargo xtask instructions` counts, `cargo xtask faults`
//! does harm, `cargo xtask fuzz` searches.
//!
//! One file per task. What plain `cargo` can do alone has no task here. Dependencies are few on purpose: everybody
//! who runs the check waits for this package to compile first.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who started it")]

mod api;
mod background;
mod bench;
mod ci;
mod clients;
mod cores;
mod faults;
mod fuzz;
mod instructions;
mod invocation;
mod models;
mod mutants;
mod open_files;
mod quick_start;
mod report;
mod server;
mod setup;
mod smoke;
mod step;
mod steps;
mod stress;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measure the server beside others, and leave the figures in `target/bench`.
    Bench(bench::Args),
    /// Run every check, the same list as on the CI server.
    Ci(ci::Args),
    /// Do to the server what may go wrong, and leave the figures in `target/faults/report.md`.
    Faults(faults::Args),
    /// Search for inputs that break a fuzz target.
    Fuzz(fuzz::Args),
    /// Count what a publish and a delivery take, and compare with `benches/instructions.json`.
    Instructions(instructions::Args),
    /// Seed every bug that a test or a model has to notice.
    Mutants,
    /// Put the server under load, and leave reports under `target/stress`.
    Stress(stress::Args),
    /// Install what the checks need and this machine lacks: browser, curl, proxies, what is written in Node and
    /// Python.
    Setup,
}

fn main() -> ExitCode {
    let workspace = Workspace::here();
    let done = match Cli::parse().task {
        Task::Bench(args) => bench::run(&workspace, &args).map(|()| true),
        Task::Ci(args) => ci::run(&workspace, &args),
        Task::Faults(args) => faults::run(&workspace, &args).map(|()| true),
        Task::Fuzz(args) => fuzz::run(&workspace, &args).map(|()| true),
        Task::Instructions(args) => instructions::run(&workspace, &args).map(|()| true),
        Task::Mutants => mutants::all(&workspace).map(|()| true),
        Task::Stress(args) => stress::run(&workspace, &args).map(|()| true),
        Task::Setup => setup::run(&workspace).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
