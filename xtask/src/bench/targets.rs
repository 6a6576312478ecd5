//! What the server is to reach beside the others, as data, and whether it did.

use super::figures::{Name, Unit, digits};
use super::rounds::Results;

/// Who is to reach it.
pub(super) const SUBJECT: &str = "sse-server-socket";
pub(super) const FLOOR: &str = "floor";
/// Ours, in another way of writing: nobody to be better than.
const OURS: &str = "sse-server-";

/// A figure of a work, and what it is held against.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) work: &'static str,
    pub(super) figure: Name,
    pub(super) bound: Bound,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Times what this peer has in the same round.
    AtMostTimes(f64, &'static str),
    AtLeastTimes(f64, &'static str),
    /// Of every other server; the floor is none.
    BelowEvery,
    /// Of every other server that lost nothing.
    BelowEveryLossless,
    /// Times what it has itself in this work.
    AtMostTimesWork(f64, &'static str),
    /// The same, but what the floor has in the one beside the other is what growth costs anybody.
    GrowsAsTheFloor(f64, &'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Met(String),
    Missed(String),
    NotMeasured(String),
}

/// A subscriber's history is shared and bounded: what a flood takes beyond it is a few megabytes of buffers.
const BOUNDED: f64 = 100.0 * 1024.0 * 1024.0;

pub(super) const TARGETS: &[Target] = &[
    target("a", Name::Cpu, Bound::AtMostTimes(1.10, FLOOR)),
    target("a", Name::Cpu, Bound::AtMostTimes(0.65, "nchan")),
    target("a", Name::Cpu, Bound::AtMostTimes(0.65, "go")),
    target("a", Name::P99, Bound::AtMostTimes(1.15, FLOOR)),
    target("a", Name::P99, Bound::BelowEvery),
    target("a", Name::Ack, Bound::AtMost(5.0)),
    target("a", Name::Ack, Bound::BelowEveryLossless),
    target("a", Name::Lost, Bound::AtMost(0.0)),
    target("b", Name::Deliveries, Bound::AtLeast(3e6)),
    target("b", Name::Deliveries, Bound::AtLeastTimes(20.0, "nchan")),
    target("b", Name::P99, Bound::AtMost(50.0)),
    target("b", Name::Lost, Bound::AtMost(0.0)),
    target("b", Name::PeakRss, Bound::AtMost(BOUNDED)),
    // A hundredth below what is published is the run's edges.
    target("b-100", Name::Deliveries, Bound::AtLeast(0.99e6)),
    target("b-100", Name::P99, Bound::AtMost(100.0)),
    target("b-100", Name::Lost, Bound::AtMost(0.0)),
    target("c", Name::Memory, Bound::AtMost(0.35 * 1024.0)),
    target("d", Name::ConnectCpu, Bound::AtMostTimes(1.0, "nchan")),
    target("e", Name::Cpu, Bound::AtMostTimes(1.5, FLOOR)),
    // More sockets are more cache misses, for the floor too. A tenth is noise.
    target("e", Name::Cpu, Bound::GrowsAsTheFloor(1.1, "e-1000")),
    target("h-2", Name::CpuUser, Bound::AtMostTimesWork(1.10, "h-1")),
];

const fn target(work: &'static str, figure: Name, bound: Bound) -> Target {
    Target { work, figure, bound }
}

impl Target {
    /// As a sentence without a subject.
    pub(super) fn text(&self) -> String {
        let unit = self.figure.unit();
        match self.bound {
            Bound::AtMost(0.0) => "none".to_owned(),
            Bound::AtMost(bound) => format!("at most {}", unit.text(bound)),
            Bound::AtLeast(bound) => format!("at least {}", unit.text(bound)),
            Bound::AtMostTimes(times, peer) => format!("at most {times:.2} × {peer}"),
            Bound::AtLeastTimes(times, peer) => format!("at least {times:.0} × {peer}"),
            Bound::BelowEvery => "below everybody else".to_owned(),
            Bound::BelowEveryLossless => "below everybody else who loses nothing".to_owned(),
            Bound::AtMostTimesWork(times, work) => format!("at most {times:.2} × that in {work}"),
            Bound::GrowsAsTheFloor(times, work) => {
                format!("grows from {work} at most {times:.2} × as much as the floor's")
            }
        }
    }

    pub(super) fn verdict(&self, results: &Results) -> Verdict {
        let Some(value) = results.spread(self.work, SUBJECT, self.figure) else {
            let why = results.failure(self.work, SUBJECT);
            return Verdict::NotMeasured(why.unwrap_or_else(|| format!("no figure of {SUBJECT}")));
        };
        let against = |peer| results.ratio([self.work, SUBJECT], [self.work, peer], self.figure);
        let unit = self.figure.unit();
        match self.bound {
            // Of what must not be, the worst round counts.
            Bound::AtMost(0.0) => verdict(value.max <= 0.0, unit.text(value.max)),
            Bound::AtMost(bound) => verdict(value.median <= bound, unit.text(value.median)),
            Bound::AtLeast(bound) => verdict(value.median >= bound, unit.text(value.median)),
            Bound::AtMostTimes(times, peer) => {
                ratio(against(peer), |ratio| ratio <= times, || format!("no figure of {peer}"))
            }
            Bound::AtLeastTimes(times, peer) => {
                ratio(against(peer), |ratio| ratio >= times, || format!("no figure of {peer}"))
            }
            Bound::BelowEvery => self.below(results, value.median, |_| true),
            Bound::BelowEveryLossless => {
                self.below(results, value.median, |peer| results.lost(self.work, peer) == Some(0.0))
            }
            Bound::AtMostTimesWork(times, work) => {
                let grown = results.ratio([self.work, SUBJECT], [work, SUBJECT], self.figure);
                ratio(grown, |ratio| ratio <= times, || format!("no figure in {work}"))
            }
            Bound::GrowsAsTheFloor(times, work) => {
                let grown = |peer| results.ratio([self.work, peer], [work, peer], self.figure);
                let more = grown(SUBJECT).zip(grown(FLOOR)).map(|(ours, floor)| ours / floor);
                ratio(more, |ratio| ratio <= times, || format!("no figures of both in {work}"))
            }
        }
    }

    fn below(&self, results: &Results, ours: f64, counts: impl Fn(&str) -> bool) -> Verdict {
        let others = results.entrants.iter().map(|entrant| entrant.name);
        let others = others.filter(|peer| *peer != FLOOR && !peer.starts_with(OURS) && counts(peer));
        let best = others
            .filter_map(|peer| Some((peer, results.median(self.work, peer, self.figure)?)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other));
        let Some((peer, best)) = best else {
            return Verdict::NotMeasured("nobody else to compare with".to_owned());
        };
        let unit: Unit = self.figure.unit();
        verdict(ours < best, format!("{}, the next is {peer} with {}", unit.text(ours), unit.text(best)))
    }
}

fn verdict(met: bool, text: String) -> Verdict {
    if met { Verdict::Met(text) } else { Verdict::Missed(text) }
}

fn ratio(ratio: Option<f64>, met: impl Fn(f64) -> bool, why: impl Fn() -> String) -> Verdict {
    ratio.map_or_else(
        || Verdict::NotMeasured(why()),
        |ratio| verdict(met(ratio), format!("{} ×", digits(ratio))),
    )
}

impl Verdict {
    /// The word for it, and what it rests on.
    pub(super) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Met(text) => ("met", text),
            Self::Missed(text) => ("missed", text),
            Self::NotMeasured(why) => ("not measured", why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::Figures;
    use crate::bench::rounds::Entrant;
    use crate::bench::work::WORKS;

    /// A work, a peer, and its figures.
    type Row<'a> = (&'static str, &'static str, &'a [(Name, f64)]);

    fn results(figures: &[Row<'_>]) -> Results {
        let mut results = Results::default();
        for &(work, peer, values) in figures {
            let mut figures = Figures::default();
            values.iter().for_each(|&(name, value)| figures.set(name, value));
            results.add(work, peer, Ok(figures));
            results.entrants.push(Entrant { name: peer, about: "", version: String::new(), missing: None });
        }
        results
    }

    fn word(bound: Bound, figure: Name, results: &Results) -> &'static str {
        target("a", figure, bound).verdict(results).parts().0
    }

    #[test]
    fn every_target_is_of_a_work_and_a_figure_that_it_shows() {
        for target in TARGETS {
            let work = WORKS.iter().find(|work| work.id == target.work).unwrap();
            assert!(work.shows.contains(&target.figure), "{target:?}");
        }
    }

    #[test]
    fn a_ratio_is_met_up_to_its_bound() {
        let results = results(&[("a", SUBJECT, &[(Name::Cpu, 11.0)]), ("a", FLOOR, &[(Name::Cpu, 10.0)])]);

        assert_eq!(word(Bound::AtMostTimes(1.10, FLOOR), Name::Cpu, &results), "met");
        assert_eq!(word(Bound::AtMostTimes(1.09, FLOOR), Name::Cpu, &results), "missed");
        assert_eq!(word(Bound::AtLeastTimes(1.2, FLOOR), Name::Cpu, &results), "missed");
        assert_eq!(word(Bound::AtMostTimes(1.10, "nchan"), Name::Cpu, &results), "not measured");
    }

    #[test]
    fn loss_in_any_round_is_loss() {
        let mut results = results(&[("a", SUBJECT, &[(Name::Lost, 0.0)])]);
        assert_eq!(word(Bound::AtMost(0.0), Name::Lost, &results), "met");

        let mut lossy = Figures::default();
        lossy.set(Name::Lost, 1.0);
        results.add("a", SUBJECT, Ok(Figures::default()));
        results.add("a", SUBJECT, Ok(lossy));
        assert_eq!(word(Bound::AtMost(0.0), Name::Lost, &results), "missed");
    }

    #[test]
    fn who_drops_is_no_measure_of_how_fast_one_can_answer() {
        let results = results(&[
            ("a", SUBJECT, &[(Name::Ack, 2.0), (Name::Lost, 0.0)]),
            ("a", "sse-server-body", &[(Name::Ack, 0.5), (Name::Lost, 0.0)]),
            ("a", FLOOR, &[(Name::Ack, 0.5), (Name::Lost, 0.0)]),
            ("a", "go", &[(Name::Ack, 1.0), (Name::Lost, 7.0)]),
            ("a", "nchan", &[(Name::Ack, 90.0), (Name::Lost, 0.0)]),
        ]);
        assert_eq!(word(Bound::BelowEvery, Name::Ack, &results), "missed");
        assert_eq!(word(Bound::BelowEveryLossless, Name::Ack, &results), "met");
    }

    #[test]
    fn growth_is_held_against_the_floors() {
        let cpu = |value| [(Name::Cpu, value)];
        let results = results(&[
            ("a", SUBJECT, &cpu(9.0)),
            ("e-1000", SUBJECT, &cpu(6.0)),
            ("a", FLOOR, &cpu(7.0)),
            ("e-1000", FLOOR, &cpu(5.0)),
        ]);
        assert_eq!(word(Bound::AtMostTimesWork(1.10, "e-1000"), Name::Cpu, &results), "missed");
        assert_eq!(word(Bound::GrowsAsTheFloor(1.10, "e-1000"), Name::Cpu, &results), "met");
    }

    #[test]
    fn nothing_measured_is_no_success() {
        for target in TARGETS {
            assert_eq!(target.verdict(&Results::default()).parts().0, "not measured");
        }
    }
}
