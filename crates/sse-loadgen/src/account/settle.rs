//! The end of a life and of a run: what was expected, and never came.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Account, Recorder};
use crate::ledger::Ledger;
use crate::schedule::Schedule;

/// What was published in the end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Accepted {
    /// How many events of the schedule, from the first.
    pub count: u64,
    /// By topic, in order: sequences that the server refused, so that nobody is to have them.
    pub rejected: BTreeMap<u32, Vec<u64>>,
    /// By topic, in order: sequences of which nobody knows whether they were accepted.
    pub unknown: BTreeMap<u32, Vec<u64>>,
}

/// Sequences of a topic that a resume has passed over, and nobody said so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) topic: u32,
    pub(super) first: u64,
    pub(super) end: u64,
}

/// Who left with something missing, and is remembered until it is known what was published: a bound for memory.
const DEPARTED: usize = 10_000;

/// What a client was owed: sequences of its topic.
#[derive(Clone, Copy, Debug)]
struct Owed {
    topic: u32,
    first: u64,
    end: u64,
}

impl Accepted {
    /// How many of a list are in a range.
    fn within(list: &BTreeMap<u32, Vec<u64>>, topic: u32, first: u64, end: u64) -> u64 {
        let Some(list) = list.get(&topic) else { return 0 };
        let below = |sequence| list.partition_point(|&other| other < sequence);
        (below(end) - below(first.min(end))) as u64
    }

    /// How many of those that a client was owed, and of a list, it did not get.
    fn missed(list: &BTreeMap<u32, Vec<u64>>, owed: Owed, ledger: &Ledger) -> u64 {
        if list.is_empty() {
            return 0;
        }
        let within = |range: Range<u64>| {
            let (first, end) = (range.start.max(owed.first), range.end.min(owed.end));
            if first < end { Self::within(list, owed.topic, first, end) } else { 0 }
        };
        ledger.missing_ranges().map(within).sum()
    }

    fn is_certain(&self, topic: u32, sequence: u64) -> bool {
        [&self.rejected, &self.unknown]
            .iter()
            .all(|list| Self::within(list, topic, sequence, sequence + 1) == 0)
    }
}

impl Recorder {
    /// A client left of its own accord, in the middle of the run. What was on its way to it is nobody's fault: only what
    /// it passed over counts.
    pub fn left(&mut self, account: &mut Account, now: u64) {
        self.record.counts.left += 1;
        self.record.counts.left_measured += u64::from(self.is_measured(now));
        self.unsettled(account);
        let Some(ledger) = &account.ledger else { return };
        if ledger.missing(ledger.next()) > 0 && self.departed.len() < DEPARTED {
            self.departed.push(account.clone());
        } else {
            self.enter_left(account, &Accepted::default());
        }
    }

    fn enter_left(&mut self, account: &Account, published: &Accepted) {
        let Some(ledger) = &account.ledger else { return };
        let owed = Owed { topic: account.topic, first: ledger.first(), end: ledger.next() };
        self.enter(account, owed, published);
    }

