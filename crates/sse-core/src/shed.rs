//! One bound for the memory of all logs together: when an event finds no room, the oldest history makes it.
//!
//! Sequences are global, so "oldest" is a number: everything at or below a cut goes, in whichever topic it is, but for
//! the newest event of each. The cut is found from where each log begins and ends and what it holds, as if its frames
//! lay evenly in between; logs that are not like that cost another round. An eighth of the budget goes at a time, or half
//! of it where there are many small logs, so going over all topics is paid for by many publishes, and one publisher does
//! it for all who wait.

use std::time::Duration;

use crate::broadcaster::{PublishError, Shared};
use crate::sync::Mutex;

/// What a topic costs besides its log: itself, its name, its place among the others.
pub(crate) const TOPIC: u64 = 640;

/// The part of the budget that is made free beyond what is needed.
const SPARE: u64 = 8;

/// How often the cut is moved if it freed less than it should have; the last time, to the end.
const ROUNDS: u32 = 4;

/// For how long nobody looks again who found nothing to let go of. Without it, each event that a full broadcaster
/// refuses would cost going over all topics.
const REST: Duration = Duration::from_millis(100);

/// And for how many times as long as the search took: with a million topics, that is a good part of a second.
const REST_PER_SEARCH: u32 = 10;

/// The bound, and who enforces it.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    shedding: Mutex<Option<Exhausted>>,
}

/// There was nothing to let go of for this much, until then.
#[derive(Clone, Copy, Debug)]
struct Exhausted {
    need: u64,
    until: Duration,
}

/// What a log has that is not its newest event: it lies between two sequences.
#[derive(Debug)]
struct History {
    floor: u64,
    head: u64,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, shedding: Mutex::new(None) }
    }

    /// Whether there is room for so much more.
    pub(crate) fn has_room(&self, held: u64, need: u64) -> bool {
        held.saturating_add(need) <= self.limit
    }
}

impl Shared {
    /// Makes room for so many bytes, if need be by letting go of the oldest events of all topics. The caller holds no
    /// lock. Others may take the room before it does.
    pub(crate) fn make_room(&self, budget: &Budget, need: u64) -> Result<(), PublishError> {
        let mut exhausted = budget.shedding.lock();
        if budget.has_room(self.counters.held(), need) {
            return Ok(());
        }
        // The topic of the event may be one of them, and will have to be made again.
        let need = if self.forget_blanks() { need + TOPIC } else { need };
        let now = self.now();
        if exhausted.is_some_and(|it| need >= it.need && now < it.until) {
            return Err(PublishError::Full);
        }
        for round in 1..=ROUNDS {
            let histories = self.histories();
            let possible = histories.iter().fold(0u64, |sum, history| sum.saturating_add(history.bytes));
            let excess = (self.counters.held() + need).saturating_sub(budget.limit);
            if possible < excess {
                break;
            }
            // Twice as much in each round: the blocks of many small logs only become smaller when half of what is in
            // them has gone.
            let spare = (budget.limit / SPARE) << (round - 1);
            let cut = if round == ROUNDS { u64::MAX } else { cut(&histories, excess + spare) };
            self.shed(cut);
            if budget.has_room(self.counters.held(), need) {
                *exhausted = None;
                return Ok(());
            }
        }
        *exhausted = Some(Exhausted { need, until: self.rest_since(now) });
        Err(PublishError::Full)
    }

    /// Forgets all topics that nobody ever published to and nobody reads; answers whether there was one. They are
    /// remembered only as a favour to readers who come back. The caller holds no lock.
    pub(crate) fn forget_blanks(&self) -> bool {
        let mut none_until = self.no_blanks_until.lock();
        let now = self.now();
        if now < *none_until {
            return false;
        }
        let forgotten = self.topics.retain_all(|topic| self.keep_unless_blank(topic)) > 0;
        if !forgotten {
            *none_until = self.rest_since(now);
        }
        forgotten
    }

    /// Until when to look no more, after a search since `began`.
    fn rest_since(&self, began: Duration) -> Duration {
        let now = self.now();
        now + REST.max(REST_PER_SEARCH * (now - began))
    }

    fn histories(&self) -> Vec<History> {
        let mut histories = Vec::new();
        self.topics.for_each(|topic| {
            let log = &topic.state.lock().log;
            let bytes = log.history();
            if bytes > 0 {
                histories.push(History { floor: log.floor(), head: log.head(), bytes });
            }
        });
        histories
    }

    /// Lets go of all events at or below a sequence, but the newest of each topic.
    fn shed(&self, cut: u64) {
        self.topics.for_each(|topic| {
            let mut state = topic.state.lock();
            let before = state.log.weight();
            let shed = state.log.shed(cut);
            self.counters.weighed(before, state.log.weight());
            self.counters.shed(shed);
        });
    }
}

/// The lowest sequence up to which there are so many bytes, if each log's lie evenly.
fn cut(histories: &[History], bytes: u64) -> u64 {
    let below = |cut: u64| {
        let of = |history: &History| {
            let span = history.head.saturating_sub(history.floor).max(1);
            let part = cut.saturating_sub(history.floor).min(span);
            (u128::from(history.bytes) * u128::from(part) / u128::from(span)) as u64
        };
        histories.iter().map(of).fold(0, u64::saturating_add)
    };
    let mut low = histories.iter().map(|history| history.floor).min().unwrap_or(0);
    let mut high = histories.iter().map(|history| history.head).max().unwrap_or(0);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle) >= bytes { high = middle } else { low = middle + 1 }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_where_all_logs_together_have_enough_below_it() {
        let history = |floor, head, bytes| History { floor, head, bytes };
        let histories = [history(0, 100, 1000), history(50, 150, 2000), history(1000, 1001, 5000)];
        assert_eq!(cut(&histories, 500), 50);
        assert_eq!(cut(&histories, 530), 51);
        assert_eq!(cut(&histories, 3000), 150);
        assert_eq!(cut(&histories, 3001), 1001);
        assert_eq!(cut(&histories, u64::MAX), 1001);
        assert_eq!(cut(&[], 1), 0);
    }
}
