//! A topic as one segment sees it: who of the segment reads it, how far it goes, and the lap that serves them.

use super::lagging::LagRule;
use super::subscriber::{Member, index};
use crate::log::{Log, Run};
use crate::sync::Arc;
use crate::topic::{Phase, Topic, TopicState};

/// See the module.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) topic: Arc<Topic>,
    rule: LagRule,
    /// Subscribers, in no order; each knows its place here.
    readers: Vec<u32>,
    lap: Lap,
    /// Whether the segment has it in line for (the rest of) a lap.
    pub(super) queued: bool,
    /// The topic's newest sequence when the segment last came for it. If it is out of date, the topic is marked, and
    /// the segment will come again.
    pub(super) head: u64,
    /// How many events the topic had ever had then.
    total: u64,
    pub(super) ended: bool,
    /// The last two.
    memos: Vec<Memo>,
}

/// A sweep over the readers. It keeps its place: news that comes during a lap extends it, so that nobody is favoured
/// for standing at the front.
#[derive(Debug, Default)]
struct Lap {
    hand: usize,
    remaining: usize,
    /// Where the last lap began: its share of the readers, of 2³².
    start: u32,
}

/// A run that was read, for whoever stands where it begins. In a sweep that is nearly everyone, and each may have a
/// second one to read behind it: a run ends with its block.
#[derive(Debug)]
struct Memo {
    after: u64,
    /// The feed's head at the time: once it has moved on, a new read would bring more.
    head: u64,
    run: Run,
}

/// What a reader finds behind its position.
#[derive(Debug)]
pub(super) enum Read {
    Run(Run),
    Lost(Lost),
    Nothing,
}

/// Frames behind a reader's position that are no longer retained, or no longer for it.
#[derive(Debug)]
pub(super) struct Lost {
    /// The highest of them.
    pub(super) floor: u64,
    /// Its number in the topic.
    pub(super) number: u64,
    pub(super) missed: Option<u64>,
}

impl Feed {
    pub(super) fn new(topic: Arc<Topic>, rule: LagRule) -> Self {
        Self {
            topic,
            rule,
            readers: Vec::new(),
            lap: Lap::default(),
            queued: false,
            head: 0,
            total: 0,
            ended: false,
            memos: Vec::new(),
        }
    }

    /// Adopts what the topic's lock guards.
    pub(super) fn refresh(&mut self, state: &TopicState) {
        self.head = state.log.head();
        self.total = state.log.total();
        self.ended = state.phase == Phase::Ended;
    }

    /// Adds a reader; answers its place.
    pub(super) fn add(&mut self, subscriber: usize) -> usize {
        self.readers.push(index(subscriber));
        if self.lap.remaining > 0 {
            // The lap may be about to wrap round at the old end.
            self.lap.remaining += 1;
        }
        self.readers.len() - 1
    }

