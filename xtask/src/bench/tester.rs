//! One run of the load tester against one server: on its own cores, within a time, and its report.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::background::Background;
use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// As its help has them: beyond what it can measure, and a figure nevertheless, with the verdict beside it.
const SATURATED: i32 = 4;
/// What a run may take beyond what it is told to: connecting, draining, and a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// The binary, and where it leaves its reports.
#[derive(Debug)]
pub(super) struct Tester<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) binary: PathBuf,
    /// As `taskset` writes them.
    pub(super) cores: &'static str,
    pub(super) reports: PathBuf,
}

impl Tester<'_> {
    /// Runs it with these arguments, and `--json`. `planned` is what they amount to.
    pub(super) fn run(&self, name: &str, args: &[String], planned: Duration) -> Result<Value> {
        fs::create_dir_all(&self.reports)
            .with_context(|| format!("cannot create {}", self.reports.display()))?;
        let file = |extension: &str| self.reports.join(format!("{name}.{extension}"));
        let (json, table, complaints) = (file("json"), file("txt"), file("err"));
        // Of an earlier time, and it must not be taken for this one's.
        let _ = fs::remove_file(&json);
        let tester = Invocation::path(&self.binary)
            .args(args.iter().cloned())
            .args(["--json".to_owned(), json.display().to_string()])
            .pinned(self.cores);
        let mut command = tester.command(self.workspace);
        let mut running =
            Background::start(command.stdout(File::create(&table)?).stderr(File::create(&complaints)?))?;
        let limit = planned + PATIENCE;
        let Some(status) = running.exit(limit)? else {
            bail!("no end within {} s", limit.as_secs());
        };
        if !status.success() && status.code() != Some(SATURATED) {
            let complaints = fs::read_to_string(&complaints).unwrap_or_default();
            bail!(
                "{}",
                complaint(&complaints).unwrap_or_else(|| format!("the load tester ended with {status}"))
            );
        }
        let report = fs::read_to_string(&json).context("the load tester left no report")?;
        serde_json::from_str(&report).context("the load tester's report is no JSON")
    }
}

/// The last line that says what is wrong; else the last there is.
fn complaint(stderr: &str) -> Option<String> {
    const PREFIXES: [&str; 2] = ["sse-loadgen: ", "error: "];
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
    let stripped = |line| PREFIXES.iter().find_map(|prefix| str::strip_prefix(line, prefix));
    lines().find_map(stripped).or_else(|| lines().next()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tester<'a>(workspace: &'a Workspace, binary: &str) -> Tester<'a> {
        let reports = std::env::temp_dir().join(format!("xtask-bench-{}-{binary}", std::process::id()));
        Tester { workspace, binary: binary.into(), cores: "0", reports }
    }

    #[test]
    fn the_last_words_say_what_went_wrong() {
        assert_eq!(complaint("a\nsse-loadgen: refused\n\n").as_deref(), Some("refused"));
        assert_eq!(complaint("error: no such flag\n\nUsage: …\n").as_deref(), Some("no such flag"));
        assert_eq!(complaint("a panic\nhere\n").as_deref(), Some("here"));
        assert_eq!(complaint("\n"), None);
    }

    #[test]
    fn what_leaves_no_report_has_failed() {
        let workspace = Workspace::here();
        let [no_report, no_success] = ["true", "false"].map(|binary| {
            let tester = tester(&workspace, binary);
            let error = tester.run("x", &[], Duration::ZERO).unwrap_err().to_string();
            fs::remove_dir_all(tester.reports).unwrap();
            error
        });

        assert_eq!(no_report, "the load tester left no report");
        assert!(no_success.starts_with("the load tester ended with"), "{no_success}");
    }
}
