//! Seeded bugs, each with the test that has to notice it. A test that no bug can fail proves nothing.
//!
//! A mutant is a piece of the source, and what it is replaced by: so the bugs are here, and the source is free of them. It
//! is built from a copy of the checkout. CONTRIBUTING.md tells how to add one.

mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::list::MUTANTS;
use crate::background::Background;
use crate::invocation::Invocation;
use crate::models;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// A seeded bug in sse-core.
#[derive(Debug, Clone, Copy)]
struct Mutant {
    /// What is wrong with it.
    name: &'static str,
    /// The file, below `crates/sse-core/src`.
    file: &'static str,
    /// What stands there, exactly once, up to white space.
    right: &'static str,
    /// What the bug is.
    wrong: &'static str,
    /// What follows `cargo test -p sse-core`, split at spaces: as few tests as have to notice the bug.
    test: &'static str,
    /// The model checker under which the test runs: `loom`, `shuttle`, or none.
    cfg: Option<&'static str>,
}

/// A bug that makes a test hang has been noticed; this is when we stop waiting. Each of these tests, without a bug,
/// takes seconds.
const HANGS: Duration = Duration::from_secs(60);

/// The step of `cargo xtask ci`: those that ordinary tests have to notice. Each model would have to be built anew for each
/// of the others, which takes minutes.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    seed(workspace, |mutant| mutant.cfg.is_none()).map(|()| Outcome::Passed)
}

/// `cargo xtask mutants`: all of them.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    seed(workspace, |_| true)
}

fn seed(workspace: &Workspace, wanted: fn(&Mutant) -> bool) -> Result<()> {
    let copy = copy(workspace)?;
    let mut alive = Vec::new();
    for mutant in MUTANTS.iter().filter(|mutant| wanted(mutant)) {
        let started = Instant::now();
        let verdict = try_mutant(workspace, &copy, mutant).with_context(|| mutant.name)?;
        println!("{:32} {:6.1} s  {verdict:?}", mutant.name, started.elapsed().as_secs_f64());
        if !matches!(verdict, Verdict::Failed | Verdict::Hung) {
            alive.push(format!("{} ({verdict:?})", mutant.name));
        }
    }
    if !alive.is_empty() {
        bail!("no test noticed {}", alive.join(", "));
    }
    Ok(())
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

/// Copies what git knows, or would add, to where bugs may be built in.
fn copy(workspace: &Workspace) -> Result<PathBuf> {
    let copy = workspace.target().join("mutants");
    let files = Invocation::new("git").args(["ls-files", "-co", "--exclude-standard"]).output(workspace)?;
    for file in files.lines().filter(|file| workspace.root().join(file).is_file()) {
        let to = copy.join(file);
        let text = fs::read(workspace.root().join(file)).with_context(|| format!("cannot read {file}"))?;
        // What has not changed keeps its time, and need not be built again.
        if fs::read(&to).is_ok_and(|present| present == text) {
            continue;
        }
        fs::create_dir_all(to.parent().expect("a file lies in a folder"))?;
        fs::write(&to, text).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(copy)
}

fn try_mutant(workspace: &Workspace, copy: &Path, mutant: &Mutant) -> Result<Verdict> {
    let file = copy.join("crates/sse-core/src").join(mutant.file);
    let source = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    fs::write(&file, mutate(&source, mutant)?)?;
    let verdict = test(workspace, copy, mutant);
    fs::write(&file, source)?;
    verdict
}

fn test(workspace: &Workspace, copy: &Path, mutant: &Mutant) -> Result<Verdict> {
    // Dependencies are built once, with those of the other steps.
    let manifest = copy.join("Cargo.toml");
    let cargo = models::test(workspace, "sse-core", mutant.cfg)
        .args(["--quiet", "--manifest-path"])
        .args([manifest.to_string_lossy().as_ref()]);
    let args = mutant.test.split_whitespace();
    let build = cargo.clone().args(["--no-run"]).args(args.clone().take_while(|arg| *arg != "--"));
    if build.run(workspace).is_err() {
        return Ok(Verdict::Broken);
    }
    run(workspace, &cargo.args(args))
}

/// The test's output is dropped: its failure is what is wanted, and would read like one of the check.
fn run(workspace: &Workspace, test: &Invocation) -> Result<Verdict> {
    let mut command = test.command(workspace);
    let mut test = Background::start_group(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    Ok(Verdict::of(test.exit(HANGS)?))
}

/// The source with the bug in it.
///
/// White space is not compared, so that formatting cannot take a mutant out of the list.
fn mutate(source: &str, mutant: &Mutant) -> Result<String> {
    let found = occurrences(source, mutant.right);
    ensure!(
        found.len() == 1,
        "what it replaces is in {} {} times, and has to be there once: mend it in xtask/src/mutants/list.rs",
        mutant.file,
        found.len()
    );
    let (start, end) = found[0];
    Ok([&source[..start], mutant.wrong, &source[end..]].concat())
}

/// Where `text` stands in `source`, white space apart.
fn occurrences(source: &str, text: &str) -> Vec<(usize, usize)> {
    let text: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let source: Vec<(usize, char)> = source.char_indices().filter(|(_, c)| !c.is_whitespace()).collect();
    source
        .windows(text.len().max(1))
        .filter(|window| window.iter().map(|(_, c)| *c).eq(text.iter().copied()))
        .map(|window| {
            let (last, c) = window[window.len() - 1];
            (window[0].0, last + c.len_utf8())
        })
        .collect()
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
    fn every_mutant_is_a_change_to_the_source_as_it_is() {
        let core = Workspace::here().root().join("crates/sse-core/src");
        for mutant in MUTANTS {
            let source = fs::read_to_string(core.join(mutant.file)).unwrap();
            let mutated = mutate(&source, mutant).unwrap_or_else(|error| panic!("{}: {error}", mutant.name));
            assert_ne!(mutated, source, "{}", mutant.name);
        }
    }

    #[test]
    fn a_piece_is_found_however_it_is_formatted() {
        let source = "let a =\n    b(c);\nlet d = b(c);";
        assert_eq!(occurrences(source, "let a = b( c );"), [(0, 17)]);
        assert_eq!(occurrences(source, "b(c)").len(), 2);
    }
}
