//! What each phase waits for.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Course, nanos};
use crate::clock;
use crate::coordinator::progress::Stage;
use crate::failure::Failure;
use crate::publisher::{Published, Publisher};
use crate::schedule::Schedule;

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
            let why = if counts.opened > 0 {
                format!("{} streams were opened, and each was ended at once", counts.opened)
            } else {
                format!("no stream was opened: {} attempts failed", counts.failed)
            };
            return Err(Failure::Target(why));
        }
        Ok(())
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
        let end = clock::now() + nanos(self.load.drain);
        if self.load.scenario.is_request() {
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
