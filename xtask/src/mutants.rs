//! Seeded bugs, each with the test that has to notice it. A test that no bug can fail proves nothing.
//!
//! A mutant is a few lines of wrong code behind `#[cfg(mutant = "name")]`, next to the right ones behind
//! `#[cfg(not(mutant = "name"))]`. CONTRIBUTING.md tells how to add one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::background::Background;
use crate::invocation::Invocation;
use crate::models;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// A seeded bug.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mutant {
    /// As in `#[cfg(mutant = "name")]`.
    pub(crate) name: &'static str,
    /// The package whose test must fail.
    pub(crate) package: &'static str,
    /// What follows `cargo test -p PACKAGE`, split at spaces: as few tests as have to notice the bug.
    pub(crate) test_args: &'static str,
    /// The model checker under which the test runs: `loom`, `shuttle`, or none.
    pub(crate) cfg: Option<&'static str>,
}

/// Every mutant, in the order of the path of an event through the code.
pub(crate) const MUTANTS: &[Mutant] = &[];

/// A bug that makes a test hang has been noticed; this is when we stop waiting. The slowest loom model, without a
/// bug, takes a fraction of it.
const HANGS: Duration = Duration::from_secs(300);

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let mut alive = Vec::new();
    for mutant in MUTANTS {
        let started = Instant::now();
        let verdict = try_mutant(workspace, mutant)?;
        println!("{:32} {:6.1} s  {verdict:?}", mutant.name, started.elapsed().as_secs_f64());
        if !matches!(verdict, Verdict::Failed | Verdict::Hung) {
            alive.push(format!("{} ({verdict:?})", mutant.name));
        }
    }
    if !alive.is_empty() {
        bail!("no test noticed {}", alive.join(", "));
    }
    Ok(Outcome::Passed)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Does not compile. The test would fail, and for the wrong reason.
    Broken,
    /// The test failed, as it should.
    Failed,
    /// The test did not come to an end, which is a way to notice.
    Hung,
    /// The test passed.
    Unnoticed,
}

impl Verdict {
    fn of(test: Option<ExitStatus>) -> Self {
        match test {
            None => Self::Hung,
            Some(status) if status.success() => Self::Unnoticed,
            Some(_) => Self::Failed,
        }
    }
}

fn try_mutant(workspace: &Workspace, mutant: &Mutant) -> Result<Verdict> {
    let wrapper = wrapper(workspace, mutant.name)?;
    let cargo = models::test(workspace, mutant.package, mutant.cfg)
        .env("RUSTC_WORKSPACE_WRAPPER", wrapper.to_string_lossy());
    let args = mutant.test_args.split_whitespace();

    let build = cargo.clone().args(["--quiet", "--no-run"]).args(args.clone());
    if build.run(workspace).is_err() {
        return Ok(Verdict::Broken);
    }
    run(workspace, &cargo.args(["--quiet"]).args(args))
}

/// The test's output is dropped: its failure is what is wanted, and would read like one of the check.
fn run(workspace: &Workspace, test: &Invocation) -> Result<Verdict> {
    println!("$ {test}");
    let mut command = test.command(workspace);
    let mut test = Background::start_group(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    Ok(Verdict::of(test.exit(HANGS)?))
}

/// A compiler that builds the bug into the crates of the workspace, and into these only.
///
/// `RUSTFLAGS` would do as well, but would build every dependency anew for every mutant. Cargo keeps what a workspace
/// wrapper has built apart from everything else, as it does for clippy.
fn wrapper(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let folder = workspace.target().join("mutants");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let file = folder.join(name);
    let script = format!("#!/bin/sh\nexec \"$@\" --cfg 'mutant=\"{name}\"'\n");
    // A new file is a new compiler to cargo, which would build everything again.
    if fs::read_to_string(&file).is_ok_and(|present| present == script) {
        return Ok(file);
    }
    fs::write(&file, script).with_context(|| format!("cannot write {}", file.display()))?;
    fs::set_permissions(&file, Permissions::from_mode(0o755))
        .context("cannot make the wrapper executable")?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(script: &str, limit: Duration) -> Verdict {
        let mut command = Invocation::new("bash").args(["-c", script]).command(&Workspace::here());
        Verdict::of(Background::start_group(&mut command).unwrap().exit(limit).unwrap())
    }

    #[test]
    fn only_a_test_that_passes_leaves_a_mutant_unnoticed() {
        let long = Duration::from_secs(20);

        assert_eq!(verdict("exit 0", long), Verdict::Unnoticed);
        assert_eq!(verdict("exit 101", long), Verdict::Failed);
        assert_eq!(verdict("sleep 1000", Duration::ZERO), Verdict::Hung);
    }

    #[test]
    fn the_wrapper_adds_the_flag_to_what_the_compiler_is_told() {
        let wrapper = wrapper(&Workspace::here(), "wrapper-test").unwrap();

        let told =
            Invocation::path(&wrapper).args(["echo", "rustc", "lib.rs"]).output(&Workspace::here()).unwrap();

        assert_eq!(told, "rustc lib.rs --cfg mutant=\"wrapper-test\"\n");
    }
}
