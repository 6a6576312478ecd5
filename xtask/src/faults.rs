//! `cargo xtask faults`: does to the release server what may go wrong, and gathers the figures of it in
//! `target/faults/report.md`. The tests themselves are the `faults` package; what is promised for each fault is in
//! `docs/reliability.md`.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `fast`: what takes seconds. `all`: that, and what takes minutes, thousands of clients or root. `soak`: all that
    /// clients do wrong, for ten minutes. Else a part of the name of tests, such as f07
    #[arg(default_value = "fast")]
    what: String,
}

/// What a test begins a line of figures with.
const MARK: &str = "measured: ";

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match args.what.as_str() {
        "fast" => faults(workspace, "--test fast", "", &[]),
        "all" => faults(workspace, "--test fast --test long", "", &[]),
        "soak" => faults(workspace, "--test long", "f26", &[("SSE_SOAK", "600")]),
        name => faults(workspace, "--test fast --test long", name, &[]),
    }
}

/// The step of `cargo xtask ci`.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    faults(workspace, "--test fast", "", &[]).map(|()| Outcome::Passed)
}

fn faults(workspace: &Workspace, tests: &str, name: &str, variables: &[(&str, &str)]) -> Result<()> {
    let server = workspace.release_server()?;
    // One at a time: each measures what its server costs. All of them, whatever fails: the figures are of use even so.
    let line =
        format!("test -p faults --locked --no-fail-fast {tests} -- --test-threads=1 --nocapture {name}");
    let tests = Invocation::cargo(&line).env("SSE_SERVER_BIN", server.to_string_lossy());
    let tests = variables.iter().fold(tests, |tests, (name, value)| tests.env(name, *value));
    println!("$ {tests}");
    let mut running =
        tests.command(workspace).stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let output = BufReader::new(running.stdout.take().expect("stdout is piped"));
    let mut lines = Vec::new();
    for line in output.lines() {
        let line = line?;
        println!("{line}");
        lines.push(line);
    }
    let status = running.wait()?;

    let folder = workspace.target().join("faults");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let file = folder.join("report.md");
    fs::write(&file, report(&lines)).with_context(|| format!("cannot write {}", file.display()))?;
    println!("\nfigures: {}", file.display());
    if status.success() { Ok(()) } else { bail!("a fault does more harm than it may: {status}") }
}

/// A table of the figures in what the tests wrote.
fn report(lines: &[String]) -> String {
    let mut report = "| fault | measured |\n| --- | --- |\n".to_owned();
    for figures in lines.iter().filter_map(|line| line.split_once(MARK)) {
        writeln!(report, "| {} |", figures.1).expect("a String takes every write");
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_the_figures_and_nothing_else() {
        let lines = ["test a ... ", "measured: F05 | 3 ms", "ok", "test b ... measured: F06 | 4 ms"];
        let lines: Vec<String> = lines.map(str::to_owned).to_vec();

        assert_eq!(report(&lines), "| fault | measured |\n| --- | --- |\n| F05 | 3 ms |\n| F06 | 4 ms |\n");
    }
}
