//! A subscriber of the model: holds each delivery against the list, and knows what is still owed.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use sse_core::{CatchUp, Delivery, EventId, Gaps, Lagged, Position, Reason, Run, Subscription};

use crate::common::{Seen, Wakes, counting_waker, decode, poll, seen};
use crate::plain::{Life, Plain};

pub(crate) struct Reader {
    pub(crate) segment: usize,
    pub(crate) given: Given,
    subscription: Subscription,
    members: Vec<Member>,
    /// What it has to be told first.
    notice: Option<(Option<EventId>, Reason)>,
    /// Where it stands: no event at or below this may come any more.
    place: u64,
    /// What a client would come back with.
    position: Position,
    finished: bool,
    wakes: Arc<Wakes>,
    waker: Waker,
    parked: bool,
}

/// One of a reader's topics.
struct Member {
    life: usize,
    /// Every event of the topic at or below this was given or announced.
    accounted: u64,
    /// Whether the topic knew how many events there were up to there when the reader came.
    counted: bool,
    /// The topic's newest event when the reader came: up to there it was never too slow.
    came: u64,
    /// Whether something behind that was gone when the reader came, and that has not yet been told.
    returning: bool,
    /// Where its last gap ended.
    told: u64,
}

impl Member {
    /// Whether it is behind by more than it may, in what was published since it came.
    fn lags(&self, plain: &Plain) -> bool {
        let behind = plain.lives[self.life].between(self.accounted.max(self.came), u64::MAX).len() as u64;
        self.counted && plain.rule(self.life).max_lag.is_some_and(|most| behind > most.get())
    }

    /// Behind which event it is told that it goes on, when it is told of a gap.
    fn goes_on(&self, plain: &Plain) -> u64 {
        let (life, rule) = (&plain.lives[self.life], plain.rule(self.life));
        match rule.catch_up {
            _ if self.returning => life.floor(),
            CatchUp::Newest => life.before_last(1),
            CatchUp::Retained => life.before_last(rule.max_lag.map_or(u64::MAX, NonZeroU64::get)),
        }
    }
}

/// Where a reader was that has left.
pub(crate) struct Place {
    pub(crate) segment: usize,
    pub(crate) names: Vec<&'static str>,
    /// Behind what it was given last, or where it began.
    pub(crate) position: Position,
    /// Where the subscription said that it stood.
    pub(crate) stood: EventId,
}

/// How much a reader was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) events: u64,
    pub(crate) runs: u64,
    pub(crate) gaps: Gaps,
}

impl Given {
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.runs += other.runs;
        self.gaps.expired += other.gaps.expired;
        self.gaps.restart += other.gaps.restart;
        self.gaps.slow += other.gaps.slow;
        self.gaps.unknown += other.gaps.unknown;
    }
}

impl Reader {
    pub(crate) fn new(
        subscription: Subscription,
        segment: usize,
        lives: Vec<usize>,
        position: Position,
        plain: &mut Plain,
    ) -> Self {
        let retaining =
            lives.iter().map(|life| &plain.lives[*life]).filter(|life| life.floor() < life.head());
        let floor = retaining.map(Life::floor).min().unwrap_or(plain.published);
        let (place, notice) = match position {
            Position::After(id) if id.epoch != plain.epoch => (floor, Some((Some(id), Reason::Restart))),
            Position::After(id) if id.sequence > plain.published => (floor, Some((None, Reason::Unknown))),
            Position::After(id) => (id.sequence, None),
            Position::Earliest => (floor, None),
            Position::Now => (plain.published, None),
            Position::Unknown => (floor, Some((None, Reason::Unknown))),
        };
        let member = |life: usize| {
            plain.lives[life].readers += 1;
            let topic = &plain.lives[life];
            let accounted = if position == Position::Earliest { topic.floor().max(place) } else { place };
            let counted = topic.counts(accounted, &plain.config);
            let returning = !counted || !topic.between(accounted, topic.floor()).is_empty();
            Member { life, accounted, counted, came: topic.head(), returning, told: 0 }
        };
        let members = lives.into_iter().map(member).collect();
        let (wakes, waker) = counting_waker();
        let reader = Self {
            segment,
            given: Given::default(),
            subscription,
            members,
            notice,
            place,
            position,
            finished: false,
            wakes,
            waker,
            parked: false,
        };
        let at_end = reader.has_ended(plain) && !reader.lacks_something(plain);
        assert_eq!(reader.subscription.is_at_end(), at_end);
        reader
    }

