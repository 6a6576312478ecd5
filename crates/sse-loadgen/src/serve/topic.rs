//! A topic: the events that it retains, numbered from 1, and who reads it.
//!
//! A subscriber is a position in these events and owns none of them, so one that is slow costs nothing but its place.

use std::collections::VecDeque;

use super::frame::Frame;

/// What a run of several events comes to, in bytes, before it goes out; more follows in another. It is what a subscriber
/// that takes nothing costs.
pub(super) const RUN: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Topic {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// The id of the first frame.
    first: u64,
    /// The connections that read it.
    pub(super) readers: Vec<usize>,
    /// Something was published that they were not served yet.
    pub(super) fresh: bool,
}

/// How much a topic retains.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// With what is published from now on.
    Now,
    /// With all that is retained.
    Earliest,
    /// Behind the event of this id.
    After(u64),
    /// Behind an event that this server never published.
    Unknown,
}

/// The first event that a subscriber gets, and what it has to be told before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    At(u64),
    /// So many events are missing before it, if that can be said.
    Gap {
        next: u64,
        missed: Option<u64>,
    },
}

impl Topic {
    pub(super) fn new() -> Self {
        Self { frames: VecDeque::new(), bytes: 0, first: 1, readers: Vec::new(), fresh: false }
    }

    /// Adds an event and returns its id.
    pub(super) fn publish(&mut self, data: &str, retention: Retention) -> u64 {
        let id = self.next();
        let frame = Frame::encode(data, id);
        self.bytes += frame.bytes().len();
        self.frames.push_back(frame);
        while self.frames.len() > 1
            && (self.frames.len() > retention.events || self.bytes > retention.bytes)
            && let Some(oldest) = self.frames.pop_front()
        {
            self.bytes -= oldest.bytes().len();
            self.first += 1;
        }
        self.fresh = true;
        id
    }

    /// The id that the next event will get.
    pub(super) fn next(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    /// Whether the event of an id was let go of.
    pub(super) fn is_gone(&self, id: u64) -> bool {
        id < self.first
    }

    pub(super) fn begin(&self, start: Start) -> Begin {
        match start {
            Start::Now => Begin::At(self.next()),
            Start::Earliest => Begin::At(self.first),
            // A later event than any there is: the server was restarted since.
            Start::Unknown => Begin::Gap { next: self.first, missed: None },
            Start::After(id) if id >= self.next() => Begin::Gap { next: self.first, missed: None },
            Start::After(id) if id + 1 < self.first => {
                Begin::Gap { next: self.first, missed: Some(self.first - id - 1) }
            }
            Start::After(id) => Begin::At(id + 1),
        }
    }

    /// The event of an id, if it is still, or already, there.
    pub(super) fn frame(&self, id: u64) -> Option<&Frame> {
        self.frames.get(usize::try_from(id.checked_sub(self.first)?).ok()?)
    }
}

/// Events in a row, as one piece of bytes: made for the first subscriber that needs it, used by all that stand where it
/// stood.
#[derive(Debug, Default)]
pub(super) struct Run {
    topic: usize,
    from: u64,
    end: u64,
    bytes: Vec<u8>,
}

impl Run {
    /// The events from an id on, as many as go out in one piece, and the id behind them. None if the first is not there.
    pub(super) fn take<'a>(
        &'a mut self,
        index: usize,
        topic: &'a Topic,
        from: u64,
    ) -> Option<(&'a [u8], u64)> {
        let first = topic.frame(from)?;
        if from + 1 == topic.next() {
            return Some((first.bytes(), from + 1));
        }
        if (self.topic, self.from) != (index, from) || self.end == from {
            self.fill(index, topic, from);
        }
        Some((&self.bytes, self.end))
    }

    fn fill(&mut self, index: usize, topic: &Topic, from: u64) {
        self.bytes.clear();
        (self.topic, self.from, self.end) = (index, from, from);
        while let Some(frame) = topic.frame(self.end)
            && (self.end == from || self.bytes.len() + frame.bytes().len() <= RUN)
        {
            self.bytes.extend_from_slice(frame.bytes());
            self.end += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUCH: Retention = Retention { events: 1000, bytes: usize::MAX };

    #[test]
    fn it_retains_what_it_is_told_to() {
        let mut topic = Topic::new();
        let few = Retention { events: 3, bytes: usize::MAX };
        assert_eq!((1..=5).map(|_| topic.publish("x", few)).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert!(topic.frame(2).is_none() && topic.frame(3).is_some() && topic.frame(6).is_none());
        assert!(topic.is_gone(2) && !topic.is_gone(3) && !topic.is_gone(6));
        topic.publish("large", Retention { events: 3, bytes: 1 });
        assert!(topic.frame(5).is_none() && topic.frame(6).is_some(), "the newest stays");
        assert_eq!(topic.bytes, topic.frame(6).unwrap().bytes().len());
    }

    #[test]
    fn who_returns_goes_on_or_is_told_what_is_missing() {
        let mut topic = Topic::new();
        assert_eq!(topic.begin(Start::After(0)), Begin::At(1));
        (0..10).for_each(|_| _ = topic.publish("x", Retention { events: 4, bytes: usize::MAX }));
        assert_eq!(topic.begin(Start::Now), Begin::At(11));
        assert_eq!(topic.begin(Start::Earliest), Begin::At(7));
        assert_eq!(topic.begin(Start::After(10)), Begin::At(11));
        assert_eq!(topic.begin(Start::After(6)), Begin::At(7));
        assert_eq!(topic.begin(Start::After(5)), Begin::Gap { next: 7, missed: Some(1) });
        assert_eq!(topic.begin(Start::After(0)), Begin::Gap { next: 7, missed: Some(6) });
        for unknown in [Start::After(11), Start::After(u64::MAX), Start::Unknown] {
            assert_eq!(topic.begin(unknown), Begin::Gap { next: 7, missed: None });
        }
    }

    #[test]
    fn a_run_is_its_events_one_behind_the_other() {
        let (mut topic, mut run) = (Topic::new(), Run::default());
        (0..3).for_each(|_| _ = topic.publish("x", MUCH));
        let all: Vec<u8> = (1..=3).flat_map(|id| topic.frame(id).unwrap().bytes().to_vec()).collect();
        for _ in 0..2 {
            assert_eq!(run.take(0, &topic, 1), Some((&*all, 4)));
        }
        assert_eq!(run.take(0, &topic, 3), Some((topic.frame(3).unwrap().bytes(), 4)));
        assert_eq!(run.take(0, &topic, 4), None);
        let other = Topic::new();
        assert_eq!(run.take(1, &other, 1), None);
    }

    #[test]
    fn a_run_has_a_bound_unless_one_event_is_larger() {
        let (mut topic, mut run) = (Topic::new(), Run::default());
        topic.publish(&"x".repeat(2 * RUN), MUCH);
        (0..3).for_each(|_| _ = topic.publish(&"x".repeat(RUN / 2 - 100), MUCH));
        assert_eq!(run.take(0, &topic, 1).unwrap().1, 2);
        let (bytes, end) = run.take(0, &topic, 2).unwrap();
        assert!(bytes.len() <= RUN && end == 4);
    }
}
