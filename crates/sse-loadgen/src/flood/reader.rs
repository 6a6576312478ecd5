//! One stream's bytes, and what they come to: compared with the track as long as they are the same, decoded where they
//! are not.
//!
//! Every event has a number and a checksum of its own, so who has the same bytes has the same events. A stream leaves the
//! track where it differs: at a heartbeat, at a fault, or because it is the first to have an event. It is decoded from the
//! beginning of that event on, and returns to the track behind it. Which of the two ways an event takes makes no difference
//! to any count.

use sse_core::{DecodeError, Decoder, Item};

use super::book::{Book, MAX_EVENT};
use super::owed::Owed;
use super::track::Place;

/// See the module. Takes no heap while it is on the track and misses nothing.
#[derive(Debug)]
pub(super) struct Reader {
    owed: Owed,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// The event of the track at this place is the next that is owed, or one behind it; or the last that came, but for the
    /// end of its last line.
    On(Place),
    Off(Box<Off>),
}

/// A stream that is decoded.
#[derive(Debug)]
struct Off {
    decoder: Box<Decoder>,
    /// What was read since the decoder was at rest: the beginning of an event.
    raw: Vec<u8>,
    /// That it is: an event may be over while the end of its last line is still to come.
    whole: bool,
}

impl Reader {
    /// At the beginning of a stream.
    pub(super) fn new() -> Self {
        let decoder = Box::new(Decoder::new(MAX_EVENT));
        Self { owed: Owed::all(), way: Way::Off(Box::new(Off::new(decoder))) }
    }

    /// Takes in what was read of the stream, however it is cut.
    ///
    /// # Errors
    ///
    /// An event is too large: the stream cannot be read any further.
    pub(super) fn read(&mut self, mut data: &[u8], now: u64, book: &mut Book) -> Result<(), DecodeError> {
        self.rejoin(book);
        while !data.is_empty() {
            match self.way {
                Way::On(place) => self.follow(place, &mut data, now, book),
                Way::Off(_) => self.decode(&mut data, now, book)?,
            }
        }
        Ok(())
    }

    pub(super) fn owed(&self) -> &Owed {
        &self.owed
    }

    /// Which event of the track it compares with next, if it does.
    pub(super) fn event(&self) -> Option<u64> {
        match self.way {
            Way::On(place) => Some(place.event),
            Way::Off(_) => None,
        }
    }

    /// Goes back to the track if what came of an event so far is there by now.
    fn rejoin(&mut self, book: &mut Book) {
        let Way::Off(off) = &self.way else { return };
        if off.raw.is_empty() || !off.whole {
            return;
        }
        let Some(Place { at, event }) = book.track.place(self.owed.ledger.next()) else { return };
        if book.track.after(at).starts_with(&off.raw) {
            self.way = Way::On(Place { at: at + off.raw.len() as u64, event });
        }
    }

    /// Goes along the track as far as the bytes are the same, and leaves it where they are not.
    fn follow(&mut self, mut place: Place, data: &mut &[u8], now: u64, book: &mut Book) {
        let same = common(data, book.track.after(place.at));
        place.at += same as u64;
        let events = book.track.events(place.event);
        // It was complete before, but for a line feed.
        let had = events.first().is_some_and(|laid| laid.sequence < self.owed.ledger.next());
        let (first, mut next) = (place.event + u64::from(had), place.event);
        for laid in events {
            if laid.complete > place.at {
                break;
            }
            if next >= first {
                self.owed.passed(laid);
            }
            next += 1;
            place.event += u64::from(laid.end <= place.at);
        }
        book.passed(first..next.max(first), now);
        *data = &data[same..];
        self.way = if data.is_empty() { Way::On(place) } else { Way::Off(Box::new(Off::at(place, book))) };
    }

    /// Decodes until the stream can go back to the track, or there is nothing left.
    fn decode(&mut self, data: &mut &[u8], now: u64, book: &mut Book) -> Result<(), DecodeError> {
        let Self { owed, way: Way::Off(off) } = self else { return Ok(()) };
        while !data.is_empty() {
            let before = *data;
            let item = off.decoder.next(data)?;
            let (is_item, is_event) = (item.is_some(), matches!(item, Some(Item::Event(_))));
            let newest = match item {
                Some(Item::Event(message)) => owed.decoded(&message, now, book),
                _ => None,
            };
            off.raw.extend_from_slice(&before[..before.len() - data.len()]);
            // The decoder has a bound for what it holds; fields that say nothing are not held.
            if off.raw.len() > 2 * MAX_EVENT {
                return Err(DecodeError::TooLong { limit: MAX_EVENT });
            }
            if !is_item {
                return Ok(());
            }
            off.end_line(data);
            if !off.decoder.is_at_rest() {
                if is_event {
                    off.raw.clear();
                    off.whole = false;
                }
                continue;
            }
            if let Some(stamp) = newest.filter(|_| off.whole) {
                book.track.offer(stamp.sequence, stamp.planned, &off.raw, now);
            }
            off.raw.clear();
            off.whole = true;
            let place = book.track.place(owed.ledger.next());
            if let Some(place) = place.filter(|place| data.is_empty() || *place != book.track.end()) {
                self.join(place, book);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes on the track; at rest.
    fn join(&mut self, place: Place, book: &mut Book) {
        if let Way::Off(off) = std::mem::replace(&mut self.way, Way::On(place)) {
            book.decoders.give(off.decoder);
        }
    }
}

impl Off {
    fn new(decoder: Box<Decoder>) -> Self {
        Self { decoder, raw: Vec::new(), whole: true }
    }

    /// As if all before this place had been decoded.
    fn at(place: Place, book: &mut Book) -> Self {
        let mut off = Self::new(book.decoders.take(""));
        off.raw.extend_from_slice(book.track.begun(place));
        let mut begun = book.track.begun(place);
        while let Ok(Some(item)) = off.decoder.next(&mut begun) {
            // It was entered already. Nothing else counts.
            if matches!(item, Item::Event(_)) {
                off.raw.clear();
                off.whole = false;
            }
        }
        off
    }

    /// A line that ended with CR may go on with LF, which is no line of its own.
    fn end_line(&mut self, data: &mut &[u8]) {
        if self.raw.last() != Some(&b'\r') || data.first() != Some(&b'\n') {
            return;
        }
        let (mut line_feed, rest) = data.split_at(1);
        let nothing = self.decoder.next(&mut line_feed);
        debug_assert!(matches!(nothing, Ok(None)), "it belongs to the line before");
        self.raw.push(b'\n');
        *data = rest;
    }
}

/// How many bytes two slices begin with that are the same.
fn common(one: &[u8], other: &[u8]) -> usize {
    /// Blocks are compared with wide instructions, and only the one that differs byte by byte.
    const BLOCK: usize = 256;
    let most = one.len().min(other.len());
    let (one, other) = (&one[..most], &other[..most]);
    if one == other {
        return most;
    }
    let blocks = one.chunks(BLOCK).zip(other.chunks(BLOCK));
    let start = blocks.take_while(|(one, other)| one == other).count() * BLOCK;
    start + one[start..].iter().zip(&other[start..]).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests;
