//! Whatever is done to a broadcaster: every subscriber is given what a plain list says it is owed.
//!
//! Steps at random, checked one by one; `plain` is the list, `reader` what a subscriber may be given next.

#![allow(clippy::unwrap_used, reason = "a step that can not be taken fails the test")]

mod common;
mod plain;
mod reader;
mod steps;

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use common::*;
use plain::Plain;
use proptest::prelude::*;
use proptest::sample::Index;
use reader::{Given, Place, Reader};
use sse_core::{
    Broadcaster, Config, Event, EventId, Frame, LagRule, LagRules, Position, PublishError, Segment,
    SegmentConfig, Turn, UnknownTopic,
};
use steps::{At, Step};

const SEGMENTS: usize = 2;

/// A segment, and what its own task knows of it.
struct Slice {
    segment: Segment,
    wakes: Arc<Wakes>,
    waker: Waker,
    /// Whether the task waits for a wake.
    parked: bool,
    /// Whether it has to be woken before it is settled again, and whether it may be.
    news: bool,
    nudged: bool,
}

struct Model {
    broadcaster: Broadcaster,
    plain: Plain,
    slices: Vec<Slice>,
    readers: Vec<Reader>,
    /// To readers that have left.
    given: Given,
}

impl Model {
    fn new(config: Config, segment_config: &SegmentConfig, rules: [LagRule; 2]) -> Self {
        let broadcaster = Broadcaster::new(config.clone());
        let epoch = broadcaster.epoch();
        let lag = LagRules::each(move |topic| rules[usize::from(topic.as_str() > "b")]);
        let segment_config = SegmentConfig { lag, ..segment_config.clone() };
        let slice = || {
            let (wakes, waker) = counting_waker();
            let segment = Segment::new(&broadcaster, segment_config.clone());
            Slice { segment, wakes, waker, parked: false, news: true, nudged: false }
        };
        let slices = (0..SEGMENTS).map(|_| slice()).collect();
        Self {
            slices,
            broadcaster,
            plain: Plain::new(config, rules, epoch),
            given: Given::default(),
            readers: Vec::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Publish { name, size } => self.publish(name, size),
            Step::End { name } => self.end(name),
            Step::Subscribe { segment, names, at } => self.subscribe(segment, &names, at),
            Step::Poll { reader, deliveries, new_waker } => self.poll(reader, deliveries, new_waker),
            Step::Drain { reader } => self.poll(reader, usize::MAX, false),
            Step::Drop { reader } => drop(self.remove(reader)),
            Step::Resume { reader, exactly } => self.resume(reader, exactly),
            Step::Turn { segment } => drop(self.turn(segment)),
            Step::Settle { segment } => self.settle(segment),
            Step::Pass { time } => advance(time),
            Step::Expire => assert_eq!(expire(&self.broadcaster), self.plain.expire()),
            Step::Close { window } => self.close(window),
        }
        self.check();
    }

    fn publish(&mut self, name: &'static str, size: usize) {
        let life = self.plain.find_or_create(name);
        let data = format!("{}{}", self.plain.published, "x".repeat(size));
        let event = Event::message(&data);
        let id = self.broadcaster.publish(&topic(name), &event);
        let epoch = self.broadcaster.epoch();
        let framed =
            |sequence| Frame::encode(&event).to_bytes(Some(&EventId { epoch, sequence })).len() as u64;
        let refused = if self.plain.closed { PublishError::Closed } else { PublishError::Ended };
        let expected = self.plain.publish(life, data.clone(), framed);
        assert_eq!(id, expected.map(|sequence| EventId { epoch, sequence }).ok_or(refused));
        if id.is_ok() {
            self.tell(life);
        }
    }

    fn end(&mut self, name: &'static str) {
        let Some(life) = self.plain.find(name) else {
            assert_eq!(self.broadcaster.end(&topic(name)), Err(UnknownTopic));
            return;
        };
        let was_live = !self.plain.lives[life].ended;
        assert_eq!(self.broadcaster.end(&topic(name)), Ok(was_live));
        if was_live {
            self.plain.lives[life].ended = true;
            self.plain.lives[life].used = clock();
            self.tell(life);
        }
    }

    /// The segments with a reader of a topic have something to do.
    fn tell(&mut self, life: usize) {
        for reader in self.readers.iter().filter(|reader| reader.reads(life)) {
            self.slices[reader.segment].news = true;
        }
    }

    fn close(&mut self, window: Duration) {
        self.broadcaster.close_over(window);
        if self.plain.close(window) {
            self.slices.iter_mut().for_each(|slice| slice.news = true);
        }
    }

