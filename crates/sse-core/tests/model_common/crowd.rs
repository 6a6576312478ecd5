//! Readers with moods, for random schedules: they put off what they are owed or take it in parts, leave and come back
//! later, and become sinks that block.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use shuttle::Config;
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::mpsc::Sender;
use sse_core::{
    Broadcaster, Deliveries, EventId, Position, Progress, Segment, SegmentConfig, Sink, SubscriberKey, Turn,
};

use super::life::{Life, Step};
use super::{Reader, Seen, block_on, now, serving, thread};

/// Runs a scenario under both kinds of schedules: random at every step; and with few preemptions, but anywhere, so
/// that a thread may stand still for as long as others can run.
///
/// When it fails, shuttle prints the seed or the schedule. `SHUTTLE_RANDOM_SEED` runs a seed again, `shuttle::replay`
/// a schedule.
pub(crate) fn explore(schedules: usize, scenario: impl Fn() + Copy + Send + Sync + 'static) {
    run(RandomScheduler::new(schedules), scenario);
    run(PctScheduler::new(3, schedules), scenario);
}

fn run(scheduler: impl Scheduler + 'static, scenario: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    shuttle::Runner::new(scheduler, config).run(scenario);
}

/// The data of an event behind which no reader may be lost.
pub(crate) const LAST: &str = "last";

/// Runs a segment with so many readers, each of one of the sets of topics, until the broadcaster is closed; answers
/// their lives. Tells when all have come, and when all have been given the [`LAST`] event of each of their topics.
pub(crate) fn serve_crowd(
    broadcaster: &Broadcaster,
    readers: usize,
    sets: &[&'static [&'static str]],
    origin: EventId,
    tell: &Sender<()>,
) -> Vec<Life> {
    let random = &mut thread_rng();
    // A frame is about thirty bytes long.
    let config = SegmentConfig { run: random.gen_range(1..100), ..serving(random.gen_range(1..4)) };
    let segment = Segment::new(broadcaster, config);
    let mut members: Vec<Member> = (0..readers)
        .map(|_| {
            let topics = sets[thread_rng().gen_range(0..sets.len())];
            let position = if thread_rng().gen_bool(0.5) { Position::After(origin) } else { Position::Now };
            Member::new(broadcaster, &segment, topics, position)
        })
        .collect();
    tell.send(()).unwrap();
    let mut caught_up = false;
    let mut more = false;
    block_on(poll_fn(|cx| {
        loop {
            let busy = members.iter_mut().fold(false, |busy, member| member.run(&segment) | busy);
            if !caught_up && members.iter().all(|member| member.last == member.life.topics.len()) {
                caught_up = true;
                // Nobody listens unless there is such an event.
                let _ = tell.send(());
            }
            if members.iter().all(Member::is_done) {
                return Poll::Ready(());
            }
            if more || segment.poll_marked(cx).is_ready() {
                more = segment.turn(now()) == Turn::More;
            } else if busy {
                thread::yield_now();
            } else {
                return Poll::Pending;
            }
        }
    }));
    members.into_iter().map(|member| member.life).collect()
}

struct Member {
    broadcaster: Broadcaster,
    life: Life,
    place: Place,
    /// How many last events it was given.
    last: usize,
}

enum Place {
    Away(EventId),
    /// A task, and whether the broadcaster was closed already when it came.
    Task(Reader<Recorder>, bool),
    Sink(SubscriberKey, Rc<RefCell<Record>>),
    Done,
}

