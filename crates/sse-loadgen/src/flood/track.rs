//! The topic's events as wire bytes, one behind the other, in the order of their numbers: what every stream is compared
//! with.
//!
//! Whoever is furthest lays it, event by event, out of what it has decoded; everybody else only has to have the same
//! bytes. So it begins empty, and nobody has to be waited for. It knows no streams.

/// So long, in ns, nobody brought the next event although there are later ones: then the track goes on without it. Long
/// enough for everybody to have been read once. If somebody has it after all, it is decoded; waiting longer would have
/// everybody decode all that follows.
const PATIENCE: u64 = 20_000_000;
/// So many more bytes are laid until what everybody has read is forgotten: seldom enough to look at everybody.
const MUCH: u64 = 32 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Track {
    bytes: Vec<u8>,
    /// Places are counted from the beginning of the topic: so many bytes, and events, are no longer kept.
    gone: Place,
    /// The number behind those events.
    first: u64,
    events: Vec<Laid>,
    /// When the last event was laid, or the first one was missed.
    grew: Option<u64>,
    next: u64,
    /// How far it goes when there is next something to be forgotten.
    look: u64,
}

/// An event of the track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Laid {
    pub(super) sequence: u64,
    pub(super) planned: u64,
    /// Where it is complete: CR ends its last line, whether or not LF follows.
    pub(super) complete: u64,
    /// Where its bytes end.
    pub(super) end: u64,
}

/// How far somebody has come: so many bytes are the same, and this event is the first that does not end in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: u64,
    pub(super) event: u64,
}

impl Track {
    pub(super) fn new() -> Self {
        Self {
            // Not used before it is written. To grow, it would have to move in the middle of the run.
            bytes: Vec::with_capacity(3 * MUCH as usize),
            gone: Place::default(),
            first: 0,
            events: Vec::new(),
            grew: None,
            next: 0,
            look: MUCH,
        }
    }

    /// Lays the next event. One that is not the next is not laid, unless the next is missed for too long.
    pub(super) fn offer(&mut self, sequence: u64, planned: u64, frame: &[u8], now: u64) {
        let since = *self.grew.get_or_insert(now);
        let is_overdue = now.saturating_sub(since) > PATIENCE;
        if sequence < self.next || sequence > self.next && !is_overdue {
            return;
        }
        self.bytes.extend_from_slice(frame);
        let end = self.gone.at + self.bytes.len() as u64;
        let complete = end - u64::from(frame.ends_with(b"\r\n"));
        self.events.push(Laid { sequence, planned, complete, end });
        (self.next, self.grew) = (sequence + 1, Some(now));
    }

    /// Where a stream is that had all below this number, and is to get it. None if it is not there any more, or not yet.
    pub(super) fn place(&self, sequence: u64) -> Option<Place> {
        if sequence < self.first || sequence > self.next {
            return None;
        }
        let index = self.events.partition_point(|laid| laid.sequence < sequence);
        let event = self.gone.event + index as u64;
        Some(Place { at: self.start(event), event })
    }

    /// The bytes from a place on.
    pub(super) fn after(&self, at: u64) -> &[u8] {
        &self.bytes[(at - self.gone.at) as usize..]
    }

    /// The events from this one on.
    pub(super) fn events(&self, first: u64) -> &[Laid] {
        &self.events[(first - self.gone.event) as usize..]
    }

    /// What of an event's bytes lies before a place in it.
    pub(super) fn begun(&self, place: Place) -> &[u8] {
        let from = self.start(place.event);
        &self.after(from)[..(place.at - from) as usize]
    }

    /// Whether it is worth forgetting something.
    pub(super) fn is_long(&self) -> bool {
        self.end().at > self.look
    }

    /// Forgets the events before this one, which nobody is at any more.
    pub(super) fn forget(&mut self, event: u64) {
        self.look = self.end().at + MUCH;
        let at = self.start(event);
        self.bytes.drain(..(at - self.gone.at) as usize);
        let mut events = self.events.drain(..(event - self.gone.event) as usize);
        if let Some(last) = events.next_back() {
            self.first = last.sequence + 1;
        }
        self.gone = Place { at, event };
    }

    /// The place behind the last event.
    pub(super) fn end(&self) -> Place {
        let event = self.gone.event + self.events.len() as u64;
        Place { at: self.start(event), event }
    }

    fn start(&self, event: u64) -> u64 {
        let index = (event - self.gone.event) as usize;
        index.checked_sub(1).map_or(self.gone.at, |before| self.events[before].end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(sequences: &[u64]) -> Track {
        let mut track = Track::new();
        sequences.iter().for_each(|&sequence| track.offer(sequence, sequence, b"frame", 0));
        track
    }

    #[test]
    fn only_the_next_is_laid() {
        let track = laid(&[0, 2, 0, 1, 1]);
        assert_eq!(track.after(0), b"frameframe");
        assert_eq!(track.place(1), Some(Place { at: 5, event: 1 }));
        assert_eq!(track.place(2), Some(track.end()));
        assert_eq!(track.place(3), None);
    }

    #[test]
    fn what_nobody_brings_is_passed_over_in_the_end() {
        let mut track = laid(&[0]);
        track.offer(2, 2, b"later", PATIENCE);
        assert_eq!(track.end().event, 1);
        track.offer(2, 2, b"later", PATIENCE + 1);
        assert_eq!(track.place(1), track.place(2));
        assert_eq!(track.after(5), b"later");
    }

    #[test]
    fn what_is_forgotten_leaves_places_as_they_were() {
        let mut track = Track::new();
        let frame = vec![b'x'; 1 << 20];
        (0..80).for_each(|sequence| track.offer(sequence, 0, &frame, 0));
        let place = track.place(50);
        assert!(track.is_long());
        track.forget(40);
        assert!(!track.is_long(), "that was all that can be done for now");
        assert_eq!((track.place(50), track.place(39)), (place, None));
        assert_eq!(track.begun(Place { at: (50 << 20) + 7, event: 50 }).len(), 7);
        assert_eq!(track.events(79), [Laid { sequence: 79, planned: 0, complete: 80 << 20, end: 80 << 20 }]);
        track.forget(80);
        assert_eq!(track.place(80), Some(track.end()), "the next one is still to come");
    }
}
