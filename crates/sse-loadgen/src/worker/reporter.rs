//! What a worker says of itself: how things are, a few times a second, and everything at the end.

use std::io::{self, Write};

use super::orders::{Read, Reply, Settled, Tick};
use crate::account::{Accepted, Account, Recorder};
use crate::host::Own;
use crate::record::Counts;

/// Five times a second: often enough for a live line, and all workers tick at the same times.
const TICK: u64 = 200_000_000;
/// So many ticks are a window, for which there is a histogram: that is some work, for both sides.
const TICKS: u64 = 5;
/// The length of a window, in ns.
pub const WINDOW: u64 = TICKS * TICK;

/// A worker's voice, and its watch on itself.
#[derive(Debug)]
pub struct Reporter {
    start: u64,
    ticks: u64,
    before: Own,
    /// With all clients, before the first event.
    settled: Option<Own>,
    /// The start and the end of the measured time.
    from: Option<Mark>,
    to: Option<Mark>,
}

/// A time, and what the worker and its clients had come to then.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: u64,
    reached: Option<(Own, Counts)>,
}

impl Mark {
    fn due(self) -> Option<u64> {
        self.reached.is_none().then_some(self.at)
    }
}

impl Reporter {
    /// Ticks are counted from `start`.
    #[must_use]
    pub fn new(start: u64) -> Self {
        Self { start, ticks: 0, before: Own::here(), settled: None, from: None, to: None }
    }

    /// What happens between these times is of interest.
    ///
    /// # Errors
    ///
    /// Nobody listens any more.
    pub fn measure(&mut self, from: u64, to: u64) -> io::Result<()> {
        self.settled.get_or_insert_with(Own::here);
        [self.from, self.to] = [from, to].map(|at| Some(Mark { at, reached: None }));
        reply(&Reply::Measuring { from })
    }

    /// When [`turn`](Self::turn) has something to do.
    #[must_use]
    pub fn due(&self) -> u64 {
        let tick = self.start + (self.ticks + 1) * TICK;
        [self.from, self.to].into_iter().flatten().filter_map(Mark::due).fold(tick, u64::min)
    }

    /// Says how things are, if it is time.
    ///
    /// # Errors
    ///
    /// Nobody listens any more.
    pub fn turn(&mut self, recorder: &mut Recorder, now: u64) -> io::Result<()> {
        for mark in [&mut self.from, &mut self.to].into_iter().flatten() {
            if mark.due().is_some_and(|due| due <= now) {
                mark.reached = Some((Own::here(), recorder.record.counts));
            }
        }
        let ticks = now.saturating_sub(self.start) / TICK;
        if ticks == self.ticks {
            return Ok(());
        }
        let window = ticks / TICKS;
        let ended = (window > self.ticks / TICKS).then_some(window);
        self.ticks = ticks;
        let delivery = ended.and_then(|_| recorder.take_interval());
        let (counts, trouble) = (recorder.record.counts, recorder.record.trouble());
        reply(&Reply::Tick(Box::new(Tick { ended, counts, delivery, trouble })))
    }

    /// Settles all accounts, and says everything.
    ///
    /// # Errors
    ///
    /// Nobody listens any more.
    pub fn settle<'a>(
        &mut self,
        recorder: &mut Recorder,
        accounts: impl Iterator<Item = &'a mut Account>,
        published: &Accepted,
    ) -> io::Result<()> {
        let counts = recorder.record.counts;
        recorder.settle(accounts, published);
        let reached = |mark: Option<Mark>| mark.and_then(|mark| mark.reached);
        let from = reached(self.from).unwrap_or_else(|| (self.before, Counts::default()));
        // An interrupted run ends before its time.
        let to = reached(self.to).unwrap_or_else(|| (Own::here(), counts));
        let record = std::mem::take(&mut recorder.record);
        // Streams are still open, and are going to be closed.
        recorder.record.counts = record.counts;
        let settled = Settled {
            record,
            own: to.0.since(&from.0),
            read: Read {
                events: to.1.events.saturating_sub(from.1.events),
                reads: to.1.reads.saturating_sub(from.1.reads),
                bytes: to.1.bytes.saturating_sub(from.1.bytes),
            },
            memory_before: self.before.anon_bytes,
            memory: self.settled.and_then(|own| own.anon_bytes),
        };
        reply(&Reply::Settled(Box::new(settled)))
    }
}

/// Writes a line.
///
/// # Errors
///
/// Nobody listens any more.
pub fn reply(reply: &Reply) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, reply)?;
    out.write_all(b"\n")?;
    out.flush()
}
