//! How the steps went: a table with the time of each, the hint for each failure, and the count as the last line.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use crate::step::Outcome;

#[derive(Debug, Default)]
pub(crate) struct Report {
    steps: Vec<Finished>,
}

/// A step that has been run.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) name: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
}

#[derive(Debug)]
pub(crate) enum Verdict {
    Failed(anyhow::Error),
    Passed,
    Skipped(String),
}

impl Report {
    /// Whether the step that is added did not fail. A failure is shown at once, below the output that led to it.
    pub(crate) fn add(&mut self, step: Finished) -> bool {
        let failed = matches!(step.verdict, Verdict::Failed(_));
        match &step.verdict {
            Verdict::Failed(error) => println!("{} failed: {error:#}", step.name),
            Verdict::Skipped(why) => println!("{} skipped: {why}", step.name),
            Verdict::Passed => {}
        }
        self.steps.push(step);
        !failed
    }

    pub(crate) fn failed(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.verdict, Verdict::Failed(_))).count()
    }

    fn passed(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.verdict, Verdict::Passed)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for Finished { name, took, verdict, .. } in &self.steps {
            writeln!(f, "{name:12} {:>8.1} s  {verdict}", took.as_secs_f64())?;
        }
        for Finished { name, hint, verdict, .. } in &self.steps {
            if let Verdict::Failed(error) = verdict {
                writeln!(f, "\n{name} failed: {error:#}\n  hint: {hint}")?;
            }
        }
        writeln!(f, "\n{} passed, {} failed", self.passed(), self.failed())
    }
}

impl From<Result<Outcome>> for Verdict {
    fn from(done: Result<Outcome>) -> Self {
        match done {
            Ok(Outcome::Passed) => Self::Passed,
            Ok(Outcome::Skipped(why)) => Self::Skipped(why),
            Err(error) => Self::Failed(error),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(_) => f.write_str("FAILED"),
            Self::Passed => f.write_str("passed"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn shows_times_hints_and_the_count_last() {
        let mut report = Report::default();
        let step = |name, millis, verdict| Finished {
            name,
            hint: "mend it",
            took: Duration::from_millis(millis),
            verdict,
        };
        assert!(report.add(step("fmt", 250, Verdict::Passed)));
        assert!(!report.add(step("test", 61_000, Verdict::Failed(anyhow!("cause").context("what")))));
        assert!(report.add(step("fuzz", 0, Verdict::Skipped("no nightly".to_owned()))));

        let expected = "
fmt               0.2 s  passed
test             61.0 s  FAILED
fuzz              0.0 s  skipped: no nightly

test failed: what: cause
  hint: mend it

1 passed, 1 failed
";
        assert_eq!(report.to_string(), expected);
    }
}
