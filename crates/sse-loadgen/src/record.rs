//! What one worker has seen, as it adds up: counts and distributions. Two records are added without loss.
//!
//! Nothing here knows what a connection is; [`account`](crate::account) decides what an event was, and enters it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::reconnect::Ending;
use crate::latency::Latency;
use crate::report::summary::Resumes;

mod fanout;
mod metric;

pub use self::fanout::{Fanout, Followed};
pub use self::metric::Metric;

/// Tenths of the clients by the order of connecting.
pub const DECILES: usize = 10;
/// How many clients with a fault are told of by name.
const EXAMPLES: usize = 8;

/// All that was seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// What is counted.
    pub counts: Counts,
    /// Attempts to connect that failed, by reason.
    pub errors: BTreeMap<String, u64>,
    /// Streams that ended, by how.
    pub closed: BTreeMap<String, u64>,
    /// What became of reconnects with `Last-Event-ID`.
    pub resumes: Resumes,
    /// A few clients with a fault, and which.
    pub examples: Vec<String>,
    /// Events that were followed through all clients.
    pub fanout: Fanout,
    /// By [`Metric`]; what nothing was recorded of takes no memory.
    latencies: Vec<Option<Box<Latency>>>,
    /// Delivery by tenths of the clients; empty until something was delivered.
    deciles: Vec<Latency>,
}

/// What is counted. All but the first two only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Clients that have a stream now.
    pub ready: u64,
    /// Attempts that are under way.
    pub connecting: u64,
    /// Clients that had a stream at some time.
    pub arrived: u64,
    /// Streams that were opened.
    pub opened: u64,
    /// Streams that were opened by a client that had one before.
    pub reconnects: u64,
    /// Clients that will not come back.
    pub stopped: u64,
    /// Clients that left as planned, at the end of their lifetime.
    pub left: u64,
    /// Requests for one answer that were begun, of those that were planned while it was measured; as the next three.
    pub asked: u64,
    /// Answers that were complete.
    pub completed: u64,
    /// Answers that were not.
    pub broken: u64,
    /// Requests that got no stream.
    pub unanswered: u64,
    /// Clients that left while it was measured.
    pub left_measured: u64,
    /// Streams that we cut, to see them come back.
    pub cut: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Reads that brought something.
    pub reads: u64,
    /// Events read, whatever they were.
    pub events: u64,
    /// Deliveries that were due, of all clients that are accounted for.
    pub expected: u64,
    /// Those of them that were due while it was measured.
    pub measured: u64,
    /// Events that came to a client for the first time.
    pub received: u64,
    /// Missing without a word.
    pub lost: u64,
    /// Missing as announced.
    pub announced: u64,
    /// Came again.
    pub duplicated: u64,
    /// Came after a later one.
    pub reordered: u64,
    /// Damaged.
    pub corrupted: u64,
    /// Later than allowed.
    pub late: u64,
    /// Not of this run, or not of this client's topic.
    pub foreign: u64,
    /// On the stream, but the engine's parser did not give them.
    pub unparsed: u64,
    /// Clients that had a fault.
    pub affected: u64,
}

impl Record {
    /// Records a time, in nanoseconds.
    pub fn time(&mut self, metric: Metric, nanos: u64) {
        self.times_of(metric).record_nanos(nanos);
    }

    /// Adds many times.
    pub fn times(&mut self, metric: Metric, times: &Latency) {
        self.times_of(metric).add(times);
    }

    fn times_of(&mut self, metric: Metric) -> &mut Latency {
        let index = metric as usize;
        if index >= self.latencies.len() {
            self.latencies.resize(index + 1, None);
        }
        self.latencies[index].get_or_insert_default()
    }

    /// What was recorded of a metric; none if nothing was.
    #[must_use]
    pub fn latency(&self, metric: Metric) -> Option<&Latency> {
        self.latencies.get(metric as usize)?.as_deref()
    }

