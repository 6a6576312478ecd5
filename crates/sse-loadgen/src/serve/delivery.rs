//! Brings a subscriber what its topic has and it has not: in one write, and whole, unless there are to be faults.

use std::time::Instant;

use super::config::ServeConfig;
use super::connection::{Connection, Gone, State, Stream};
use super::counts::Counts;
use super::faults::{Dice, Fate};
use super::frame::Frame;
use super::timers::{Due, Timers};
use super::topic::{RUN, Run, Topic};

/// Bytes that may wait for a slow subscriber when a delayed event is put behind them.
const MAX_LATE: usize = 1 << 20;

/// What deliveries have in common.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) counts: Counts,
    run: Run,
    /// None if nothing goes wrong: then all subscribers are sent the same bytes, and nothing is decided.
    dice: Option<Dice>,
    /// What one subscriber is sent, if things go wrong.
    own: Vec<u8>,
}

impl Delivery {
    pub(super) fn new(config: &ServeConfig) -> Self {
        let dice = config.faults.any().then(|| Dice::new(config.faults));
        Self { counts: Counts::default(), run: Run::default(), dice, own: Vec::new() }
    }

    /// Brings a subscriber up to date, or as far as its socket takes; called again when it takes more, and when there is
    /// more.
    pub(super) fn serve(
        &mut self,
        key: usize,
        connection: &mut Connection,
        topic: &Topic,
        timers: &mut Timers,
        now: Instant,
    ) -> Result<(), Gone> {
        let State::Stream(stream) = &mut connection.state else { return Ok(()) };
        if topic.is_gone(stream.next) {
            return Err(Gone::Behind);
        }
        while connection.out.waiting() == 0 && stream.next < topic.next() {
            if let Some(dice) = &mut self.dice {
                let mut fates = Fates { dice, counts: &mut self.counts, out: &mut self.own };
                fates.out.clear();
                while stream.next < topic.next() && fates.out.len() < RUN {
                    let frame = topic.frame(stream.next).ok_or(Gone::Behind)?;
                    if fates.deliver(stream, frame) == Fate::Delay {
                        let event = Due::Event { id: stream.next, frame: frame.clone() };
                        timers.add(now + fates.dice.delay_by(), key, connection.serial, event);
                    }
                    stream.next += 1;
                }
                if self.own.is_empty() {
                    continue;
                }
                connection.out.send(&self.own)?;
            } else {
                let (bytes, next) = self.run.take(stream.topic, topic, stream.next).ok_or(Gone::Behind)?;
                connection.out.send(bytes)?;
                self.counts.delivered += next - stream.next;
                stream.next = next;
            }
            connection.wrote = now;
        }
        Ok(())
    }

    /// Brings a subscriber an event whose delay is over. It does not wait for the socket, but for the bytes before it.
    pub(super) fn late(&mut self, connection: &mut Connection, id: u64, frame: &Frame) -> Result<(), Gone> {
        let State::Stream(stream) = &mut connection.state else {
            self.given_up();
            return Ok(());
        };
        if connection.out.waiting() > MAX_LATE {
            self.given_up();
            return Err(Gone::Behind);
        }
        self.counts.pending -= 1;
        self.counts.delivered += 1;
        self.counts.delayed += 1;
        self.counts.overtaken += u64::from(stream.newest > id);
        stream.newest = stream.newest.max(id);
        connection.out.send(frame.bytes())?;
        Ok(())
    }

    /// What was held back for a subscriber will never be sent.
    pub(super) fn given_up(&mut self) {
        self.counts.pending -= 1;
        self.counts.dropped += 1;
    }
}

/// Decides what a subscriber is sent of its events.
struct Fates<'a> {
    dice: &'a mut Dice,
    counts: &'a mut Counts,
    out: &'a mut Vec<u8>,
}

impl Fates<'_> {
    fn deliver(&mut self, stream: &mut Stream, frame: &Frame) -> Fate {
        let fate = self.dice.roll();
        match fate {
            Fate::Drop => self.counts.dropped += 1,
            Fate::Delay => self.counts.pending += 1,
            Fate::Reorder if stream.held.is_none() => {
                stream.held = Some(frame.clone());
                self.counts.pending += 1;
            }
            Fate::Corrupt if self.damaged(frame) => {}
            // Also what was to be held back behind one that is, or damaged and is too short for it.
            Fate::Whole | Fate::Duplicate | Fate::Reorder | Fate::Corrupt => {
                self.whole(frame);
                if fate == Fate::Duplicate {
                    self.out.extend_from_slice(frame.bytes());
                    self.counts.duplicated += 1;
                }
                stream.newest = stream.next;
                self.release(stream);
            }
        }
        fate
    }

    fn whole(&mut self, frame: &Frame) {
        self.out.extend_from_slice(frame.bytes());
        self.counts.delivered += 1;
    }

    /// Whether there was something to damage.
    fn damaged(&mut self, frame: &Frame) -> bool {
        let Some(damaged) = self.dice.damage(frame.bytes(), frame.data()) else { return false };
        self.out.extend_from_slice(&damaged);
        self.counts.delivered += 1;
        self.counts.corrupted += 1;
        true
    }

    /// Only behind an event that is whole: a reader cannot tell that a damaged one was a later one.
    fn release(&mut self, stream: &mut Stream) {
        if let Some(held) = stream.held.take() {
            self.whole(&held);
            self.counts.pending -= 1;
            self.counts.reordered += 1;
        }
    }
}
