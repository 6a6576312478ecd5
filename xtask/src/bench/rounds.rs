//! What all rounds have yielded, and what becomes of several: the median, and the ratio of two servers *in the same round*.

use std::collections::BTreeMap;

use super::figures::{Figures, Name};

/// The worst that the tester says of itself.
const SATURATED: &str = "saturated";

/// Of whom, and who is left out. Cells are found by the names of the work and of the peer.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) entrants: Vec<Entrant>,
    cells: BTreeMap<(&'static str, &'static str), Cell>,
}

/// A server that is compared, or would be.
#[derive(Clone, Debug)]
pub(super) struct Entrant {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) version: String,
    /// Why it is left out of everything.
    pub(super) missing: Option<String>,
}

/// A server and a work.
#[derive(Debug)]
pub(super) enum Cell {
    /// It cannot do it, for the reason given.
    Unable(&'static str),
    /// By round. What failed, failed for the reason given.
    Tried(Vec<Result<Figures, String>>),
}

/// Over the rounds in which there is a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Results {
    pub(super) fn set_unable(&mut self, work: &'static str, peer: &'static str, why: &'static str) {
        self.cells.insert((work, peer), Cell::Unable(why));
    }

    pub(super) fn add(&mut self, work: &'static str, peer: &'static str, tried: Result<Figures, String>) {
        let cell = self.cells.entry((work, peer)).or_insert_with(|| Cell::Tried(Vec::new()));
        if let Cell::Tried(rounds) = cell {
            rounds.push(tried);
        }
    }

    pub(super) fn cell(&self, work: &str, peer: &str) -> Option<&Cell> {
        // The keys are 'static, and what is asked for need not be.
        self.cells.iter().find(|((w, p), _)| *w == work && *p == peer).map(|(_, cell)| cell)
    }

    pub(super) fn spread(&self, work: &str, peer: &str, name: Name) -> Option<Spread> {
        Spread::of(self.rounds(work, peer).map(|round| round?.value(name)))
    }

    pub(super) fn median(&self, work: &str, peer: &str, name: Name) -> Option<f64> {
        self.spread(work, peer, name).map(|spread| spread.median)
    }

    /// One over the other, each a work and a peer: the median over the rounds that have both.
    pub(super) fn ratio(&self, over: [&str; 2], under: [&str; 2], name: Name) -> Option<f64> {
        let value = |round: Option<&Figures>| round?.value(name);
        let pairs = self.rounds(over[0], over[1]).zip(self.rounds(under[0], under[1]));
        let ratios = pairs.map(|(over, under)| Some(value(over)? / value(under).filter(|v| *v != 0.0)?));
        Spread::of(ratios).map(|spread| spread.median)
    }

    /// What was lost, in the worst round. None if nobody knows.
    pub(super) fn lost(&self, work: &str, peer: &str) -> Option<f64> {
        self.spread(work, peer, Name::Lost).map(|spread| spread.max)
    }

    /// Why rounds failed, one sentence for all.
    pub(super) fn failure(&self, work: &str, peer: &str) -> Option<String> {
        let Some(Cell::Tried(rounds)) = self.cell(work, peer) else { return None };
        let failed: Vec<&String> = rounds.iter().filter_map(|round| round.as_ref().err()).collect();
        let why = failed.last()?;
        Some(if failed.len() == rounds.len() {
            format!("failed: {why}")
        } else {
            format!("{} of {} rounds failed: {why}", failed.len(), rounds.len())
        })
    }

    /// What the tester said of itself, where it was not always fit.
    pub(super) fn doubt(&self, work: &str, peer: &str) -> Option<String> {
        let verdicts = self.rounds(work, peer).filter_map(|round| round?.verdict.as_deref());
        let doubts: Vec<&str> = verdicts.filter(|verdict| *verdict != "ok").collect();
        let worst = if doubts.contains(&SATURATED) { SATURATED } else { *doubts.first()? };
        Some(format!("tester {worst} in {} of {}", doubts.len(), self.rounds(work, peer).count()))
    }

