//! What one client was given, held against what was published: lost, duplicated, reordered, and what the server itself
//! said was missed.
//!
//! A window over the last sequences, as protocols use against replay, tells a late event from a second copy. It costs 64
//! bytes a client, whatever comes.

/// How far behind the newest event a late one is still told from a copy.
const WINDOW: u32 = u128::BITS;

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
#[derive(Clone, Copy, Debug, Default)]
pub struct Ledger {
    /// The first sequence that it is about.
    first: u64,
    /// The lowest sequence above all that came.
    next: u64,
    /// Bit n: whether the sequence n below `next - 1` came.
    came: u128,
    missing: u64,
    announced: u64,
}

impl Ledger {
    /// The account of a client that is to get everything from this sequence on.
    #[must_use]
    pub fn from(first: u64) -> Self {
        // What is before the first is no concern of this client's: as good as received.
        Self { first, next: first, came: u128::MAX, missing: 0, announced: 0 }
    }

    /// Enters an event.
    pub fn arrived(&mut self, sequence: u64) -> Arrival {
        let Some(behind) = self.next.checked_sub(sequence).and_then(|behind| behind.checked_sub(1)) else {
            return self.advance(sequence);
        };
        if behind >= u64::from(WINDOW) {
            // Too old to know. If anything is missing it is likelier to be that: copies come soon.
            return if self.missing > 0 { self.found() } else { Arrival::Duplicate };
        }
        let bit = 1 << behind;
        if self.came & bit != 0 {
            return Arrival::Duplicate;
        }
        self.came |= bit;
        self.found()
    }

    /// Enters that the server announced so many events as missed.
    pub fn announced(&mut self, missed: u64) {
        self.announced += missed;
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

    fn advance(&mut self, sequence: u64) -> Arrival {
        let missing = sequence - self.next;
        let shift = missing + 1;
        self.came = if shift < u64::from(WINDOW) { self.came << shift | 1 } else { 1 };
        self.next = sequence + 1;
        self.missing += missing;
        if missing == 0 { Arrival::InOrder } else { Arrival::Ahead { missing } }
    }

    fn found(&mut self) -> Arrival {
        self.missing -= 1;
        Arrival::Late
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

    proptest! {
        /// As long as nothing is later than the window is wide, the count is that of a set.
        #[test]
        fn it_counts_as_a_set_does(steps in prop::collection::vec((0_u64..300, 0_u64..120), 0..400)) {
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
