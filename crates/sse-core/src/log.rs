//! The bounded run of frames that a topic retains.
//!
//! Frames lie one behind another in blocks of contiguous bytes, so a run of any number of them is one slice, which
//! whoever delivers it writes in one go. A block that is full is sealed: from then on a run is a reference into it.
//! Out of the open block at the tail a run is copied, once for everybody who stands at the same position (the caller
//! keeps it). Beside the bytes lies an index of 24 bytes a frame.
//!
//! A frame that is no longer retained stays behind as a number for a while, so that a subscriber who comes back for
//! it can be told how many it missed. As many are remembered as may be retained; of a log that has become empty, only the
//! last few, or a hundred thousand topics that were busy once would cost more than those that are.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;

use crate::frame::Frame;
use crate::id::EventId;

/// A block is sealed before it grows past this; a frame over half of it has a block to itself.
///
/// A sealed block lives as long as one of its frames is retained or still being written to somebody, so this is also
/// what a stalled reader can pin.
const BLOCK: usize = 32 * 1024;

/// How many frames an empty log remembers as numbers.
const FORGOTTEN_WHEN_EMPTY: usize = 64;

/// How much of its past a topic keeps. A frame is let go of when it exceeds any one of the three bounds, but the
/// newest frame always stays until its age ends it.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Frames at most.
    pub events: NonZeroUsize,
    /// Bytes of frames at most, as they are on the wire. Memory can exceed it by three blocks of 32 KiB, plus 40 bytes
    /// for each of `events`.
    pub bytes: usize,
    /// How old a frame may be; none is no bound.
    pub age: Option<Duration>,
}

impl Default for Retention {
    /// 4096 frames, 1 MiB, five minutes.
    fn default() -> Self {
        const EVENTS: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not zero");
        Self { events: EVENTS, bytes: 1024 * 1024, age: Some(Duration::from_secs(300)) }
    }
}

/// A run of frames, contiguous as bytes and in the order of their log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) bytes: Bytes,
    pub(crate) frames: u64,
    pub(crate) last: u64,
    pub(crate) published: Duration,
}

impl Run {
    /// The bytes, as they go to the wire.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes, for whoever owns what it writes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// How many frames it holds; at least one.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// When the first of its frames, which is the oldest, was published: so long after
    /// [`Broadcaster::started`](crate::Broadcaster::started). Whoever has written the run knows from that how long its
    /// events were under way at most.
    #[must_use]
    pub fn published(&self) -> Duration {
        self.published
    }
}

/// What a log retains, and what it takes to do so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Bytes of frames.
    pub(crate) bytes: u64,
    /// Bytes of memory: whole blocks, whether or not all of their frames are retained, room that is reserved, the index.
    pub(crate) held: u64,
}

/// A frame of a run that was taken to pieces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) sequence: u64,
    pub(crate) published: Duration,
    pub(crate) bytes: Bytes,
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    /// Where the frame ends, in bytes since the log began.
    end: u64,
    /// When it was appended, in nanoseconds of the broadcaster's time: five hundred years of them.
    at: u64,
}

#[derive(Debug)]
struct Block {
    start: u64,
    bytes: Bytes,
}

impl Block {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    sealed: VecDeque<Block>,
    tail: Vec<u8>,
    tail_start: u64,
    /// Where the oldest retained frame begins.
    start: u64,
    /// The highest sequence that is no longer retained; what is above it is all here.
    floor: u64,
    /// How many frames were ever let go of: the number, counted from one, of the last of them.
    trimmed: u64,
    /// The last of those, as far as they are remembered, in order.
    forgotten: VecDeque<u64>,
    /// The highest sequence that is not even remembered.
    unknown: u64,
}

impl Log {
    /// A log whose past up to `unknown`, if it ever had one, is lost.
    pub(crate) fn new(unknown: u64) -> Self {
        Self {
            entries: VecDeque::new(),
            sealed: VecDeque::new(),
            tail: Vec::new(),
            tail_start: 0,
            start: 0,
            floor: unknown,
            trimmed: 0,
            forgotten: VecDeque::new(),
            unknown,
        }
    }

    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    pub(crate) fn trimmed(&self) -> u64 {
        self.trimmed
    }

