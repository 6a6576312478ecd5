//! What one client was given, held against what was published: lost, duplicated, reordered, and what the server itself
//! said was missed.
//!
//! Exact, however late or however often something comes. A client that misses nothing costs 64 bytes; each hole in what
//! it got costs 16 more.

use std::ops::Range;

/// How many holes are told apart. A client with more has lost so much that nobody will count the rest one by one.
const MOST_HOLES: usize = 4_096;

/// What an event was to the client that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A second copy of an event that it had.
    Duplicate,
    /// The next one.
    InOrder,
    /// One that had been passed over before.
    Late,
    /// A later one: those in between are missing, for now.
    Ahead {
        /// How many are.
        missing: u64,
    },
}

/// One client's account of one topic.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The first sequence that it is about.
    first: u64,
    /// The lowest sequence above all that came.
    next: u64,
    /// What did not come below that, in order.
    holes: Vec<Hole>,
    /// How many sequences have not come below `next`, those in holes that were forgotten too.
    missing: u64,
    announced: u64,
}

/// Sequences that have not come: from `start` on, below `end`.
#[derive(Clone, Copy, Debug)]
struct Hole {
    start: u64,
    end: u64,
}

impl Ledger {
    /// The account of a client that is to get everything from this sequence on.
    #[must_use]
    pub fn from(first: u64) -> Self {
        Self { first, next: first, ..Self::default() }
    }

    /// Enters an event. Constant for the next one, else logarithmic in the holes, but for a hole that is split.
    pub fn arrived(&mut self, sequence: u64) -> Arrival {
        let Some(missing) = sequence.checked_sub(self.next) else { return self.arrived_behind(sequence) };
        if missing > 0 {
            if self.holes.len() == MOST_HOLES {
                self.holes.remove(0);
            }
            self.holes.push(Hole { start: self.next, end: sequence });
            self.missing += missing;
        }
        self.next = sequence + 1;
        if missing == 0 { Arrival::InOrder } else { Arrival::Ahead { missing } }
    }

    /// Enters that the server announced so many events as missed.
    pub fn announced(&mut self, missed: u64) {
        self.announced = self.announced.saturating_add(missed);
    }

    /// The first sequence that the client was to get.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The lowest sequence above all that came: what a resume has to continue from.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many events are missing, given that sequences below `published` were published.
    #[must_use]
    pub fn missing(&self, published: u64) -> u64 {
        self.missing + published.saturating_sub(self.next)
    }

    /// Which are, as far as they are told apart, in order; the last has no end.
    pub fn missing_ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.holes.iter().map(|hole| hole.start..hole.end).chain(std::iter::once(self.next..u64::MAX))
    }

    /// How many events the server said were missed.
    #[must_use]
    pub fn was_announced(&self) -> u64 {
        self.announced
    }

    /// How many events the client missed without a word, given that sequences below `published` were published.
    #[must_use]
    pub fn lost(&self, published: u64) -> u64 {
        self.missing(published).saturating_sub(self.announced)
    }

    fn arrived_behind(&mut self, sequence: u64) -> Arrival {
        let Some(index) = self.hole(sequence) else { return Arrival::Duplicate };
        let Hole { start, end } = self.holes[index];
        let rest = [Hole { start, end: sequence }, Hole { start: sequence + 1, end }];
        self.holes.splice(index..=index, rest.into_iter().filter(|hole| hole.start < hole.end));
        self.missing -= 1;
        Arrival::Late
    }

    /// The hole that a sequence is in.
    fn hole(&self, sequence: u64) -> Option<usize> {
        let index = self.holes.partition_point(|hole| hole.end <= sequence);
        self.holes.get(index).filter(|hole| hole.start <= sequence).map(|_| index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn enter(sequences: &[u64]) -> (Ledger, Vec<Arrival>) {
        let mut ledger = Ledger::from(0);
        let arrivals = sequences.iter().map(|&sequence| ledger.arrived(sequence)).collect();
        (ledger, arrivals)
    }

    #[test]
    fn a_clean_run_has_nothing_to_report() {
        let (ledger, arrivals) = enter(&[0, 1, 2]);
        assert_eq!(arrivals, [Arrival::InOrder; 3]);
        assert_eq!((ledger.lost(3), ledger.lost(5)), (0, 2));
    }

    #[test]
    fn late_is_neither_lost_nor_a_copy() {
        let (ledger, arrivals) = enter(&[0, 3, 1, 1, 2]);
        use Arrival::{Ahead, Duplicate, InOrder, Late};
        assert_eq!(arrivals, [InOrder, Ahead { missing: 2 }, Late, Duplicate, Late]);
        assert_eq!(ledger.lost(4), 0);
    }

    #[test]
    fn what_was_announced_is_not_lost() {
        let (mut ledger, _) = enter(&[0]);
        ledger.announced(4);
        ledger.arrived(5);
        assert_eq!(ledger.lost(6), 0);
        ledger.arrived(8);
        assert_eq!(ledger.lost(9), 2);
    }

    #[test]
    fn who_joins_later_owes_nothing_from_before() {
        let mut ledger = Ledger::from(100);
        assert_eq!(ledger.arrived(100), Arrival::InOrder);
        assert_eq!(ledger.arrived(99), Arrival::Duplicate);
        assert_eq!(ledger.lost(101), 0);
    }

    /// A server that replays its history to whoever has a hole in it.
    #[test]
    fn history_that_comes_again_fills_holes_once() {
        let mut ledger = Ledger::from(0);
        (0..=200).chain([203]).for_each(|sequence| assert!(ledger.arrived(sequence) != Arrival::Duplicate));
        assert_eq!(ledger.missing(204), 2);
        let late = (0..=203).filter(|&sequence| ledger.arrived(sequence) == Arrival::Late).count();
        assert_eq!((late, ledger.missing(204)), (2, 0));
    }

    #[test]
    fn copies_of_others_fill_no_hole() {
        let mut ledger = Ledger::from(0);
        (0..=300)
            .filter(|&sequence| sequence != 7)
            .for_each(|sequence| assert!(ledger.arrived(sequence) != Arrival::Duplicate));
        (0..7).for_each(|sequence| assert_eq!(ledger.arrived(sequence), Arrival::Duplicate));
        assert_eq!(ledger.lost(301), 1);
        assert_eq!(ledger.missing_ranges().collect::<Vec<_>>(), [7..8, 301..u64::MAX]);
    }

    #[test]
    fn more_holes_than_are_told_apart_are_still_counted() {
        let mut ledger = Ledger::from(0);
        let events = 3 * MOST_HOLES as u64;
        (0..events).for_each(|event| assert!(ledger.arrived(2 * event) != Arrival::Duplicate));
        assert_eq!(ledger.missing(2 * events), events);
    }

    proptest! {
        /// The count is that of a set, however late anything is.
        #[test]
        fn it_counts_as_a_set_does(steps in prop::collection::vec((0_u64..300, 0_u64..600), 0..400)) {
            let (mut ledger, mut set) = (Ledger::from(0), HashSet::new());
            let mut duplicates = (0, 0);
            for (ahead, back) in steps {
                let newest = ledger.next();
                let sequence = if ahead % 3 == 0 { newest + ahead / 3 } else { newest.saturating_sub(back) };
                duplicates.0 += u64::from(ledger.arrived(sequence) == Arrival::Duplicate);
                duplicates.1 += u64::from(!set.insert(sequence));
            }
            prop_assert_eq!(duplicates.0, duplicates.1);
            prop_assert_eq!(ledger.lost(ledger.next() + 7), ledger.next() + 7 - set.len() as u64);
        }
    }
}
