//! `cargo xtask fuzz`: searches for inputs that break a fuzz target. In the check, a short search of those alone that
//! are built quickly.

use std::fs;
use std::num::NonZeroU32;

use anyhow::{Context, Result, bail};

use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// Targets that are built alike.
#[derive(Debug, Clone, Copy)]
struct Group {
    folder: &'static str,
    options: &'static [&'static str],
}

const CORE: Group = Group { folder: "fuzz/fuzz_targets/core", options: &[] };

/// They bring all that the server depends on: with a sanitizer, some five minutes of building, which the check does not
/// have. It replays their corpora as a test instead.
const SERVER: Group = Group { folder: "fuzz/fuzz_targets/server", options: &["--features", "server"] };

/// In the check. Thousands of inputs per target, beyond the corpus that is replayed first: enough to notice what a change
/// has just broken.
const SHORT: u32 = 15;

/// The memory limit catches a parser that buffers without bound.
const MEMORY_LIMIT: &str = "-rss_limit_mb=2048";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The target to search, all of them if none is named
    target: Option<String>,
    /// For how long to search each
    #[arg(long, default_value = "60")]
    seconds: NonZeroU32,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if let Some(why) = missing(workspace) {
        bail!("{why}");
    }
    let mut targets = targets(workspace, CORE)?;
    targets.extend(self::targets(workspace, SERVER)?);
    if let Some(wanted) = &args.target {
        let known: Vec<_> = targets.iter().map(|target| target.name.clone()).collect();
        targets.retain(|target| target.name == *wanted);
        if targets.is_empty() {
            bail!("there is no target {wanted}; there are {}", known.join(", "));
        }
    }
    search(workspace, &targets, args.seconds.get())
}

/// The step of `cargo xtask ci`.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    if let Some(why) = missing(workspace) {
        return Ok(Outcome::Skipped(why.to_owned()));
    }
    search(workspace, &targets(workspace, CORE)?, SHORT)?;
    Ok(Outcome::Passed)
}

fn missing(workspace: &Workspace) -> Option<&'static str> {
    let is_there = Invocation::cargo("+nightly --version").succeeds(workspace);
    (!is_there).then_some("libFuzzer needs the nightly toolchain: `rustup toolchain install nightly`")
}

/// One of them.
#[derive(Debug)]
struct Target {
    name: String,
    options: &'static [&'static str],
}

/// What is in a group, in order. Fails when that is nothing: to fuzz nothing proves nothing.
fn targets(workspace: &Workspace, group: Group) -> Result<Vec<Target>> {
    let Group { folder, options } = group;
    let folder = workspace.root().join(folder);
    let mut targets = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "rs") {
            let name = file.file_stem().and_then(|stem| stem.to_str());
            targets.extend(name.map(|name| Target { name: name.to_owned(), options }));
        }
    }
    if targets.is_empty() {
        bail!("{} holds no fuzz target", folder.display());
    }
    targets.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(targets)
}

fn search(workspace: &Workspace, targets: &[Target], seconds: u32) -> Result<()> {
    if !Invocation::cargo("fuzz --version").succeeds(workspace) {
        Invocation::cargo("install cargo-fuzz --locked").run(workspace)?;
    }
    let fails = |target: &&Target| {
        Invocation::cargo("+nightly fuzz run")
            .args(target.options.iter().copied())
            .args([&target.name, "--", &format!("-max_total_time={seconds}"), MEMORY_LIMIT])
            // The sanitizer changes every dependency: keep its build apart from the ordinary one.
            .env("CARGO_TARGET_DIR", workspace.target().join("fuzz").to_string_lossy())
            .run(workspace)
            .is_err()
    };
    let failed: Vec<_> = targets.iter().filter(fails).map(|target| target.name.as_str()).collect();
    if !failed.is_empty() {
        bail!("cargo-fuzz failed for {}", failed.join(", "));
    }
    Ok(())
}