    /// How many frames were ever appended.
    pub(crate) fn total(&self) -> u64 {
        self.trimmed + self.entries.len() as u64
    }

    /// Whether a reader that accounted for the first `seen` frames has lost some: not knowing how many means that some
    /// of what lies behind is gone, and was not yet announced.
    pub(crate) fn is_gone(&self, seen: Option<u64>) -> bool {
        seen.is_none_or(|seen| seen < self.trimmed)
    }

    /// When the frame behind the first `seen` was published, or the oldest that is retained, if it is gone; none if
    /// there is none.
    pub(crate) fn published_behind(&self, seen: Option<u64>) -> Option<Duration> {
        let index = seen.map_or(0, |seen| seen.saturating_sub(self.trimmed));
        self.entries.get(index as usize).map(|entry| Duration::from_nanos(entry.at))
    }

    /// The sequence of a frame by its number, counted from one, of those that are retained; or the floor.
    pub(crate) fn sequence_of(&self, number: u64) -> u64 {
        let index = number.checked_sub(self.trimmed + 1);
        let entry = index.and_then(|index| self.entries.get(index as usize));
        entry.map_or(self.floor, |entry| entry.sequence)
    }

    /// The newest sequence that was ever appended, or the floor.
    pub(crate) fn head(&self) -> u64 {
        self.entries.back().map_or(self.floor, |entry| entry.sequence)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether nothing was ever appended.
    pub(crate) fn is_new(&self) -> bool {
        self.is_empty() && self.trimmed == 0
    }

    /// What is retained, in bytes of frames.
    pub(crate) fn bytes(&self) -> u64 {
        self.end() - self.start
    }

    /// What it retains, and what memory that takes.
    pub(crate) fn weight(&self) -> Weight {
        let sealed = self.tail_start - self.sealed.front().map_or(self.tail_start, |block| block.start);
        let index = self.entries.capacity() * size_of::<Entry>()
            + self.forgotten.capacity() * size_of::<u64>()
            + self.sealed.capacity() * size_of::<Block>();
        Weight { bytes: self.bytes(), held: sealed + (self.tail.capacity() + index) as u64 }
    }

    /// How much memory an [`append`](Self::append) of this frame takes at most, with the [`trim`](Self::trim) of one.
    pub(crate) fn growth(&self, frame: &Frame) -> u64 {
        let length = frame.max_len();
        let entries = if self.entries.len() == self.entries.capacity() { self.more_entries() } else { 0 };
        // The open one may have to be sealed before a large one.
        let blocks =
            if self.sealed.len() + 2 > self.sealed.capacity() { self.sealed.capacity().max(4) } else { 0 };
        let numbers =
            if self.forgotten.len() == self.forgotten.capacity() { self.forgotten.len().max(4) } else { 0 };
        let tail = self.tail.capacity();
        let bytes = match self.tail.len() + length {
            _ if length > BLOCK / 2 => length,
            needed if needed > BLOCK => BLOCK,
            needed if needed > tail => needed.max(2 * tail) - tail,
            _ => 0,
        };
        let index = entries * size_of::<Entry>() + numbers * size_of::<u64>() + blocks * size_of::<Block>();
        (bytes + index) as u64
    }

    /// How much memory everything but the newest frame takes.
    pub(crate) fn history(&self) -> u64 {
        let newest = match self.entries.len() {
            0 => 0,
            1 => self.bytes(),
            count => self.end() - self.entries[count - 2].end,
        };
        let least = newest
            + (size_of::<Entry>() + size_of::<Block>() + FORGOTTEN_WHEN_EMPTY * size_of::<u64>()) as u64;
        self.weight().held.saturating_sub(least)
    }

    /// By how many the index grows: by a quarter rather than to the double, since most logs stop growing at their
    /// bound.
    fn more_entries(&self) -> usize {
        (self.entries.len() / 4).max(4)
    }

    /// Appends a frame under an id above all others. Amortised constant time, and one copy of a small frame.
    pub(crate) fn append(&mut self, frame: Frame, id: &EventId, at: Duration) {
        debug_assert!(id.sequence > self.head(), "sequences only ever rise");
        if frame.max_len() > BLOCK / 2 {
            self.seal();
            let bytes = frame.into_bytes(id);
            let start = self.tail_start;
            self.tail_start += bytes.len() as u64;
            self.sealed.push_back(Block { start, bytes });
        } else {
            if self.tail.len() + frame.max_len() > BLOCK {
                self.seal();
                // A topic that has filled a block will most likely fill the next.
                self.tail.reserve_exact(BLOCK);
            }
            // Once, rather than for each part of the frame.
            self.tail.reserve(frame.max_len());
            frame.append_to(&mut self.tail, id);
        }
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(self.more_entries());
        }
        self.entries.push_back(Entry { sequence: id.sequence, end: self.end(), at: at.as_nanos() as u64 });
    }