    fn subscribe(&mut self, segment: usize, names: &[&'static str], at: At) {
        let here = self.broadcaster.position();
        let position = match at {
            At::After(index) => {
                Position::After(EventId { sequence: index.index(here.sequence as usize + 1) as u64, ..here })
            }
            At::Earliest => Position::Earliest,
            At::Foreign => Position::After(foreign(here.sequence)),
            At::Future => Position::After(EventId { sequence: here.sequence + 1, ..here }),
            At::Now => Position::Now,
            At::Unknown => Position::Unknown,
        };
        self.subscribe_at(segment, names, position);
    }

    fn subscribe_at(&mut self, segment: usize, names: &[&'static str], position: Position) {
        let lives = names.iter().map(|name| self.plain.find_or_create(name)).collect();
        let slice = &mut self.slices[segment];
        slice.nudged |= slice.segment.is_empty();
        let names: Vec<_> = names.iter().map(|name| topic(name)).collect();
        let at_end = self.broadcaster.is_at_end(&names, position);
        let subscription = slice.segment.subscribe(names, position).unwrap();
        assert_eq!(subscription.is_at_end(), at_end, "one need not subscribe to know");
        self.readers.push(Reader::new(subscription, segment, lives, position, &mut self.plain));
    }

    fn poll(&mut self, reader: Index, deliveries: usize, new_waker: bool) {
        if self.readers.is_empty() {
            return;
        }
        let reader = reader.get_mut(&mut self.readers);
        if new_waker {
            reader.renew_waker();
        }
        // Of what came after its last turn the segment need not know yet.
        let settled = !self.slices[reader.segment].news;
        for _ in 0..deliveries {
            if !reader.poll(&self.plain, settled) {
                if settled {
                    reader.check_nothing_is_left(&self.plain);
                }
                return;
            }
        }
    }

    fn remove(&mut self, reader: Index) -> Option<Place> {
        if self.readers.is_empty() {
            return None;
        }
        let reader = self.readers.swap_remove(reader.index(self.readers.len()));
        self.given.add(reader.given);
        Some(reader.leave(&mut self.plain))
    }

    fn resume(&mut self, reader: Index, exactly: bool) {
        if let Some(place) = self.remove(reader) {
            let position = if exactly { Position::After(place.stood) } else { place.position };
            self.subscribe_at(place.segment, &place.names, position);
        }
    }

    fn turn(&mut self, segment: usize) -> Turn {
        let slice = &mut self.slices[segment];
        slice.parked = false;
        let turn = slice.segment.turn(clock());
        if turn != Turn::More {
            (slice.news, slice.nudged) = (false, false);
            for reader in self.readers.iter().filter(|reader| reader.segment == segment) {
                reader.check_wakes(&self.plain);
            }
        }
        turn
    }

    fn settle(&mut self, segment: usize) {
        while self.turn(segment) == Turn::More {}
        let slice = &mut self.slices[segment];
        slice.wakes.take();
        assert!(!is_marked(&slice.segment, &slice.waker), "nothing is left to do");
        slice.parked = true;
    }

    fn check(&self) {
        let stats = self.broadcaster.stats();
        assert_eq!(stats.published, self.plain.published);
        assert_eq!(stats.topics, self.plain.topics());
        assert_eq!(stats.subscribers, self.readers.len());
        assert_eq!(stats.retained_bytes, self.plain.retained_bytes());
        for slice in self.slices.iter().filter(|slice| slice.parked) {
            let wakes = slice.wakes.count();
            assert!(wakes <= 1, "I7: a segment that waits is woken once");
            assert!(wakes == 1 || !slice.news, "I6: a segment that waits is woken");
            assert!(wakes == 0 || slice.news || slice.nudged, "I7: a segment is not woken for nothing");
        }
    }

    /// Everybody comes for everything, and leaves.
    fn finish(mut self) {
        if self.plain.closed {
            self.close(Duration::ZERO);
        }
        (0..SEGMENTS).for_each(|segment| self.settle(segment));
        for mut reader in std::mem::take(&mut self.readers) {
            while reader.poll(&self.plain, true) {}
            assert!(!reader.is_owed(&self.plain));
            self.given.add(reader.given);
            reader.leave(&mut self.plain);
        }
        (0..SEGMENTS).for_each(|segment| self.settle(segment));
        self.check();
        let stats = self.broadcaster.stats();
        assert_eq!(self.given, Given { events: stats.delivered, runs: stats.runs, gaps: stats.gaps });
        assert_eq!(stats.lagged, stats.gaps.total());
        assert!(self.slices.iter().all(|slice| slice.segment.is_empty()));
    }
}

proptest! {
    // A failure is made smaller for a minute or so, and not for hours.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(2000)
    })]

    #[test]
    fn every_subscriber_is_given_what_a_list_says(
        retention in steps::retention(),
        segment_config in steps::segment_config(),
        rules in [steps::lag_rule(), steps::lag_rule()],
        steps in prop::collection::vec(steps::step(), 1..80),
    ) {
        let config = Config { retention, forget_after: 2 * plain::AGE, clock, ..Config::default() };
        let mut model = Model::new(config, &segment_config, rules);
        for step in steps {
            model.take(step);
        }
        model.finish();
    }
}
