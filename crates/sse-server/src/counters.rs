//! What the server counts, on all threads together.
//!
//! Every write to a socket is counted, so threads must not share a cache line for it: each adds to a part of its own,
//! and whoever wants to know adds up the parts. A count never goes back, and orders nothing.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

mod latency;

use self::latency::Latencies;
pub(crate) use self::latency::Latency;

/// Enough that threads of a usual machine have a part each.
const PARTS: usize = 32;

/// One thing that is counted: its metric, and the label that tells it from others of that metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Connections that were accepted.
    Accepted,
    /// Bytes read from clients, below TLS.
    Received,
    /// Bytes that the kernel took for clients, below TLS.
    Sent,
    /// Connections cut because the client took too little, for too long.
    EvictedStalled,
    /// Streams ended because their reader fell behind, where the policy is to disconnect.
    EvictedLagging,
    /// Streams that went on exactly where their reader had left.
    ResumedExact,
    /// Streams that began with a gap: what lay behind the position was no longer retained.
    ResumedExpired,
    /// Streams that began with a gap: the position was of another epoch.
    ResumedRestart,
    /// Streams that began with a gap: the position was none.
    ResumedUnknown,
    /// Subscribers told to come back: as many streams are open as may be.
    RejectedStreams,
    /// Subscribers told to come back: the server drains.
    RejectedDraining,
    /// Subscribers told to come back: their address has as many streams as it may have.
    RejectedAddress,
    /// Subscribers told to come back, and publishers refused: there are as many topics as there may be.
    RejectedTopics,
    /// Publishers refused: the memory for events is used up.
    RejectedMemory,
    /// Publishers refused: unfinished bodies take all the room that there is for them.
    RejectedBodies,
    /// Connections closed when they were accepted: their address has as many as it may have.
    RejectedConnection,
}

impl Count {
    pub(crate) const ALL: [Self; 16] = [
        Self::Accepted,
        Self::Received,
        Self::Sent,
        Self::EvictedStalled,
        Self::EvictedLagging,
        Self::ResumedExact,
        Self::ResumedExpired,
        Self::ResumedRestart,
        Self::ResumedUnknown,
        Self::RejectedStreams,
        Self::RejectedDraining,
        Self::RejectedAddress,
        Self::RejectedTopics,
        Self::RejectedMemory,
        Self::RejectedBodies,
        Self::RejectedConnection,
    ];

    /// How it is shown: the one table of it.
    pub(crate) fn metric(self) -> Metric {
        const EVICTIONS: Metric = Metric::new("sse_evictions_total", "Clients cut off, by reason.");
        const RESUMES: Metric =
            Metric::new("sse_resumes_total", "Streams that began at a position, by what was found there.");
        const REJECTIONS: Metric = Metric::new("sse_rejections_total", "Clients turned away, by reason.");

        match self {
            Self::Accepted => Metric::new("sse_connections_accepted_total", "Connections accepted."),
            Self::Received => Metric::new("sse_bytes_received_total", "Bytes read from clients."),
            Self::Sent => Metric::new("sse_bytes_sent_total", "Bytes that the kernel took for clients."),
            Self::EvictedStalled => EVICTIONS.with("reason", "stalled"),
            Self::EvictedLagging => EVICTIONS.with("reason", "lagging"),
            Self::ResumedExact => RESUMES.with("outcome", "exact"),
            Self::ResumedExpired => RESUMES.with("outcome", "expired"),
            Self::ResumedRestart => RESUMES.with("outcome", "restart"),
            Self::ResumedUnknown => RESUMES.with("outcome", "unknown"),
            Self::RejectedStreams => REJECTIONS.with("reason", "streams"),
            Self::RejectedDraining => REJECTIONS.with("reason", "draining"),
            Self::RejectedAddress => REJECTIONS.with("reason", "address"),
            Self::RejectedTopics => REJECTIONS.with("reason", "topics"),
            Self::RejectedMemory => REJECTIONS.with("reason", "memory"),
            Self::RejectedBodies => REJECTIONS.with("reason", "bodies"),
            Self::RejectedConnection => REJECTIONS.with("reason", "connection"),
        }
    }
}

/// How a [`Count`] is shown. Those of one name have one help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    /// With its value, where several counts share the name.
    pub(crate) label: Option<(&'static str, &'static str)>,
    pub(crate) help: &'static str,
}

impl Metric {
    const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, label: None, help }
    }

    const fn with(self, label: &'static str, value: &'static str) -> Self {
        Self { label: Some((label, value)), ..self }
    }
}

/// See the module. Shared by all workers of a server.
#[derive(Debug)]
pub(crate) struct Counters {
    parts: Box<[Part]>,
}

/// A thread's own, on cache lines that it shares with nobody; processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part {
    counts: [AtomicU64; Count::ALL.len()],
    publish_to_socket: Latencies,
}

impl Default for Counters {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Part::default()).collect() }
    }
}

impl Counters {
    /// Counts one.
    pub(crate) fn one(&self, what: Count) {
        self.add(what, 1);
    }

    pub(crate) fn add(&self, what: Count, n: u64) {
        self.here().counts[what as usize].fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, what: Count) -> u64 {
        self.parts.iter().map(|part| part.counts[what as usize].load(Ordering::Relaxed)).sum()
    }

    /// So long after it was published, an event, with all that was written before it on its connection, was the
    /// kernel's.
    pub(crate) fn written_after(&self, time: Duration) {
        self.here().publish_to_socket.record(time);
    }

    pub(crate) fn publish_to_socket(&self) -> Latency {
        let mut sum = Latency::default();
        self.parts.iter().for_each(|part| part.publish_to_socket.add_to(&mut sum));
        sum
    }

    fn here(&self) -> &Part {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PART: usize = THREADS.fetch_add(1, Ordering::Relaxed) % PARTS;
        }
        &self.parts[PART.with(|part| *part)]
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn all_threads_add_up() {
        let counters = Counters::default();
        thread::scope(|scope| {
            for n in 1..=PARTS as u64 + 8 {
                let counters = &counters;
                scope.spawn(move || counters.add(Count::Sent, n));
            }
        });
        counters.one(Count::Sent);
        assert_eq!(counters.count(Count::Sent), (1..=PARTS as u64 + 8).sum::<u64>() + 1);
        assert_eq!(counters.count(Count::Received), 0);
    }

    #[test]
    fn every_count_has_its_own_place_and_name() {
        for (place, what) in Count::ALL.into_iter().enumerate() {
            assert_eq!(what as usize, place);
            let same = Count::ALL.iter().filter(|other| other.metric() == what.metric()).count();
            assert_eq!(same, 1, "{what:?}");
        }
    }

    #[test]
    fn latencies_of_all_threads_add_up() {
        let counters = Counters::default();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| counters.written_after(Duration::from_millis(2)));
            }
        });
        counters.written_after(Duration::from_secs(100));
        let latency = counters.publish_to_socket();
        assert_eq!(latency.count(), 4);
        assert_eq!(latency.sum(), Duration::from_millis(100_006));
    }
}
