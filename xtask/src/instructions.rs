//! `cargo xtask instructions`: what a publish and a delivery take, counted, and compared with
//! `benches/instructions.json`. The counting is the matter of `benches/src/bin/instructions`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write down what is counted, instead of comparing with what was written down
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    count(workspace, &compiler(workspace)?, args.write)
}

/// Only where counts can be compared: with callgrind, and with what the compiler made that they were written with.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    if !Invocation::new("valgrind").args(["--version"]).succeeds(workspace) {
        return Ok(Outcome::Skipped("no valgrind that runs here".to_owned()));
    }
    let compiler = compiler(workspace)?;
    let file = expected(workspace);
    let written = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    if !is_of(&written, &compiler) {
        let what = format!(
            "written down with another compiler than {compiler}: `cargo xtask instructions --write`, on an unchanged tree"
        );
        return Ok(Outcome::Skipped(what));
    }
    count(workspace, &compiler, false)?;
    Ok(Outcome::Passed)
}

fn count(workspace: &Workspace, compiler: &str, write: bool) -> Result<()> {
    let server = workspace.release_server()?;
    let program = workspace.release_instructions()?;
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    Invocation::path(&program)
        .args(["--server".to_owned(), path(server)])
        .args(["--compiler", compiler])
        .args(["--expected".to_owned(), path(expected(workspace))])
        .args(["--out".to_owned(), path(workspace.target().join("instructions"))])
        .args(write.then_some("--write"))
        .run(workspace)
}

fn expected(workspace: &Workspace) -> PathBuf {
    workspace.root().join("benches/instructions.json")
}

/// Version and machine: both decide which instructions there are.
fn compiler(workspace: &Workspace) -> Result<String> {
    let said = Invocation::new("rustc").args(["--version", "--verbose"]).output(workspace)?;
    identity(&said).with_context(|| format!("rustc says of itself {said:?}"))
}

fn identity(verbose: &str) -> Option<String> {
    let version = verbose.lines().next()?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(format!("{version} for {host}"))
}

/// Neither a version nor a host holds what JSON would escape.
fn is_of(written: &str, compiler: &str) -> bool {
    written.contains(&format!("\"compiler\": \"{compiler}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERBOSE: &str =
        "rustc 1.2.3 (abcdef 2026-01-01)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.2.3\n";

    #[test]
    fn a_compiler_is_known_by_version_and_machine() {
        assert_eq!(
            identity(VERBOSE).as_deref(),
            Some("rustc 1.2.3 (abcdef 2026-01-01) for x86_64-unknown-linux-gnu")
        );
        assert_eq!(identity("rustc 1.2.3\n"), None);
    }

    #[test]
    fn what_another_compiler_made_is_not_compared() {
        let written = "{\n  \"compiler\": \"rustc 1.2.3 for x\",\n  \"instructions\": {}\n}\n";

        assert!(is_of(written, "rustc 1.2.3 for x"));
        assert!(!is_of(written, "rustc 1.2.4 for x"));
        assert!(!is_of(written, "rustc 1.2.3 for"));
    }

    /// Else the step would be skipped by everybody and for ever.
    #[test]
    fn the_compiler_is_written_down() {
        let written = fs::read_to_string(expected(&Workspace::here())).unwrap();

        assert!(written.contains("\"compiler\": \"rustc "), "{written}");
    }
}
