//! What an engine of the load tester costs beside a loop that does nothing but read: the floor.
//!
//! Three programs take turns at the same stream: a bare loop around epoll and read that counts bytes, and the two
//! engines, as the worker processes that they are in a run. Source and publisher have one core, whoever reads has the
//! other. Only ratios of one run mean anything, and the median of some rounds.
//!
//! There are two ways to read. *As they come*: the source is slower than who reads, so that most events wake a reader who
//! had nothing to do, and the price of waking up is in all figures alike; a slower reader wakes less often, though. *In a
//! heap*: readers are held until an event lies ready in all sockets; then nobody sleeps in between, and what is left is
//! the work itself.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the result, and whoever waits is told of rounds"
)]

mod bare;
mod contestant;
mod round;
mod usage;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use rustix::thread::{CpuSet, sched_setaffinity};
use sse_loadgen::serve::ServeArgs;

use self::contestant::Contestant;
use self::round::{Figures, Round};

#[derive(Debug, Parser)]
#[command(about, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// Streams to hold
    #[arg(long, default_value_t = 10_000)]
    clients: u32,
    /// Events per second, to each of them
    #[arg(long, default_value_t = 4.0)]
    rate: f64,
    /// Events of a round
    #[arg(long, default_value_t = 20)]
    events: u32,
    /// Hold who reads until an event lies ready in all sockets
    #[arg(long)]
    heap: bool,
    /// How often everybody has a turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// What this program is when it starts itself.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
enum Part {
    /// The source of the stream
    Source(ServeArgs),
    /// The loop that is compared with
    Bare,
    /// An engine
    Worker,
}

/// Source and publisher; and whoever reads.
const CORES: [usize; 2] = [0, 1];

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.part {
        None => compare(&args),
        Some(Part::Source(serve)) => sse_loadgen::serve::run(serve),
        Some(Part::Bare) => stay_on(CORES[1]).and_then(|()| bare::run()),
        Some(Part::Worker) => {
            stay_on(CORES[1]).and_then(|()| sse_loadgen::engine::work().context("the engine"))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loadgen_floor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: &Args) -> anyhow::Result<()> {
    stay_on(CORES[0])?;
    let round = Round { clients: args.clients, rate: args.rate, events: args.events, heap: args.heap };
    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); Contestant::ALL.len()];
    for n in 0..args.rounds {
        for (contestant, figures) in Contestant::ALL.into_iter().zip(&mut figures) {
            let found = round.run(contestant).with_context(|| contestant.name())?;
            eprintln!("round {}: {:<8} {:6.0} ns per event", n + 1, contestant.name(), found.cpu_ns);
            figures.push(found);
        }
    }
    print(args, &figures);
    Ok(())
}

fn print(args: &Args, figures: &[Vec<Figures>]) {
    let middle = |figures: &[Figures], of: fn(&Figures) -> f64| {
        let mut all: Vec<f64> = figures.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!(
        "{} clients, {} events/s each, {}, {} events a round, medians of {} rounds\n",
        args.clients,
        args.rate,
        if args.heap { "in a heap" } else { "as they come" },
        args.events,
        args.rounds
    );
    println!("| who reads | CPU per event | × bare | events per read | user memory per idle client |");
    println!("| --- | --- | --- | --- | --- |");
    for (contestant, own) in Contestant::ALL.into_iter().zip(figures) {
        // Of the same round: what else the machine did then, it did to both.
        let mut ratios: Vec<f64> =
            own.iter().zip(&figures[0]).map(|(own, bare)| own.cpu_ns / bare.cpu_ns).collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "| {} | {:.0} ns | {:.2} | {:.2} | {:.0} bytes |",
            contestant.name(),
            middle(own, |figures| figures.cpu_ns),
            ratios[ratios.len() / 2],
            middle(own, |figures| figures.events_per_read),
            middle(own, |figures| figures.memory),
        );
    }
}

/// Keeps this process, and all that it starts, to a core. On a machine with one there is nothing to choose.
fn stay_on(core: usize) -> anyhow::Result<()> {
    if std::thread::available_parallelism()?.get() == 1 && core == CORES[0] {
        return Ok(());
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("core {core} is not to be had"))
}