    fn rounds(&self, work: &str, peer: &str) -> impl Iterator<Item = Option<&Figures>> {
        let tried = match self.cell(work, peer) {
            Some(Cell::Tried(rounds)) => rounds.as_slice(),
            _ => &[],
        };
        tried.iter().map(|round| round.as_ref().ok())
    }
}

impl Spread {
    fn of(values: impl Iterator<Item = Option<f64>>) -> Option<Self> {
        let mut values: Vec<f64> = values.flatten().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { median, min, max })
    }
}

/// The order of a round: another one begins each time, so that nobody always has the machine at its warmest.
pub(super) fn rotated<T>(all: &[T], round: usize) -> impl Iterator<Item = &T> {
    let first = if all.is_empty() { 0 } else { round % all.len() };
    all[first..].iter().chain(&all[..first])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(value: f64) -> Result<Figures, String> {
        let mut figures = Figures::default();
        figures.set(Name::Cpu, value);
        Ok(figures)
    }

    fn spread(values: &[f64]) -> Option<Spread> {
        Spread::of(values.iter().copied().map(Some))
    }

    #[test]
    fn the_median_is_the_middle_one_or_between_two() {
        assert_eq!(spread(&[3.0, 1.0, 9.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
        assert_eq!(spread(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(spread(&[]), None);
    }

    /// A machine that is slow in one round is slow to both.
    #[test]
    fn a_ratio_is_of_the_same_round() {
        let mut results = Results::default();
        for (ours, floor) in [(11.0, 10.0), (30.0, 10.0), (22.0, 20.0)] {
            results.add("a", "ours", cpu(ours));
            results.add("a", "floor", cpu(floor));
        }
        assert_eq!(results.ratio(["a", "ours"], ["a", "floor"], Name::Cpu), Some(1.1));
        assert_eq!(results.ratio(["a", "ours"], ["a", "nobody"], Name::Cpu), None);
    }

    #[test]
    fn a_round_that_failed_is_left_out_and_told() {
        let mut results = Results::default();
        results.add("a", "ours", cpu(1.0));
        results.add("a", "ours", Err("it crashed".to_owned()));
        results.add("a", "ours", cpu(2.0));
        results.add("a", "floor", Err("refused".to_owned()));

        assert_eq!(results.median("a", "ours", Name::Cpu), Some(1.5));
        assert_eq!(results.failure("a", "ours").as_deref(), Some("1 of 3 rounds failed: it crashed"));
        assert_eq!(results.failure("a", "floor").as_deref(), Some("failed: refused"));
    }

    #[test]
    fn who_failed_in_a_round_is_not_compared_in_it() {
        let mut results = Results::default();
        for (ours, floor) in [(cpu(1.0), Err(String::new())), (cpu(6.0), cpu(2.0))] {
            results.add("a", "ours", ours);
            results.add("a", "floor", floor);
        }
        assert_eq!(results.ratio(["a", "ours"], ["a", "floor"], Name::Cpu), Some(3.0));
    }

    #[test]
    fn the_testers_worst_verdict_is_told() {
        let mut results = Results::default();
        for verdict in ["ok", "degraded", "saturated"] {
            let figures = Figures::judged(Some(verdict.to_owned()));
            results.add("a", "ours", Ok(figures));
        }
        assert_eq!(results.doubt("a", "ours").as_deref(), Some("tester saturated in 2 of 3"));
        assert_eq!(results.doubt("a", "floor"), None);
    }

    #[test]
    fn each_round_begins_with_another() {
        let order = |round| rotated(&["a", "b", "c"], round).copied().collect::<String>();
        assert_eq!([order(0), order(1), order(2), order(3)], ["abc", "bca", "cab", "abc"]);
        assert_eq!(rotated::<u8>(&[], 1).count(), 0);
    }
}