    /// Lets go of what exceeds the bounds; answers whether anything did. Amortised constant time per frame.
    pub(crate) fn trim(&mut self, retention: &Retention, now: Duration) -> bool {
        let before = self.trimmed;
        while let Some(oldest) = self.entries.front() {
            let too_many =
                self.entries.len() > retention.events.get() || self.bytes() > retention.bytes as u64;
            let too_old =
                retention.age.is_some_and(|age| now.saturating_sub(Duration::from_nanos(oldest.at)) > age);
            let exceeds = too_old || (too_many && self.entries.len() > 1);
            if !exceeds {
                break;
            }
            self.let_go_of_oldest(retention.events.get());
        }
        if self.trimmed == before {
            return false;
        }
        self.drop_blocks();
        if self.entries.is_empty() {
            self.tail_start += self.tail.len() as u64;
            self.tail = Vec::new();
            self.entries = VecDeque::new();
            self.keep_forgotten(FORGOTTEN_WHEN_EMPTY);
            self.forgotten.shrink_to_fit();
        }
        true
    }

    /// Lets go of all frames at or below `cut` but the newest, and of memory that is kept for more; answers how many
    /// frames that were. Unlike a [`trim`](Self::trim), which leaves blocks as they are, it moves what remains of one to
    /// where it takes no more than it needs: that costs a copy of two blocks at most.
    pub(crate) fn shed(&mut self, cut: u64) -> u64 {
        let before = self.trimmed;
        let remember = self.entries.len().max(FORGOTTEN_WHEN_EMPTY);
        while self.entries.len() > 1 && self.entries[0].sequence <= cut {
            self.let_go_of_oldest(remember);
        }
        self.drop_blocks();
        self.shrink();
        self.trimmed - before
    }

    fn let_go_of_oldest(&mut self, remember: usize) {
        let Some(oldest) = self.entries.pop_front() else { return };
        self.floor = oldest.sequence;
        self.start = oldest.end;
        self.trimmed += 1;
        self.keep_forgotten(remember - 1);
        self.forgotten.push_back(oldest.sequence);
    }

    /// Drops blocks without a retained frame.
    fn drop_blocks(&mut self) {
        while self.sealed.front().is_some_and(|block| block.end() <= self.start) {
            self.sealed.pop_front();
        }
    }

    /// Gives back memory of which less than half is in use.
    fn shrink(&mut self) {
        if let Some(block) = self.sealed.front_mut() {
            let dead = (self.start - block.start) as usize;
            if dead > block.bytes.len() / 2 {
                *block = Block { start: self.start, bytes: Bytes::copy_from_slice(&block.bytes[dead..]) };
            }
        }
        let dead = self.start.saturating_sub(self.tail_start) as usize;
        if self.tail.capacity() > 2 * (self.tail.len() - dead) {
            self.tail.drain(..dead);
            self.tail.shrink_to_fit();
            self.tail_start += dead as u64;
        }
        self.keep_forgotten(self.entries.len().max(FORGOTTEN_WHEN_EMPTY));
        if self.forgotten.capacity() > 2 * self.forgotten.len() {
            self.forgotten.shrink_to_fit();
        }
        if self.entries.capacity() > 2 * self.entries.len() {
            self.entries.shrink_to_fit();
        }
        if self.sealed.capacity() > 2 * self.sealed.len() {
            self.sealed.shrink_to_fit();
        }
    }

