//! `cargo xtask bench`: this server beside others. `peers` has all of them do the same work, in one session, round after
//! round, and leaves what came of it in `target/bench`.
//!
//! A server has one core and one worker, the load tester the other core. What counts is ratios within a round: absolute
//! figures drift with the machine. BENCHMARKING.md says how each is measured, and what to trust of it.

mod alive;
mod check;
mod figures;
mod machine;
mod ours;
mod peers;
mod reading;
mod report;
mod rounds;
mod targets;
mod tester;
mod trial;
mod work;

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::{Subcommand, value_parser};

use self::machine::Machine;
use self::peers::{Peer, Presence};
use self::report::Report;
use self::rounds::{Entrant, Results, rotated};
use self::trial::Lab;
use self::work::{Asks, Size, WORKS, Work};
use crate::cores::Cores;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Build and start every server, and see that an event arrives
    Check,
    /// This server beside others: CPU, memory, latency, loss. Some forty minutes a round
    Peers(PeersArgs),
}

#[derive(Debug, clap::Args)]
struct PeersArgs {
    /// How often everything is done; medians need three
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Only these works, by name or by letter, as --list has them
    #[arg(long, value_name = "WORK", value_delimiter = ',')]
    work: Vec<String>,
    /// Only these servers, as --list has them
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    peers: Vec<String>,
    /// A twentieth of the clients for a tenth of the time, and one round: to see that everything works
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Put the results into BENCHMARKING.md and docs/peers.svg, too
    #[arg(long, conflicts_with = "quick")]
    write: bool,
    /// Show works and servers, and do nothing
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match &args.what {
        What::Check => check::run(workspace),
        What::Peers(args) => peers(workspace, args),
    }
}

fn peers(workspace: &Workspace, args: &PeersArgs) -> Result<()> {
    if args.list {
        WORKS.iter().for_each(|work| println!("{:18} {}", work.id, work.about));
        println!();
        Peer::all().iter().for_each(|peer| println!("{:18} {}", peer.name(), peer.about()));
        return Ok(());
    }
    if let Cores::Shared(why) = Cores::here(workspace) {
        bail!("a server and the load tester need a core each, and {why}");
    }
    let works = chosen(WORKS.iter().collect(), &args.work, |work, name| work.is_called(name))?;
    let peers = chosen(Peer::all(), &args.peers, |peer, name| peer.name() == name)?;
    let rounds = if args.quick { 1 } else { usize::from(args.rounds) };
    let results = compare(workspace, &works, peers, rounds, Size { quick: args.quick })?;
    let report = Report { machine: Machine::here(), rounds, quick: args.quick, works, results };
    let folder = workspace.target().join("bench");
    report.leave(&folder)?;
    if args.write {
        report.publish(workspace.root())?;
    }
    print!("{}", report.text());
    println!("\nreports: {}", folder.display());
    Ok(())
}

/// All, or those that are named. A name that nothing has is a mistake.
fn chosen<T>(all: Vec<T>, names: &[String], is_called: impl Fn(&T, &str) -> bool) -> Result<Vec<T>> {
    for name in names {
        ensure!(all.iter().any(|one| is_called(one, name)), "{name}: no such name, --list has them all");
    }
    let named = |one: &T| names.is_empty() || names.iter().any(|name| is_called(one, name));
    Ok(all.into_iter().filter(named).collect())
}

fn compare(
    workspace: &Workspace,
    works: &[&'static Work],
    peers: Vec<Peer>,
    rounds: usize,
    size: Size,
) -> Result<Results> {
    let mut results = Results::default();
    let lab = Lab {
        workspace,
        hub: workspace.release_server()?,
        tester: workspace.release_loadgen()?,
        reports: workspace.target().join("bench/runs"),
        size,
    };
    let peers = ready(workspace, peers, &mut results);
    let started = Instant::now();
    for round in 0..rounds {
        for work in works {
            println!("\nround {} of {rounds}, {}: {}", round + 1, work.id, work.about);
            for peer in rotated(&peers, round) {
                match work.asks {
                    Asks::Resume if !peer.can().resume => {
                        results.set_unable(work.id, peer.name(), "cannot resume");
                        continue;
                    }
                    Asks::Ours if ours::sink(peer.name()).is_none() => continue,
                    _ => {}
                }
                let tried = lab.trial(work, peer, round).map_err(|error| format!("{error:#}"));
                let minutes = started.elapsed().as_secs_f64() / 60.0;
                println!("{minutes:6.1} min  {:18} {}", peer.name(), report::line(work, &tried));
                results.add(work.id, peer.name(), tried);
            }
        }
    }
    Ok(results)
}

/// Those that are there. The others are listed with the reason why not.
fn ready(workspace: &Workspace, peers: Vec<Peer>, results: &mut Results) -> Vec<Peer> {
    let mut ready = Vec::new();
    for peer in peers {
        let missing = match peer.prepare(workspace) {
            Ok(Presence::Ready) => None,
            Ok(Presence::Missing(why)) => Some(why),
            // One that cannot be built is no reason to go without the others.
            Err(error) => Some(format!("{error:#}")),
        };
        let version = if missing.is_none() { peer.version() } else { String::new() };
        results.entrants.push(Entrant {
            name: peer.name(),
            about: peer.about(),
            version,
            missing: missing.clone(),
        });
        match missing {
            Some(why) => println!("{} is left out: {why}", peer.name()),
            None => ready.push(peer),
        }
    }
    ready
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_named_is_chosen() {
        let chosen = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            super::chosen(vec!["a", "b", "b-100"], &names, |one, name| one.starts_with(name))
        };
        assert_eq!(chosen(&[]).unwrap(), ["a", "b", "b-100"]);
        assert_eq!(chosen(&["b"]).unwrap(), ["b", "b-100"]);
        assert_eq!(chosen(&["x"]).unwrap_err().to_string(), "x: no such name, --list has them all");
    }
}
