//! Runs the README's quick start, so that the first commands a newcomer types are known to work.
//!
//! Comments that do not show in the rendered page say what is done with a `sh` block of the section "Quick start":
//!
//! | comment | where | meaning |
//! | --- | --- | --- |
//! | `<!-- quick-start: background -->` | before a block | started, and left running until the end |
//! | `<!-- quick-start: run -->` | before a block | run to its end, which must be a success |
//! | `<!-- quick-start: expect "TEXT" -->` | anywhere | TEXT has been written by any block so far, or soon is |
//!
//! A block without a comment is not run. Nothing is substituted: what is run is what is read. A block that runs in the
//! background is a single command, so that ending the shell that became this command ends it.

mod actions;

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::background::{Background, Transcript};
use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;
use actions::Action;

/// The server's default, which is what the README shows.
const ADDRESS: &str = "127.0.0.1:8080";

/// Covers what cargo does before the server starts; the build itself has been done by then.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let file = workspace.root().join("README.md");
    let readme = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let actions = actions::parse(&readme).context("README.md")?;
    ensure!(
        actions.iter().any(|action| matches!(action, Action::Expect(_))),
        "README.md has no section \"Quick start\" in which something is expected: xtask/src/quick_start.rs \
         tells how to mark its blocks"
    );
    ensure_port_is_free()?;
    workspace.release_server()?;
    play(workspace, &actions)?;
    Ok(Outcome::Passed)
}

fn ensure_port_is_free() -> Result<()> {
    TcpListener::bind(ADDRESS).map(drop).with_context(|| {
        format!(
            "{ADDRESS}, which the quick start uses, is taken: stop what listens there, or --skip quick-start"
        )
    })
}

fn play(workspace: &Workspace, actions: &[Action]) -> Result<()> {
    let seen = Transcript::default();
    let mut running = Vec::new();
    for action in actions {
        match action {
            Action::Background(script) => running.push(start(workspace, script, &seen)?),
            Action::Run(script) => run_to_end(workspace, script, &seen)?,
            Action::Expect(text) => {
                seen.wait_for(&format!("{text:?}"), LIMIT, |seen| seen.contains(text).then_some(()))?;
            }
        }
    }
    // Readers before the server that they read from: none of them gets to complain about its end.
    while running.pop().is_some() {}
    Ok(())
}

fn run_to_end(workspace: &Workspace, script: &str, seen: &Transcript) -> Result<()> {
    match start(workspace, script, seen)?.exit(LIMIT)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("this block ended with {status}:\n{script}"),
        None => bail!("this block still runs after {LIMIT:?}; is it one to run in the background?\n{script}"),
    }
}

fn start(workspace: &Workspace, script: &str, seen: &Transcript) -> Result<Background> {
    script.lines().for_each(|line| println!("$ {line}"));
    let mut bash = Invocation::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        // A proxy that the machine is behind does not lead to this machine.
        .env("no_proxy", "127.0.0.1,localhost")
        .command(workspace);
    Background::record(&mut bash, "quick-start", seen, seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(actions: &[Action]) -> Result<()> {
        super::play(&Workspace::here(), actions)
    }

    fn run(script: &str) -> Action {
        Action::Run(script.to_owned())
    }

    fn expect(text: &str) -> Action {
        Action::Expect(text.to_owned())
    }

    #[test]
    fn a_background_block_runs_beside_the_others() {
        let reader = Action::Background("echo ready; exec sleep 1000".to_owned());

        play(&[reader, expect("ready"), run("echo done"), expect("done"), expect("ready")]).unwrap();
    }

    #[test]
    fn a_block_that_fails_is_shown() {
        let error = play(&[run("echo one\nfalse\necho two")]).unwrap_err().to_string();

        assert!(error.contains("exit status: 1") && error.contains("echo two"), "{error}");
    }
}
