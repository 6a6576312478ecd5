//! How many instructions a publish and a delivery take, compared with what was written down.
//!
//! Times on a machine that others share tell a change of 5 % from nothing only after hours; counts of instructions tell
//! it at once. They are not times: a cache miss and a system call count as little as an addition.
//!
//! Everything is counted twice, with n rounds and with 2n, and the difference is what n rounds take: the start, the
//! preparation and the end of the program drop out, and no function has to be kept from being inlined so that counting
//! can begin at it. callgrind does the counting: it needs no right that a container lacks, as hardware counters do, and
//! its files say where the instructions are. What frameworks for this bring on top (macros, a runner that has to be
//! installed in the same version) is not worth a dependency: no part here is longer than a page.
//!
//! Counts depend on the compiler above all, so the one they were written with stands beside them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result")]

mod callgrind;
mod cases;
mod expected;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use self::callgrind::Callgrind;
use self::cases::{CASES, Case};
use self::expected::{Comparison, Counts, Expected};

#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// The release server, to be counted too
    #[arg(long, value_name = "FILE", required = true)]
    server: Option<PathBuf>,
    /// What compiled it and this, as `rustc --version` says it
    #[arg(long, value_name = "TEXT", required = true)]
    compiler: Option<String>,
    /// What was written down
    #[arg(long, value_name = "FILE", required = true)]
    expected: Option<PathBuf>,
    /// Where to leave callgrind's files, for a look at what has changed
    #[arg(long, value_name = "FOLDER", required = true)]
    out: Option<PathBuf>,
    /// Write down what is counted, instead of comparing
    #[arg(long)]
    write: bool,
}

/// What this program is when it starts itself.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
enum Part {
    /// The work of a case, to be counted
    Work { case: String, rounds: u64 },
}

/// What one topic among ten thousand may cost more than one among a thousand. Nothing that is done for an event may
/// depend on how many topics there are, but for what a larger hash table takes.
const FOR_TEN_TIMES_THE_TOPICS: f64 = 1.05;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.part {
        Some(Part::Work { case, rounds }) => work(case, *rounds).map(|()| true),
        None => guard(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn work(name: &str, rounds: u64) -> Result<()> {
    let case = CASES.iter().find(|case| case.name == name).context("no such case")?;
    (case.work)(rounds);
    Ok(())
}

/// Whether nothing costs more than it may.
fn guard(args: &Args) -> Result<bool> {
    let (Some(server), Some(compiler), Some(file), Some(out)) =
        (&args.server, &args.compiler, &args.expected, &args.out)
    else {
        unreachable!("clap asks for them")
    };
    let callgrind = Callgrind::into(out)?;
    let mut counts = Counts::new();
    for case in CASES {
        counts.insert(case.name.to_owned(), each(&callgrind, case)?);
    }
    counts.extend(server::count(&callgrind, server)?);
    regardless_of_topics(&counts)?;
    if args.write {
        let expected = Expected::new(compiler, &counts);
        expected.write(file)?;
        println!("{expected}\nwritten down");
        return Ok(true);
    }
    let comparison = Comparison::new(&Expected::read(file)?, &counts, compiler);
    println!("{comparison}");
    Ok(comparison.holds())
}

fn each(callgrind: &Callgrind, case: &Case) -> Result<f64> {
    let this = std::env::current_exe()?;
    let count = |rounds: u64| {
        let file = callgrind.file(case.name, rounds)?;
        callgrind.run(&this, ["work", case.name, &rounds.to_string()], &file)
    };
    let (once, twice) = (count(case.rounds)?, count(2 * case.rounds)?);
    Ok(callgrind::per(case.rounds * case.per_round, once, twice))
}

fn regardless_of_topics(counts: &Counts) -> Result<()> {
    let (thousand, ten) = (counts[cases::THOUSAND_TOPICS], counts[cases::TEN_THOUSAND_TOPICS]);
    ensure!(
        ten <= FOR_TEN_TIMES_THE_TOPICS * thousand,
        "an event costs {thousand:.0} instructions among 1,000 topics and {ten:.0} among 10,000: something is done for \
         all of them"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_grows_with_topics_is_found() {
        let counts = |ten: f64| {
            Counts::from([
                (cases::THOUSAND_TOPICS.to_owned(), 1000.0),
                (cases::TEN_THOUSAND_TOPICS.to_owned(), ten),
            ])
        };
        regardless_of_topics(&counts(1040.0)).unwrap();
        assert!(regardless_of_topics(&counts(1060.0)).is_err());
    }
}
