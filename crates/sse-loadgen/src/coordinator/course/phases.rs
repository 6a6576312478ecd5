//! What each phase waits for.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Course, nanos};
use crate::clock;
use crate::coordinator::progress::Stage;
use crate::failure::Failure;
use crate::publisher::{Published, Publisher};
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::worker::Order;

/// The first event is planned so long, in ns, after workers were told of it, at first;
const LEAD: u64 = 200_000_000;
/// and at most, if they do not answer.
const LONGEST_LEAD: u64 = 10_000_000_000;

impl Course<'_> {
    /// Until all clients have a stream, or it is clear that some will not.
    pub(super) fn connect(&mut self) -> Result<(), Failure> {
        let load = self.load;
        let ramp = Duration::from_secs_f64(f64::from(load.clients) / load.ramp);
        // Twice the timeout: an attempt that fails is made again.
        let end = self.start + nanos(ramp) + 2 * nanos(load.connect_timeout);
        self.until(Stage::Connect, end, |counts| {
            let decided = counts.ready + counts.stopped;
            if decided >= u64::from(load.clients) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if self.interrupted {
            return Err(Failure::Interrupted);
        }
        if self.gone > 0 {
            return Err(Failure::Local("a worker", std::io::Error::other("has ended, see above")));
        }
        let counts = self.observed.counts();
        if counts.ready == 0 {
            let reason = self.trouble.values().next().map_or("no answer", String::as_str);
            let why = if counts.opened > 0 {
                format!("{} streams were opened, and each was over at once: {reason}", counts.opened)
            } else {
                format!("no stream was opened, {} attempts failed: {reason}", counts.failed)
            };
            return Err(Failure::Target(why));
        }
        Ok(())
    }

    /// Tells all workers what is published and measured, from this time on.
    pub(super) fn announce(&mut self, schedule: Option<Schedule>, begin: u64) {
        let from = begin + nanos(self.load.warmup);
        let to = from + nanos(self.load.duration);
        self.measured = (from, to);
        self.know.clear();
        self.crew.tell(&Order::Measure { schedule, from, to });
        let split = Scenario::restrained_from(from, to);
        self.observed.measure(from - self.start, to - self.start, split - self.start);
    }

    /// Agrees with all workers on what is published, and when. Only then may anything be: what a worker reads before it
    /// knows is nobody's, and would be missed later.
    pub(super) fn agree(&mut self, run: u32) -> Result<Option<Schedule>, Failure> {
        let load = self.load;
        if load.scenario.is_request() {
            return Ok(None);
        }
        let mut lead = LEAD;
        loop {
            let begin = clock::now() + lead;
            let schedule =
                load.publish.as_ref().map(|(_, rate)| Schedule::new(run, begin, load.topics, *rate));
            let schedule = schedule.transpose().map_err(|error| Failure::Usage(error.to_string()))?;
            self.announce(schedule, begin);
            self.wait(Duration::from_nanos(lead / 2), |course| {
                course.know.len() + course.gone >= course.crew.len() || course.interrupted
            });
            if self.interrupted {
                return Err(Failure::Interrupted);
            }
            if self.know.len() + self.gone >= self.crew.len() {
                return Ok(schedule);
            }
            if lead > LONGEST_LEAD {
                let late = std::io::Error::other("did not answer for 10 s: this machine is too busy");
                return Err(Failure::Local("a worker", late));
            }
            lead *= 2;
        }
    }

    pub(super) fn stay(&mut self, stage: Stage, time: Duration) {
        self.until(stage, clock::now() + nanos(time), |_| ControlFlow::Continue(()));
    }

    pub(super) fn measure(&mut self, from: u64, to: u64) {
        for (at, order) in self.load.scenario.orders(from, to) {
            self.until(Stage::Measure, at, |_| ControlFlow::Continue(()));
            if self.interrupted {
                return;
            }
            self.crew.tell(&order);
        }
        self.until(Stage::Measure, to, |_| ControlFlow::Continue(()));
    }

    /// Waits for what is on its way: answers to publishes, and events to clients.
    pub(super) fn drain(
        &mut self,
        publisher: Option<Publisher>,
        schedule: Option<Schedule>,
    ) -> Option<Published> {
        let mut end = clock::now() + nanos(self.load.drain);
        if let Scenario::Request { timeout } = self.load.scenario {
            // The slowest answers are the ones that matter.
            end = end.max(clock::now() + nanos(timeout));
            self.until(Stage::Drain, end, |counts| {
                if counts.ready + counts.connecting == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            return None;
        }
        let (publisher, schedule) = publisher.zip(schedule)?;
        let patience = self.load.drain;
        let finishing = std::thread::spawn(move || publisher.finish(patience));
        while !finishing.is_finished() && !self.impatient {
            self.listen(Duration::from_millis(20));
        }
        if !finishing.is_finished() {
            return None;
        }
        // A panic there is a defect of ours, to be seen as one.
        let published = finishing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let clients = u64::from(self.load.clients);
        let due: u64 = (0..schedule.topics)
            .map(|topic| {
                let readers = schedule.of_topic(topic, clients);
                readers * schedule.of_topic(topic, published.planned)
            })
            .sum();
        let churns = self.load.scenario.lifetime().is_some();
        let least = clock::now() + if churns { 1_000_000_000 } else { 0 };
        self.until(Stage::Drain, end.max(clock::now() + 1_000_000_000), |counts| {
            let enough =
                if churns { clock::now() > least } else { counts.received + counts.corrupted >= due };
            if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        Some(published)
    }
}