impl Member {
    fn new(
        broadcaster: &Broadcaster,
        segment: &Segment<Recorder>,
        topics: &'static [&'static str],
        position: Position,
    ) -> Self {
        let closed = broadcaster.is_closed();
        let reader = Reader::new(segment, topics, position);
        let start = reader.subscription.position().sequence;
        let life = Life { topics, start, steps: Vec::new() };
        Self { broadcaster: broadcaster.clone(), life, place: Place::Task(reader, closed), last: 0 }
    }

    fn is_done(&self) -> bool {
        matches!(self.place, Place::Done)
    }

    /// Answers whether it has something to do that nobody will wake it for.
    fn run(&mut self, segment: &Segment<Recorder>) -> bool {
        let mood = thread_rng().gen_range(0..12);
        let place = std::mem::replace(&mut self.place, Place::Done);
        self.place = match place {
            Place::Away(position) if mood < 4 => self.come_back(segment, position),
            Place::Sink(key, record) => self.look_after(segment, key, record, mood),
            Place::Task(reader, closed) if reader.wakes.count() > 0 => {
                self.act(segment, reader, closed, mood)
            }
            Place::Away(_) | Place::Task(..) | Place::Done => place,
        };
        match &self.place {
            Place::Away(_) => true,
            Place::Task(reader, _) => reader.wakes.count() > 0,
            Place::Sink(_, record) => record.borrow().blocked,
            Place::Done => false,
        }
    }

    fn come_back(&mut self, segment: &Segment<Recorder>, position: EventId) -> Place {
        let closed = self.broadcaster.is_closed();
        Place::Task(Reader::new(segment, self.life.topics, Position::After(position)), closed)
    }

    fn act(
        &mut self,
        segment: &Segment<Recorder>,
        mut reader: Reader<Recorder>,
        closed: bool,
        mood: u32,
    ) -> Place {
        match mood {
            0..4 => {}
            4..8 => drop(reader.step()),
            8 => return self.hand_over(reader),
            9 => {
                let position = self.leave(reader);
                return self.come_back(segment, position);
            }
            10 => return Place::Away(self.leave(reader)),
            _ => reader.run(),
        }
        let finished = reader.is_finished();
        self.record(reader.seen.drain(..));
        match self.life.steps.last() {
            Some(Step::Saw(Seen::Closed)) => Place::Done,
            // With the broadcaster closed, an ended topic has no other life before it.
            Some(Step::Saw(Seen::Ended)) if closed => {
                self.life.steps.push(Step::Saw(Seen::Closed));
                Place::Done
            }
            Some(Step::Saw(Seen::Ended)) if finished => Place::Away(self.leave(reader)),
            _ => Place::Task(reader, closed),
        }
    }

    fn record(&mut self, seen: impl Iterator<Item = Seen>) {
        for seen in seen {
            self.last += usize::from(matches!(&seen, Seen::Event { data, .. } if data == LAST));
            self.life.steps.push(Step::Saw(seen));
        }
    }

    fn leave(&mut self, reader: Reader<Recorder>) -> EventId {
        let position = reader.subscription.position();
        drop(reader);
        self.life.steps.push(Step::Resumed(position.sequence));
        position
    }

    fn hand_over(&mut self, reader: Reader<Recorder>) -> Place {
        let record = Rc::new(RefCell::new(Record::default()));
        let key = reader.subscription.hand_over(Recorder(Rc::clone(&record)));
        Place::Sink(key, record)
    }

    fn look_after(
        &mut self,
        segment: &Segment<Recorder>,
        key: SubscriberKey,
        record: Rc<RefCell<Record>>,
        mood: u32,
    ) -> Place {
        if record.borrow().blocked && mood < 4 {
            record.borrow_mut().blocked = false;
            segment.unblock(key);
        }
        self.record(record.borrow_mut().seen.drain(..));
        let finished = record.borrow().finished;
        if finished { Place::Done } else { Place::Sink(key, record) }
    }
}

#[derive(Debug, Default)]
struct Record {
    seen: Vec<Seen>,
    blocked: bool,
    finished: bool,
}

/// A sink that blocks and gives way as it pleases.
#[derive(Debug)]
struct Recorder(Rc<RefCell<Record>>);

impl Sink for Recorder {
    fn deliver(&mut self, deliveries: &mut Deliveries<'_, Self>) -> Progress {
        let mut record = self.0.borrow_mut();
        assert!(!record.blocked, "called although it is blocked");
        loop {
            match thread_rng().gen_range(0..8) {
                0 => {
                    record.blocked = true;
                    return Progress::Blocked;
                }
                1 => return Progress::More,
                _ => {}
            }
            let Some(delivery) = deliveries.next() else { return Progress::Ready };
            Seen::push_to(&delivery, &mut record.seen);
            if matches!(record.seen.last(), Some(Seen::Ended | Seen::Closed)) {
                record.finished = true;
                return Progress::Gone;
            }
        }
    }
}