    /// How many frames there ever were at or below `sequence`; none when that is no longer known. `O(log n)`.
    pub(crate) fn count_through(&self, sequence: u64) -> Option<u64> {
        if sequence >= self.floor {
            return Some(
                self.trimmed + self.entries.partition_point(|entry| entry.sequence <= sequence) as u64,
            );
        }
        if sequence < self.unknown {
            return None;
        }
        let above = self.forgotten.len() - self.forgotten.partition_point(|&forgotten| forgotten <= sequence);
        Some(self.trimmed - above as u64)
    }

    /// The frames above `after` and at or below `through`, as far as one block and `limit` bytes go, but at least
    /// one frame if there is any. `O(log n)`, and a copy of the run when it lies in the open block.
    pub(crate) fn read(&self, after: u64, through: u64, limit: usize) -> Option<Run> {
        let first = self.entries.partition_point(|entry| entry.sequence <= after);
        let start = if first == 0 { self.start } else { self.entries[first - 1].end };
        let (block_start, block) = self.block_at(start);
        let end_max = (block_start + block.len() as u64).min(start.saturating_add(limit as u64));
        let fitting = self.entries.partition_point(|entry| entry.sequence <= through && entry.end <= end_max);
        let next = fitting.max(first + 1);
        let last = self.entries.get(next - 1).filter(|entry| entry.sequence <= through)?;
        let range = (start - block_start) as usize..(last.end - block_start) as usize;
        let bytes = match block {
            BlockBytes::Sealed(bytes) => bytes.slice(range),
            BlockBytes::Open(bytes) => Bytes::copy_from_slice(&bytes[range]),
        };
        let published = Duration::from_nanos(self.entries[first].at);
        Some(Run { bytes, frames: (next - first) as u64, last: last.sequence, published })
    }

    /// The same frames one by one, appended to `into` under their sequences; answers how far that is complete:
    /// `through`, or the last frame that fitted.
    pub(crate) fn read_each(&self, after: u64, through: u64, limit: usize, into: &mut Vec<Piece>) -> u64 {
        let Some(run) = self.read(after, through, limit) else {
            return through;
        };
        let first = self.entries.partition_point(|entry| entry.sequence <= after);
        let mut start = if first == 0 { self.start } else { self.entries[first - 1].end };
        let base = start;
        for entry in self.entries.range(first..first + run.frames as usize) {
            let bytes = run.bytes.slice((start - base) as usize..(entry.end - base) as usize);
            into.push(Piece { sequence: entry.sequence, published: Duration::from_nanos(entry.at), bytes });
            start = entry.end;
        }
        let complete =
            self.entries.get(first + run.frames as usize).is_none_or(|next| next.sequence > through);
        if complete { through } else { run.last }
    }

    /// Remembers so many of the frames that it let go of, and no more.
    fn keep_forgotten(&mut self, most: usize) {
        while self.forgotten.len() > most {
            self.unknown = self.forgotten.pop_front().unwrap_or(self.unknown);
        }
    }

    fn end(&self) -> u64 {
        self.tail_start + self.tail.len() as u64
    }

    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let mut full = std::mem::take(&mut self.tail);
        // Of frames of a third of a block only two fit; the room of the third would be kept for nothing.
        full.shrink_to_fit();
        let bytes = Bytes::from(full);
        let start = self.tail_start;
        self.tail_start += bytes.len() as u64;
        self.sealed.push_back(Block { start, bytes });
    }

    fn block_at(&self, position: u64) -> (u64, BlockBytes<'_>) {
        if position >= self.tail_start {
            return (self.tail_start, BlockBytes::Open(&self.tail));
        }
        let block = &self.sealed[self.sealed.partition_point(|block| block.end() <= position)];
        (block.start, BlockBytes::Sealed(&block.bytes))
    }
}

enum BlockBytes<'a> {
    Open(&'a [u8]),
    Sealed(&'a Bytes),
}

impl BlockBytes<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Open(bytes) => bytes.len(),
            Self::Sealed(bytes) => bytes.len(),
        }
    }
}

#[cfg(test)]
#[cfg(not(any(loom, shuttle)))]
#[path = "log_tests.rs"]
mod tests;
