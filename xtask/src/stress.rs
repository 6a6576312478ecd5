//! `cargo xtask stress`: the release binaries against each other, as a profile has it, and what came of it left under
//! `target/stress`.
//!
//! The server has the first core, the load tester all others. What is gated is exactness: nothing lost, nothing twice,
//! nothing out of order. How late events were is in the reports, and is for a reader: a timing in a check fails on the day
//! the machine is busy.

mod held;
mod profile;
mod run;
mod servers;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::builder::PossibleValuesParser;

use self::held::Held;
use self::profile::{PROFILES, Profile, Run};
use self::servers::Servers;
use crate::cores::Cores;
use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do
    #[arg(default_value = "quick", value_parser = PossibleValuesParser::new(PROFILES.iter().map(|profile| profile.name)))]
    profile: String,
    /// For how many seconds a profile that goes round goes on, at least [default: 1800]
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
    /// Show the profiles, and run none
    #[arg(long)]
    list: bool,
}

/// Half an hour: two dozen rounds, in which a leak of one round is plain to see.
const SOAK: Duration = Duration::from_secs(30 * 60);

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.list {
        PROFILES.iter().for_each(|profile| println!("{:18} {}", profile.name, profile.about));
        return Ok(());
    }
    let profile = PROFILES.iter().find(|profile| profile.name == args.profile).context("no such profile")?;
    stress(workspace, profile, args.duration.map_or(SOAK, Duration::from_secs))
}

/// The step of `cargo xtask ci`.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    stress(workspace, &PROFILES[0], SOAK).map(|()| Outcome::Passed)
}

/// What every run needs.
#[derive(Debug)]
struct Bench<'a> {
    workspace: &'a Workspace,
    hub: PathBuf,
    tester: PathBuf,
    cores: Cores,
    reports: PathBuf,
}

fn stress(workspace: &Workspace, profile: &Profile, duration: Duration) -> Result<()> {
    let bench = Bench {
        workspace,
        hub: workspace.release_server()?,
        tester: workspace.release_loadgen()?,
        cores: Cores::here(workspace),
        reports: workspace.target().join("stress").join(profile.name),
    };
    println!("{}", bench.cores);
    let failed = if profile.goes_round {
        go_round(&bench, profile, duration)?
    } else {
        let mut failed = Vec::new();
        for run in profile.runs {
            let servers = bench.servers(run)?;
            failed.extend(bench.run(run, &servers, &bench.reports.join(run.name))?);
        }
        failed
    };
    println!("\nreports: {}", bench.reports.display());
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("; ")) }
}

/// Again and again against the same server: what it holds after a round, without a client, must not grow.
fn go_round(bench: &Bench<'_>, profile: &Profile, duration: Duration) -> Result<Vec<String>> {
    let (Some(first), started) = (profile.runs.first(), Instant::now()) else { return Ok(Vec::new()) };
    let servers = bench.servers(first)?;
    let (mut failed, mut rounds) = (Vec::new(), Vec::new());
    // Two at least: with one there is nothing to compare.
    while started.elapsed() < duration || rounds.len() < held::ROUNDS {
        let reports = bench.reports.join(format!("round-{}", rounds.len() + 1));
        for run in profile.runs {
            failed.extend(bench.run(run, &servers, &reports.join(run.name))?);
        }
        let held = Held::by(&servers.pids())?;
        println!("after round {}: the server holds {held}", rounds.len() + 1);
        rounds.push(held);
    }
    failed.extend(held::growth(&rounds));
    Ok(failed)
}

impl Bench<'_> {
    fn servers(&self, run: &Run) -> Result<Servers> {
        Servers::start(self.workspace, run, &self.cores, [&self.hub, &self.tester])
    }

    /// Does one run. What failed, in a sentence.
    fn run(&self, run: &Run, servers: &Servers, reports: &Path) -> Result<Option<String>> {
        fs::create_dir_all(reports).with_context(|| format!("cannot create {}", reports.display()))?;
        let line = run.command_line(servers, reports);
        let tester = self.cores.tester(Invocation::path(&self.tester).args(line));
        println!("\n$ {tester}");
        let end = run::to_its_end(self.workspace, &tester, reports)?;
        Ok(end.failure().map(|why| format!("{}: {why}", run.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_profile_is_the_quick_one() {
        assert_eq!(PROFILES[0].name, "quick");
    }
}
