//! A program under callgrind, and the one number that is wanted of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Where the files go.
#[derive(Debug)]
pub(crate) struct Callgrind {
    folder: PathBuf,
}

impl Callgrind {
    pub(crate) fn into(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// A program to be counted, silent but for its stdout.
    pub(crate) fn command<'a>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = &'a str>,
        file: &Path,
    ) -> Command {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(program)
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// The file of a program, which is not there until it has ended.
    pub(crate) fn file(&self, name: &str, rounds: u64) -> Result<PathBuf> {
        let file = self.folder.join(format!("{name}.{rounds}"));
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(file),
        }
    }

    /// The instructions of a program that ends by itself.
    pub(crate) fn run<'a>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = &'a str>,
        file: &Path,
    ) -> Result<u64> {
        let status = self
            .command(program, args, file)
            .status()
            .context("cannot start valgrind; `cargo xtask setup` installs it")?;
        ensure!(status.success(), "{} under callgrind ended with {status}", program.display());
        total(file)
    }
}

/// All instructions that a file of callgrind's tells of.
pub(crate) fn total(file: &Path) -> Result<u64> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(&text).with_context(|| format!("{} is not callgrind's, or not whole", file.display()))
}

/// The totals come last, so that what is cut off has none.
fn parse(text: &str) -> Option<u64> {
    let only_instructions = text.lines().any(|line| line == "events: Ir");
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
    only_instructions.then(|| total.trim().parse().ok()).flatten()
}

/// What each of so many things takes that were done once in one run, and twice in the other.
pub(crate) fn per(things: u64, once: u64, twice: u64) -> f64 {
    twice.saturating_sub(once) as f64 / things as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# callgrind format\nversion: 1\npositions: line\nevents: Ir\nsummary: 142\n\n\
                        fl=(1) a.rs\nfn=(1) main\n0 100\n+3 42\n\ntotals: 142\n";

    #[test]
    fn reads_the_total() {
        assert_eq!(parse(FILE), Some(142));
    }

    #[test]
    fn a_file_that_was_cut_off_has_none() {
        assert_eq!(parse(FILE.trim_end_matches("\ntotals: 142\n")), None);
    }

    #[test]
    fn other_events_than_instructions_are_not_taken_for_them() {
        assert_eq!(parse(&FILE.replace("events: Ir", "events: Ir Dr Dw")), None);
    }

    #[test]
    fn what_both_runs_do_drops_out() {
        assert!((per(10, 1_000_500, 1_001_000) - 50.0).abs() < f64::EPSILON);
    }
}