    /// Settles the accounts of all who did not leave.
    pub fn settle<'a>(&mut self, accounts: impl Iterator<Item = &'a mut Account>, published: &Accepted) {
        self.take_interval();
        for account in std::mem::take(&mut self.departed) {
            self.enter_left(&account, published);
        }
        for Passed { topic, first, end } in std::mem::take(&mut self.passed) {
            let rejected = Accepted::within(&published.rejected, topic, first, end);
            let excused = rejected + Accepted::within(&published.unknown, topic, first, end);
            let resumes = &mut self.record.resumes;
            *(if excused < end - first { &mut resumes.gap_silent } else { &mut resumes.contiguous }) += 1;
        }
        let schedule = self.measuring.and_then(|measuring| measuring.schedule);
        let mut all = Vec::new();
        for account in accounts {
            self.unsettled(account);
            let Some(schedule) = schedule.filter(|_| account.has_begun()) else { continue };
            let published_so_far = schedule.of_topic(account.topic, published.count);
            let (topic, restrained) = (account.topic, account.restrained);
            let ledger = Self::ledger(account, &schedule);
            // Who reads slowly has not come to the end, which is nobody's fault.
            let end = if restrained { ledger.next() } else { published_so_far };
            let owed = Owed { topic, first: ledger.first(), end };
            self.enter(account, owed, published);
            if !account.restrained {
                all.push(owed);
            }
        }
        if let Some(schedule) = schedule {
            self.follow(&schedule, &all, published);
        }
    }

    fn enter(&mut self, account: &Account, owed: Owed, published: &Accepted) {
        let Some(ledger) = &account.ledger else { return };
        let Owed { topic, first, end } = owed;
        let missing = ledger.missing(end);
        // Nobody knows whether the unknown were accepted: who has one, has it; who has not, cannot complain.
        let excuse = |owed| {
            Accepted::missed(&published.rejected, owed, ledger)
                + Accepted::missed(&published.unknown, owed, ledger)
        };
        let excused = excuse(owed).min(missing);
        // Who was told last that it does not know how much is missing, is told of everything up to the end.
        let tail = end.saturating_sub(ledger.next());
        let announced = ledger.was_announced() + if account.excused { tail } else { 0 };
        let announced = announced.min(missing - excused);
        // Of what came last and could not be read, nobody knows whether it was before the end of who left.
        let beyond = if tail == 0 { account.unknown } else { 0 };
        let unread = u64::from(account.corrupted) + u64::from(account.unparsed);
        let lost = (missing - excused - announced).saturating_sub(unread - u64::from(beyond));
        let counts = &mut self.record.counts;
        counts.expected += end.saturating_sub(first).saturating_sub(excused);
        counts.lost += lost;
        counts.announced += announced;
        if account.restrained {
            // Until then it was as good as any.
            counts.measured += u64::from(account.timed);
        } else if let Some(measuring) = self.measuring
            && let Some(schedule) = measuring.schedule
        {
            let (from, to) = (
                schedule.sequence_at(topic, measuring.from).max(first),
                schedule.sequence_at(topic, measuring.to).min(end),
            );
            let excused = excuse(Owed { topic, first: from, end: to });
            counts.measured += to.saturating_sub(from).saturating_sub(excused);
        }
        let Account { client, duplicated, reordered, corrupted, .. } = *account;
        if lost + announced > 0 || duplicated + reordered + corrupted > 0 {
            counts.affected += 1;
            self.record.example(|| {
                let faults = [
                    (lost, "lost"),
                    (announced, "announced as missed"),
                    (duplicated.into(), "duplicated"),
                    (reordered.into(), "reordered"),
                    (corrupted.into(), "corrupted"),
                ];
                let faults = faults.iter().filter(|(count, _)| *count > 0);
                let faults: Vec<_> = faults.map(|(count, what)| format!("{count} {what}")).collect();
                format!("client {client}: {}", faults.join(", "))
            });
        }
    }

    /// How many clients ought to have each event that is followed.
    fn follow(&mut self, schedule: &Schedule, all: &[Owed], published: &Accepted) {
        let Some(measuring) = self.measuring else { return };
        let mut by_topic: BTreeMap<u32, Vec<Owed>> = BTreeMap::new();
        all.iter().for_each(|owed| by_topic.entry(owed.topic).or_default().push(*owed));
        let end = schedule.count_before(measuring.to).min(published.count);
        for key in self.record.fanout.keys(schedule.count_before(measuring.from), end) {
            let (topic, sequence) = schedule.place(key);
            if !published.is_certain(topic, sequence) {
                continue;
            }
            let owed = by_topic.get(&topic).map_or(&[][..], Vec::as_slice);
            let clients = owed.iter().filter(|owed| (owed.first..owed.end).contains(&sequence)).count();
            self.record.fanout.expected(key, clients as u64);
        }
    }
}