    /// Removes the reader at a place; answers who has moved to that place.
    pub(super) fn remove(&mut self, place: usize) -> Option<usize> {
        self.readers.swap_remove(place);
        self.lap.remaining = self.lap.remaining.min(self.readers.len());
        self.readers.get(place).map(|reader| *reader as usize)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// Sends the hand once round everybody: from where it is, if it is on its way, and else from somewhere else than the
    /// last time. Whoever is served last has an event later by as long as it takes to serve all others, and it should
    /// not always be the same.
    pub(super) fn start_lap(&mut self) {
        let readers = self.readers.len();
        if !self.in_lap() {
            // Steps of the golden section, of 2³², come equally often to every place, however many places there are.
            self.lap.start = self.lap.start.wrapping_add(2_654_435_769);
            self.lap.hand = ((u64::from(self.lap.start) * readers as u64) >> 32) as usize;
        }
        self.lap.remaining = readers;
    }

    pub(super) fn in_lap(&self) -> bool {
        self.lap.remaining > 0
    }

    /// The next reader of the lap.
    pub(super) fn next_in_lap(&mut self) -> Option<usize> {
        self.lap.remaining = self.lap.remaining.checked_sub(1)?;
        if self.lap.hand >= self.readers.len() {
            self.lap.hand = 0;
        }
        let subscriber = self.readers.get(self.lap.hand).map(|reader| *reader as usize);
        self.lap.hand += 1;
        subscriber
    }

    /// What lies behind `after` for a reader who stands there. The same bytes for all who stand at the same position
    /// and come one after another.
    pub(super) fn read(&mut self, after: u64, member: &Member, limit: usize) -> Read {
        // Not for whoever is owed a gap although the frames are still there: because it does not know how many it has
        // behind it, or lags too far.
        let entitled = member.seen().is_some() && !lags(self.rule, self.total, member);
        let mut memos = self.memos.iter().filter(|_| entitled);
        if let Some(memo) = memos.find(|memo| memo.after == after && memo.head == self.head) {
            return Read::Run(memo.run.clone());
        }
        let state = self.topic.state.lock();
        if let Some(lost) = lost(&state.log, self.rule, member) {
            return Read::Lost(lost);
        }
        match state.log.read(after, u64::MAX, limit) {
            None => Read::Nothing,
            Some(run) => {
                drop(state);
                if self.readers.len() > 1 {
                    self.remember(Memo { after, head: self.head, run: run.clone() });
                }
                Read::Run(run)
            }
        }
    }

    fn remember(&mut self, memo: Memo) {
        const MOST: usize = 2;

        if self.memos.len() == MOST {
            self.memos.remove(0);
        }
        self.memos.push(memo);
    }

    /// What a reader has lost in the topic, whose lock the caller holds.
    pub(super) fn lost(&self, log: &Log, member: &Member) -> Option<Lost> {
        lost(log, self.rule, member)
    }

    /// Whether it keeps bytes for the next who comes.
    pub(super) fn keeps_run(&self) -> bool {
        !self.memos.is_empty()
    }

    /// Lets go of them.
    pub(super) fn forget_run(&mut self) {
        self.memos = Vec::new();
    }
}

/// What a reader has lost in a topic, if anything.
fn lost(log: &Log, rule: LagRule, member: &Member) -> Option<Lost> {
    let (seen, trimmed, total) = (member.seen(), log.trimmed(), log.total());
    let gone = log.is_gone(seen);
    if !gone && !lags(rule, total, member) {
        return None;
    }
    // Who comes back has come for all that is left.
    let skipped = if gone && member.returning { 0 } else { total.saturating_sub(rule.remaining()) };
    let number = skipped.max(trimmed);
    Some(Lost { floor: log.sequence_of(number), number, missed: seen.map(|seen| number - seen) })
}

/// Whether a reader is behind by more than it may, in what was published since it came.
fn lags(rule: LagRule, total: u64, member: &Member) -> bool {
    let (Some(most), Some(seen)) = (rule.max_lag, member.seen()) else { return false };
    total.saturating_sub(seen.max(member.came)) > most.get()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    fn feed_of(readers: impl Iterator<Item = usize>) -> Feed {
        let mut feed =
            Feed::new(Arc::new(Topic::new("t".parse().unwrap(), 0, Duration::ZERO)), LagRule::default());
        for reader in readers {
            feed.add(reader);
        }
        feed
    }

    #[test]
    fn a_lap_goes_on_where_the_last_one_stopped() {
        let mut feed = feed_of(0..4);
        feed.start_lap();
        let first = feed.next_in_lap().unwrap();
        assert_eq!(feed.next_in_lap(), Some((first + 1) % 4));
        feed.start_lap();
        let lap: Vec<_> = std::iter::from_fn(|| feed.next_in_lap()).collect();
        assert_eq!(lap, [2, 3, 0, 1].map(|place| (first + place) % 4));
    }

    #[test]
    fn nobody_is_early_more_often_than_others() {
        for readers in [2, 3, 10, 97, 1000] {
            let mut feed = feed_of(0..readers);
            let mut turns = vec![0; readers];
            let laps = 1000;
            for _ in 0..laps {
                feed.start_lap();
                for turn in 0..readers {
                    turns[feed.next_in_lap().unwrap()] += turn;
                }
                assert_eq!(feed.next_in_lap(), None);
            }
            let middle = laps * (readers - 1) / 2;
            let bounds = middle - middle / 20..=middle + middle / 20;
            assert!(
                turns.iter().all(|turn| bounds.contains(turn)),
                "{readers}: {turns:?} are not about {middle}"
            );
        }
    }

    /// However readers come and go during a lap: who was there when it began, and still is, is visited, or moved (then
    /// the caller visits it).
    #[test]
    fn nobody_is_skipped_when_others_come_and_go() {
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut feed = feed_of(0..random.usize(1..6));
            for _ in 0..random.usize(0..6) {
                feed.start_lap();
                for _ in 0..random.usize(0..6) {
                    feed.next_in_lap();
                }
            }
            feed.start_lap();
            let mut owed: HashSet<usize> = feed.readers.iter().map(|reader| *reader as usize).collect();
            let mut next = 100;
            while let Some(visited) = feed.next_in_lap() {
                owed.remove(&visited);
                if random.bool() {
                    feed.add(next);
                    next += 1;
                }
                if random.bool() {
                    let place = random.usize(..feed.readers.len());
                    owed.remove(&(feed.readers[place] as usize));
                    if let Some(moved) = feed.remove(place) {
                        owed.remove(&moved);
                    }
                }
                if feed.is_empty() || next > 120 {
                    break;
                }
            }
            assert!(next > 120 || owed.is_empty(), "seed {seed}: {owed:?} were passed over");
        }
    }
}