    /// Comes for a delivery; answers whether there was one. If the segment knows of all that was published, it knows
    /// who is too far behind.
    pub(crate) fn poll(&mut self, plain: &Plain, settled: bool) -> bool {
        if settled {
            self.check_lag(plain);
        }
        let polled = self.poll_once(plain, settled);
        let stands = self.subscription.position();
        assert!(stands.epoch == plain.epoch && stands.sequence >= self.place);
        if self.notice.is_none() {
            self.check_all_before(stands.sequence, plain);
        }
        polled
    }

    fn poll_once(&mut self, plain: &Plain, settled: bool) -> bool {
        self.parked = false;
        let delivery = match poll(&mut self.subscription, &self.waker) {
            Poll::Pending => {
                assert!(!self.finished, "I9: nobody waits after the end");
                self.wakes.take();
                self.parked = true;
                return false;
            }
            Poll::Ready(None) => {
                assert!(self.finished, "I9: the end is told");
                return false;
            }
            Poll::Ready(Some(delivery)) => delivery,
        };
        assert!(!self.finished, "I9: nothing follows the end");
        assert!(self.given.runs + self.given.gaps.total() < 10_000, "there is no end to it");
        match &delivery {
            Delivery::Frames(run) => {
                self.given.runs += 1;
                self.check_published(run, plain);
                for event in seen(&delivery) {
                    let Seen::Event(sequence, data) = event else { unreachable!("a run holds events") };
                    self.take_event(sequence, &data, plain, settled);
                }
            }
            Delivery::Lagged(lagged) => self.take_gap(lagged, plain),
            Delivery::Ended => assert!(self.has_ended(plain)),
            Delivery::Closed => assert!(plain.closed),
            Delivery::Heartbeat => panic!("heartbeats are off"),
        }
        if matches!(delivery, Delivery::Ended | Delivery::Closed) {
            assert!(!self.lacks_something(plain), "I9: the end comes last");
            self.finished = true;
        }
        true
    }

    fn take_event(&mut self, sequence: u64, data: &str, plain: &Plain, settled: bool) {
        assert_eq!(self.notice, None, "I4: the notice comes first");
        assert!(sequence > self.place, "I1, I3: {sequence} came behind {}", self.place);
        self.check_all_before(sequence - 1, plain);
        let of_topic =
            |member: &&mut Member| plain.lives[member.life].between(sequence - 1, sequence).len() == 1;
        let several = self.members.len() > 1;
        let member = self.members.iter_mut().find(of_topic).expect("an event is of one of its topics");
        assert!(sequence > member.accounted, "I3: what was announced as lost does not come");
        // One of many at a position may be given what another was, from before the newest event.
        assert!(!member.lags(plain) || !(several || settled), "who is too far behind is told first");
        assert_eq!(plain.lives[member.life].between(sequence - 1, sequence)[0].data, data);
        (member.accounted, member.returning) = (sequence, false);
        self.place = sequence;
        self.position = Position::After(EventId { sequence, epoch: plain.epoch });
        self.given.events += 1;
    }

    fn take_gap(&mut self, gap: &Lagged, plain: &Plain) {
        assert_eq!(gap.before.epoch, plain.epoch);
        match gap.reason {
            Reason::Expired => self.given.gaps.expired += 1,
            Reason::Restart => self.given.gaps.restart += 1,
            Reason::Slow => self.given.gaps.slow += 1,
            Reason::Unknown => self.given.gaps.unknown += 1,
            other => panic!("{other:?}"),
        }
        self.position = Position::After(gap.resume());
        if let Some((after, reason)) = self.notice.take() {
            let told = (gap.topic.as_ref(), gap.after, gap.missed, gap.reason);
            assert_eq!(told, (None, after, None, reason));
            assert_eq!((gap.before.sequence, gap.resume().sequence), (self.place + 1, self.place));
            return;
        }
        let Some(after) = gap.after.filter(|id| id.epoch == plain.epoch) else { panic!("{gap:?}") };
        assert!(after.sequence >= self.place, "I2: a gap has its place in the order");
        self.check_all_before(after.sequence, plain);
        let of_topic = |member: &&mut Member| {
            gap.topic.as_ref().is_none_or(|topic| topic.as_str() == plain.lives[member.life].name)
        };
        let several = self.members.len() > 1;
        assert_eq!(gap.topic.is_some(), several, "one of several topics is named");
        let member = self.members.iter_mut().find(of_topic).expect("a gap is in one of its topics");
        let life = &plain.lives[member.life];
        let floor = gap.before.sequence - 1;
        assert_eq!(floor, member.goes_on(plain), "I2: a gap ends where the reader goes on");
        assert!(after.sequence >= member.told, "I2: a gap does not begin before the last one ended");
        let gone = !life.between(member.accounted, life.floor()).is_empty();
        let lost = life.between(member.accounted, floor).len() as u64;
        assert!(lost > 0 || !member.counted, "I2: a gap holds something");
        assert_eq!(gap.missed, member.counted.then_some(lost), "I2: the count is exact");
        match gap.reason {
            Reason::Expired => assert!(member.returning),
            Reason::Slow => assert!(!member.returning && (member.lags(plain) || gone)),
            other => panic!("{other:?}"),
        }
        (member.accounted, member.counted, member.returning) = (floor, true, false);
        member.told = floor;
        // The other topics may have more in there: a resume begins before the gap, and may be told of it again.
        self.place = if several { after.sequence } else { floor };
        assert_eq!(gap.resume().sequence, self.place);
    }

