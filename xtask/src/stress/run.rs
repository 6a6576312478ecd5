//! A run of the load tester, to its end, and what its exit code says.

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::background::Background;
use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// Far more than any run of a profile takes.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// As its help has them.
const SATURATED: i32 = 4;

/// How it ended.
#[derive(Debug)]
pub(super) struct End {
    status: ExitStatus,
    /// A condition was not met. The exit code alone does not tell where the tester was saturated, too.
    gate_failed: bool,
}

/// Runs it, and leaves its table beside the other reports.
pub(super) fn to_its_end(workspace: &Workspace, tester: &Invocation, reports: &Path) -> Result<End> {
    let table = reports.join("table.txt");
    let file = File::create(&table).with_context(|| format!("cannot write {}", table.display()))?;
    let report = reports.join("report.json");
    // Of an earlier time, and it must not be taken for this one's.
    let _ = fs::remove_file(&report);
    let mut running = Background::start(tester.command(workspace).stdout(file))?;
    let status = running.exit(LIMIT)?.with_context(|| format!("it still runs after {LIMIT:?}"))?;
    print!("{}", fs::read_to_string(&table)?);
    let gate_failed = fs::read_to_string(&report).is_ok_and(|report| has_failed_gate(&report));
    Ok(End { status, gate_failed })
}

/// Only gates of a report have this field.
fn has_failed_gate(report: &str) -> bool {
    report.contains("\"pass\": false")
}

impl End {
    /// Why it is no success, if it is none. That the tester was too busy to measure times is no failure: none are gated.
    pub(super) fn failure(&self) -> Option<String> {
        if self.gate_failed {
            return Some("a condition was not met, see above".to_owned());
        }
        let fine = self.status.success() || self.status.code() == Some(SATURATED);
        (!fine).then(|| format!("the load tester ended with {}", self.status))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn failure(code: i32, gate_failed: bool) -> Option<String> {
        End { status: ExitStatus::from_raw(code << 8), gate_failed }.failure()
    }

    #[test]
    fn a_busy_tester_fails_nothing_but_its_gates() {
        assert_eq!(failure(0, false), None);
        assert_eq!(failure(SATURATED, false), None);
        assert!(failure(SATURATED, true).is_some());
        assert!(failure(3, true).is_some());
        assert!(failure(2, false).is_some_and(|why| why.contains('2')));
    }
}
