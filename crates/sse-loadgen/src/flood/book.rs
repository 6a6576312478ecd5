//! What all readers of a flood have in common: the track, the decoders, and what adds up.

use std::ops::Range;

use super::track::Track;
use crate::engine::raw::decoders::Decoders;
use crate::latency::Latency;

/// Events that were planned within so many ns are timed as one, by the first of them: no latency comes out shorter than it
/// was, and none longer by more than this.
pub(super) const GRAIN: u64 = 50_000;
/// Larger events than any server takes. A stream with a larger one is given up.
pub(super) const MAX_EVENT: usize = 16 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Book {
    /// What tells our events from those of another run that the server may still have.
    pub(super) run: u32,
    /// The event by which a server says that some were missed.
    pub(super) gap_event: String,
    pub(super) track: Track,
    pub(super) decoders: Decoders,
    pub(super) counts: Counts,
    /// Of the measured events.
    pub(super) latency: Latency,
    /// When the first and the last delivery of a measured event were read.
    pub(super) read: Option<Range<u64>>,
    /// The first event that is measured.
    measured: u64,
}

/// What readers were given, over the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Events that a reader got whole, each once.
    pub(super) deliveries: u64,
    /// Second copies.
    pub(super) duplicated: u64,
    /// Of the deliveries: those that came behind a later event.
    pub(super) reordered: u64,
    /// Events whose stamp is not what it was.
    pub(super) damaged: u64,
    /// Events that are not of this run.
    pub(super) foreign: u64,
    /// Bytes off the sockets.
    pub(super) bytes: u64,
    /// Of the deliveries: those that had to be decoded.
    pub(super) decoded: u64,
}

impl Book {
    pub(super) fn new(run: u32, gap_event: &str) -> Self {
        Self {
            run,
            gap_event: gap_event.to_owned(),
            track: Track::new(),
            decoders: Decoders::new(MAX_EVENT),
            counts: Counts::default(),
            latency: Latency::new(),
            read: None,
            measured: u64::MAX,
        }
    }

    /// Measures from this event on.
    pub(super) fn measure(&mut self, first: u64) {
        self.measured = first;
    }

    /// These events of the track were read to their ends.
    pub(super) fn passed(&mut self, events: Range<u64>, now: u64) {
        let count = (events.end - events.start) as usize;
        self.counts.deliveries += count as u64;
        let all = &self.track.events(events.start)[..count];
        // Numbers ascend: almost always all are measured, or none.
        let mut rest = match all {
            [first, ..] if first.sequence >= self.measured => all,
            [.., last] if last.sequence < self.measured => return,
            _ => &all[all.partition_point(|laid| laid.sequence < self.measured)..],
        };
        while let Some(first) = rest.first() {
            let until = first.planned.saturating_add(GRAIN);
            let same = rest.iter().position(|laid| laid.planned > until).unwrap_or(rest.len());
            self.latency.record_nanos_n(now.saturating_sub(first.planned), same as u64);
            rest = &rest[same..];
        }
        if count > 0 {
            self.saw(now);
        }
    }

    /// An event was decoded.
    pub(super) fn decoded(&mut self, sequence: u64, planned: u64, now: u64) {
        self.counts.deliveries += 1;
        self.counts.decoded += 1;
        if sequence >= self.measured {
            self.latency.record_nanos(now.saturating_sub(planned));
            self.saw(now);
        }
    }

    fn saw(&mut self, now: u64) {
        self.read.get_or_insert(now..now).end = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planned_together_is_timed_together() {
        let mut book = Book::new(1, "");
        for (sequence, planned) in [(0, 0), (1, GRAIN), (2, GRAIN + 1), (3, 100 * GRAIN)] {
            book.track.offer(sequence, planned, b"x", 0);
        }
        book.passed(0..1, 101 * GRAIN);
        assert_eq!(book.latency.count(), 0, "nothing is measured yet");
        book.measure(1);
        book.passed(0..4, 101 * GRAIN);
        assert_eq!((book.latency.count(), book.counts.deliveries), (3, 5));
        let is = |percent, nanos: u64| {
            let took = book.latency.percentile(percent).unwrap().as_nanos() as u64;
            assert!(took.abs_diff(nanos) <= nanos / 100, "{took}");
        };
        is(1.0, GRAIN);
        is(100.0, 100 * GRAIN);
        assert_eq!(book.read, Some(101 * GRAIN..101 * GRAIN));
    }
}
