//! What a worker says of itself: how things are, a few times a second, and everything at the end.

use std::io::{self, Write};

use super::orders::{Reply, Settled, Tick};
use crate::account::Account;
use crate::account::{Published, Recorder};
use crate::host::Own;

/// Five times a second: often enough for a live line, and all workers tick at the same times.
pub const TICK: u64 = 200_000_000;

/// A worker's voice, and its watch on itself.
#[derive(Debug)]
pub struct Reporter {
    start: u64,
    ticks: u64,
    before: Own,
    /// When the worker's own use is to be read, and what it was: at the start and the end of the measured time.
    from: Option<(u64, Option<Own>)>,
    to: Option<(u64, Option<Own>)>,
}

impl Reporter {
    /// Ticks are counted from `start`.
    #[must_use]
    pub fn new(start: u64) -> Self {
        Self { start, ticks: 0, before: Own::here(), from: None, to: None }
    }

    /// The worker's own use is of interest between these times.
    pub fn measure(&mut self, from: u64, to: u64) {
        (self.from, self.to) = (Some((from, None)), Some((to, None)));
    }

    /// When [`turn`](Self::turn) has something to do.
    #[must_use]
    pub fn due(&self) -> u64 {
        let tick = self.start + (self.ticks + 1) * TICK;
        let marks = [self.from, self.to].into_iter().flatten().filter(|mark| mark.1.is_none());
        marks.map(|mark| mark.0).fold(tick, u64::min)
    }

    /// Says how things are, if it is time.
    ///
    /// # Errors
    ///
    /// Nobody listens any more.
    pub fn turn(&mut self, recorder: &mut Recorder, now: u64) -> io::Result<()> {
        for mark in [&mut self.from, &mut self.to].into_iter().flatten() {
            if mark.1.is_none() && now >= mark.0 {
                mark.1 = Some(Own::here());
            }
        }
        let ticks = now.saturating_sub(self.start) / TICK;
        if ticks == self.ticks {
            return Ok(());
        }
        self.ticks = ticks;
        let delivery = recorder.take_interval();
        let delivery = (delivery.count() > 0).then_some(delivery);
        reply(&Reply::Tick(Box::new(Tick { number: ticks, counts: recorder.record.counts, delivery })))
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
        published: &Published,
    ) -> io::Result<()> {
        recorder.settle(accounts, published);
        let now = Own::here();
        let from = self.from.and_then(|mark| mark.1).unwrap_or(self.before);
        // An interrupted run ends before its time.
        let to = self.to.and_then(|mark| mark.1).unwrap_or(now);
        let record = std::mem::take(&mut recorder.record);
        // Streams are still open, and are going to be closed.
        recorder.record.counts = record.counts;
        let settled = Settled {
            record,
            own: to.since(&from),
            memory_before: self.before.anon_bytes,
            memory: from.anon_bytes,
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