    /// The run's time is its first event's.
    fn check_published(&self, run: &Run, plain: &Plain) {
        let first = decode(run.bytes()).swap_remove(0);
        let Seen::Event(sequence, _) = first else { unreachable!("a run holds events") };
        let mut events =
            self.members.iter().flat_map(|member| plain.lives[member.life].between(sequence - 1, sequence));
        assert_eq!(plain.started + run.published(), events.next().expect("it was published").at);
    }

    fn check_lag(&self, plain: &Plain) {
        let lag = self.subscription.lag();
        let of = |member: &Member| {
            let life = &plain.lives[member.life];
            let after = if member.counted { member.accounted } else { life.floor() };
            life.between(after, u64::MAX).len() as u64
        };
        assert_eq!(lag.events, self.members.iter().map(of).sum::<u64>());
        let retained = |member: &Member| {
            let life = &plain.lives[member.life];
            life.between(member.accounted.max(life.floor()), u64::MAX).first()
        };
        let oldest = self.members.iter().filter_map(retained).map(|event| event.at).min();
        assert_eq!(lag.age, oldest.map_or(Duration::ZERO, |at| plain.now() - at));
    }

    /// Everything at or below a place was given or announced, of whichever topic.
    fn check_all_before(&self, place: u64, plain: &Plain) {
        for member in &self.members {
            let left = plain.lives[member.life].between(member.accounted, place);
            assert!(left.is_empty(), "I1, I2: {left:?} should have come before {place}");
            assert!(member.counted || place <= member.accounted, "I2: {place} came before an uncounted gap");
        }
    }

    /// To be asked when it has come for everything, and its segment had nothing left to do.
    pub(crate) fn check_nothing_is_left(&self, plain: &Plain) {
        assert!(!self.is_owed(plain), "I6: it waits for what is there");
        let stands = self.subscription.position().sequence;
        assert!(self.members.iter().all(|member| member.accounted <= stands));
        assert_eq!(self.subscription.is_at_end(), self.has_ended(plain));
    }

    /// Whether there is something for it.
    pub(crate) fn is_owed(&self, plain: &Plain) -> bool {
        !self.finished && (self.lacks_something(plain) || self.has_ended(plain) || plain.over)
    }

    fn lacks_something(&self, plain: &Plain) -> bool {
        let behind = |member: &Member| !member.counted || plain.lives[member.life].head() > member.accounted;
        self.notice.is_some() || self.members.iter().any(behind)
    }

    fn has_ended(&self, plain: &Plain) -> bool {
        self.members.iter().all(|member| plain.lives[member.life].ended)
    }

    /// To be asked when the segment has nothing left to do.
    pub(crate) fn check_wakes(&self, plain: &Plain) {
        if !self.parked {
            return;
        }
        let wakes = self.wakes.count();
        let owed = self.is_owed(plain);
        assert!(wakes <= 1, "I7: whoever waits is woken once");
        assert!(wakes == 1 || !owed, "I6: whoever waits is woken if there is something");
        // Who was told of a gap ahead of its place has yet to find out that nothing else is there.
        let place = self.subscription.position().sequence;
        let ahead = |member: &Member| member.accounted > place;
        assert!(
            wakes == 0 || owed || plain.closed || self.members.iter().any(ahead),
            "I7: nobody is woken for nothing"
        );
    }

    pub(crate) fn renew_waker(&mut self) {
        (self.wakes, self.waker) = counting_waker();
        self.parked = false;
    }

    pub(crate) fn reads(&self, life: usize) -> bool {
        self.members.iter().any(|member| member.life == life)
    }

    /// Drops the subscription; answers what a client would come back with.
    pub(crate) fn leave(self, plain: &mut Plain) -> Place {
        for member in &self.members {
            plain.lives[member.life].readers -= 1;
            plain.lives[member.life].used = plain.now();
        }
        Place {
            segment: self.segment,
            names: self.members.iter().map(|member| plain.lives[member.life].name).collect(),
            position: self.position,
            stood: self.subscription.position(),
        }
    }
}