    /// Every metric that something was recorded of.
    pub fn latencies(&self) -> impl Iterator<Item = (Metric, &Latency)> {
        Metric::ALL.iter().filter_map(|&metric| Some((metric, self.latency(metric)?)))
    }

    /// Records a delivery to a client of a tenth, from 0.
    pub fn delivered_to(&mut self, decile: usize, nanos: u64) {
        if self.deciles.is_empty() {
            self.deciles = vec![Latency::new(); DECILES];
        }
        self.deciles[decile].record_nanos(nanos);
    }

    /// Delivery by tenths of the clients, oldest first; empty if nothing was delivered.
    #[must_use]
    pub fn deciles(&self) -> &[Latency] {
        &self.deciles
    }

    /// What most attempts or streams have ended with, but for what we did ourselves.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let ours = [Ending::Left.name(), Ending::Severed.name()];
        let all = self.errors.iter().chain(&self.closed);
        let most = all
            .filter(|(reason, _)| !ours.iter().any(|ours| ours == *reason))
            .max_by_key(|(_, count)| **count);
        most.map(|(reason, _)| reason.clone())
    }

    /// Notes a client with a fault, if there are not enough of them.
    pub fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text());
        }
    }

    /// Adds what another worker has seen.
    pub fn add(&mut self, other: Self) {
        for (metric, latency) in other.latencies() {
            self.times(metric, latency);
        }
        self.counts.add(&other.counts);
        add_counts(&mut self.errors, other.errors);
        add_counts(&mut self.closed, other.closed);
        self.resumes.sent += other.resumes.sent;
        self.resumes.contiguous += other.resumes.contiguous;
        self.resumes.gap_announced += other.resumes.gap_announced;
        self.resumes.gap_silent += other.resumes.gap_silent;
        self.resumes.repeated += other.resumes.repeated;
        self.resumes.unsettled += other.resumes.unsettled;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
        self.fanout.add(other.fanout);
        if self.deciles.is_empty() {
            self.deciles = other.deciles;
        } else {
            self.deciles.iter_mut().zip(&other.deciles).for_each(|(ours, theirs)| ours.add(theirs));
        }
    }
}

impl Counts {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.ready += other.ready;
        self.connecting += other.connecting;
        self.arrived += other.arrived;
        self.opened += other.opened;
        self.reconnects += other.reconnects;
        self.stopped += other.stopped;
        self.left += other.left;
        self.asked += other.asked;
        self.completed += other.completed;
        self.broken += other.broken;
        self.unanswered += other.unanswered;
        self.left_measured += other.left_measured;
        self.cut += other.cut;
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.reads += other.reads;
        self.events += other.events;
        self.expected += other.expected;
        self.measured += other.measured;
        self.received += other.received;
        self.lost += other.lost;
        self.announced += other.announced;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.late += other.late;
        self.foreign += other.foreign;
        self.unparsed += other.unparsed;
        self.affected += other.affected;
    }
}

fn add_counts(ours: &mut BTreeMap<String, u64>, theirs: BTreeMap<String, u64>) {
    for (reason, count) in theirs {
        *ours.entry(reason).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lost: u64, millis: &[u64]) -> Record {
        let mut record = Record { counts: Counts { lost, ..Counts::default() }, ..Record::default() };
        for &millis in millis {
            record.time(Metric::Delivery, millis * 1_000_000);
            record.delivered_to((millis % 10) as usize, millis * 1_000_000);
        }
        *record.errors.entry("refused".to_owned()).or_default() += lost;
        record
    }

    #[test]
    fn records_add_up_after_they_have_travelled() {
        let mut all = seen(1, &[1, 2]);
        let travelled = serde_json::to_string(&seen(2, &[3, 12])).unwrap();
        all.add(serde_json::from_str(&travelled).unwrap());
        assert_eq!((all.counts.lost, all.errors["refused"]), (3, 3));
        assert_eq!(all.latency(Metric::Delivery).unwrap().count(), 4);
        assert!(all.latency(Metric::Gap).is_none());
        assert_eq!(all.deciles()[2].count(), 2);
    }
}
