//! Runs each fuzz target for a short while. Long runs are started by hand; CONTRIBUTING.md tells how.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// What libFuzzer is told. 20 s are thousands of inputs per target, beyond the corpus that is replayed first: enough
/// to notice what a change has just broken. The memory limit catches a parser that buffers without bound.
const LIBFUZZER_FLAGS: &[&str] = &["-max_total_time=20", "-rss_limit_mb=2048"];

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    if !Invocation::cargo("+nightly --version").succeeds(workspace) {
        let why = "libFuzzer needs the nightly toolchain: `rustup toolchain install nightly`";
        return Ok(Outcome::Skipped(why.to_owned()));
    }
    let targets = targets(&workspace.root().join("fuzz/fuzz_targets"))?;
    if !Invocation::cargo("fuzz --version").succeeds(workspace) {
        Invocation::cargo("install cargo-fuzz --locked").run(workspace)?;
    }
    let failed: Vec<_> = targets.into_iter().filter(|target| run(workspace, target).is_err()).collect();
    if !failed.is_empty() {
        bail!("cargo-fuzz failed for {}", failed.join(", "));
    }
    Ok(Outcome::Passed)
}

fn run(workspace: &Workspace, target: &str) -> Result<()> {
    Invocation::cargo("+nightly fuzz run")
        .args([target, "--"])
        .args(LIBFUZZER_FLAGS.iter().copied())
        // The sanitizer changes every dependency: keep its build apart from the ordinary one.
        .env("CARGO_TARGET_DIR", workspace.target().join("fuzz").to_string_lossy())
        .run(workspace)
}

/// The names of the targets, in order. Fails when there are none: a fuzz step without targets proves nothing.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "rs") {
            names.extend(file.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    if names.is_empty() {
        bail!("{} holds no fuzz target", folder.display());
    }
    names.sort();
    Ok(names)
}
