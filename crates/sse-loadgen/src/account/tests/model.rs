//! Whatever goes wrong, however mixed: the accounts say what went wrong, as often as it did.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Book, faults};
use crate::report::summary::Resumes;

/// What happens to one event on its way to one client.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Whole,
    Lost,
    Twice,
    Damaged,
    /// Behind the next whole one.
    Held,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Whole),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Twice),
        1 => Just(Fate::Damaged),
        1 => Just(Fate::Held),
    ]
}

proptest! {
    /// Whatever happens to whom, each fault is counted as often as it happened, and where it happened.
    #[test]
    fn faults_are_counted_as_they_were_made(
        fates in prop::collection::vec(prop::collection::vec(fate(), 0..60), 1..5),
        rejected in prop::collection::btree_set(0_u64..60, 0..5),
        breaks in prop::collection::btree_set(0_u64..60, 0..4),
    ) {
        let published = 60;
        let mut book = Book::new(1);
        book.published.rejected.insert(0, rejected.iter().copied().collect());
        let mut truth = [0; 6];
        let mut affected = 0;
        let mut accounts = Vec::new();
        for (number, fates) in (0..).zip(&fates) {
            let mut client = book.client(number, 0);
            let mut held: Option<u64> = None;
            let (mut has, mut damaged, mut before) = (BTreeSet::new(), 0, truth);
            for sequence in (0..published).filter(|sequence| !rejected.contains(sequence)) {
                if breaks.contains(&sequence) {
                    held = None;
                    book.resume(&mut client, 0);
                }
                match fates.get(sequence as usize).copied().unwrap_or(Fate::Whole) {
                    Fate::Lost => {}
                    Fate::Damaged => {
                        book.gets_damaged(&mut client, sequence);
                        damaged += 1;
                    }
                    Fate::Held if held.is_none() => held = Some(sequence),
                    fate => {
                        has.insert(sequence);
                        book.gets(&mut client, [sequence]);
                        if matches!(fate, Fate::Twice) {
                            book.gets(&mut client, [sequence]);
                            truth[3] += 1;
                        }
                        if let Some(late) = held.take() {
                            has.insert(late);
                            book.gets(&mut client, [late]);
                            truth[4] += 1;
                        }
                    }
                }
            }
            let due = published - rejected.len() as u64;
            truth[0] += due;
            truth[1] += has.len() as u64;
            truth[2] += due - has.len() as u64 - damaged;
            truth[5] += damaged;
            // All but the first two are faults.
            before[..2].copy_from_slice(&truth[..2]);
            affected += u64::from(before != truth);
            accounts.push(client);
        }
        let record = book.settle(published, &mut accounts);
        prop_assert_eq!(faults(&record.counts), truth);
        prop_assert_eq!(record.counts.affected, affected);
        let Resumes { sent, contiguous, gap_announced, gap_silent, repeated, unsettled } = record.resumes;
        prop_assert_eq!(sent, contiguous + gap_announced + gap_silent + repeated + unsettled);
    }
}
