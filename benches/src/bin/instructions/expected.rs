//! What was written down, and how what is counted now compares with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Instructions for each thing done, by case.
pub(crate) type Counts = BTreeMap<String, f64>;

/// How far a count may be off, up or down. Between runs of one program they differ by less than a hundredth; other
/// processors take other paths through `memcpy` and its like.
const TOLERANCE: f64 = 0.05;

/// The file in the repository.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    compiler: String,
    instructions: Counts,
}

impl Expected {
    pub(crate) fn new(compiler: &str, counts: &Counts) -> Self {
        let instructions = counts.iter().map(|(name, count)| (name.clone(), rounded(*count))).collect();
        Self { compiler: compiler.to_owned(), instructions }
    }

    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", file.display()))
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Three digits that mean something: what comes behind them is another one each time.
fn rounded(count: f64) -> f64 {
    if count < 100.0 { (count * 10.0).round() / 10.0 } else { count.round() }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Comparison {
    rows: Vec<Row>,
    /// The compilers then and now, if they differ: then counts do, too.
    compilers: Option<(String, String)>,
}

#[derive(Debug)]
struct Row {
    name: String,
    expected: Option<f64>,
    counted: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    Better,
    Worse,
    /// Written down and no longer counted, or counted and not written down.
    Unmatched,
}

impl Comparison {
    pub(crate) fn new(expected: &Expected, counts: &Counts, compiler: &str) -> Self {
        let names: BTreeSet<&String> = expected.instructions.keys().chain(counts.keys()).collect();
        let row = |name: &String| Row {
            name: name.clone(),
            expected: expected.instructions.get(name).copied(),
            counted: counts.get(name).copied(),
        };
        let rows = names.into_iter().map(row).collect();
        let compilers =
            (expected.compiler != compiler).then(|| (expected.compiler.clone(), compiler.to_owned()));
        Self { rows, compilers }
    }

    /// Whether nothing costs more than it may. What another compiler has made is not judged.
    pub(crate) fn holds(&self) -> bool {
        self.compilers.is_some()
            || self.rows.iter().all(|row| matches!(row.verdict(), Verdict::Same | Verdict::Better))
    }
}

impl Row {
    fn verdict(&self) -> Verdict {
        match self.change() {
            None => Verdict::Unmatched,
            Some(change) if change > TOLERANCE => Verdict::Worse,
            Some(change) if change < -TOLERANCE => Verdict::Better,
            Some(_) => Verdict::Same,
        }
    }

    fn change(&self) -> Option<f64> {
        Some(self.counted? / self.expected? - 1.0)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.instructions {
            writeln!(f, "{name:42} {count:>10.1}")?;
        }
        write!(f, "with {}", self.compiler)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:42} {:>10} {:>10} {:>8}", "instructions for each", "expected", "counted", "change")?;
        let number = |count: Option<f64>| count.map_or_else(|| "-".to_owned(), |count| format!("{count:.1}"));
        for row in &self.rows {
            let change = row.change().map_or_else(String::new, |change| format!("{:+.1} %", 100.0 * change));
            let (expected, counted) = (number(row.expected), number(row.counted));
            let verdict = row.verdict();
            writeln!(f, "{:42} {expected:>10} {counted:>10} {change:>8}{verdict}", row.name)?;
        }
        if let Some((then, now)) = &self.compilers {
            writeln!(f, "nothing is judged: expected of {then}, counted of {now}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => Ok(()),
            Self::Better => f.write_str("  better: write it down with `cargo xtask instructions --write`"),
            Self::Worse => f.write_str("  WORSE"),
            Self::Unmatched => {
                f.write_str("  UNMATCHED: write down what there is with `cargo xtask instructions --write`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPILER: &str = "rustc 1.0.0";

    fn counts(count: f64) -> Counts {
        Counts::from([("publish".to_owned(), count)])
    }

    fn compare(expected: f64, counted: f64) -> Comparison {
        Comparison::new(&Expected::new(COMPILER, &counts(expected)), &counts(counted), COMPILER)
    }

    #[test]
    fn up_to_a_twentieth_more_is_the_same() {
        assert_eq!(compare(1000.0, 1049.0).rows[0].verdict(), Verdict::Same);
        assert_eq!(compare(1000.0, 951.0).rows[0].verdict(), Verdict::Same);
        assert!(compare(1000.0, 1049.0).holds());
    }

    #[test]
    fn more_than_that_fails_and_is_shown() {
        let worse = compare(1000.0, 1051.0);

        assert!(!worse.holds());
        assert!(worse.to_string().contains("+5.1 %  WORSE"), "{worse}");
    }

    #[test]
    fn less_passes_and_asks_to_be_written_down() {
        let better = compare(1000.0, 900.0);

        assert!(better.holds());
        assert!(better.to_string().contains("cargo xtask instructions --write"), "{better}");
    }

    #[test]
    fn what_is_not_on_both_sides_fails() {
        let written = Expected::new(COMPILER, &counts(1000.0));
        assert!(!Comparison::new(&written, &Counts::new(), COMPILER).holds());
        let nothing = Expected::new(COMPILER, &Counts::new());
        assert!(!Comparison::new(&nothing, &counts(1000.0), COMPILER).holds());
    }

    #[test]
    fn another_compiler_is_not_judged_and_said() {
        let expected = Expected::new("rustc 0.9.0", &counts(1000.0));
        let other = Comparison::new(&expected, &counts(2000.0), COMPILER);

        assert!(other.holds());
        assert!(other.to_string().contains("expected of rustc 0.9.0, counted of rustc 1.0.0"), "{other}");
    }

    #[test]
    fn what_is_written_can_be_read() {
        let file = std::env::temp_dir().join(format!("instructions-{}.json", std::process::id()));
        Expected::new(COMPILER, &Counts::from([("a".to_owned(), 1234.4), ("b".to_owned(), 5.678)]))
            .write(&file)
            .unwrap();

        let read = Expected::read(&file).unwrap();

        std::fs::remove_file(&file).unwrap();
        assert_eq!(read.compiler, COMPILER);
        assert_eq!(read.instructions, Counts::from([("a".to_owned(), 1234.0), ("b".to_owned(), 5.7)]));
    }
}
