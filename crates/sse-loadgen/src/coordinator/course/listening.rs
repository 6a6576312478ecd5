//! The coordinator's ear: what workers and signals say, while it waits for something.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Course, nanos};
use crate::clock;
use crate::coordinator::crew::Said;
use crate::coordinator::progress::{Now, Stage};
use crate::record::Counts;
use crate::report::summary::Phase;
use crate::worker::Reply;

impl Course<'_> {
    /// Listens until a time, or until it is enough, or until somebody interrupts.
    pub(super) fn until(&mut self, stage: Stage, end: u64, enough: impl Fn(&Counts) -> ControlFlow<()>) {
        if self.impatient || stage != Stage::Drain && self.interrupted {
            return;
        }
        let began = clock::now();
        self.stage = stage;
        let resumed =
            self.phases.last().filter(|phase| phase.name == stage.name()).map(|phase| phase.start_ns);
        let since = resumed.unwrap_or_else(|| began.saturating_sub(self.start));
        if resumed.is_some() {
            self.phases.pop();
        }
        while clock::now() < end
            && enough(&self.observed.counts()).is_continue()
            && self.gone < self.crew.len()
        {
            let left = Duration::from_nanos(end.saturating_sub(clock::now()));
            let interrupted = self.interrupted;
            self.listen(left.min(Duration::from_millis(200)));
            let elapsed = clock::now().saturating_sub(self.start).saturating_sub(since);
            let length = Some(end.saturating_sub(self.start).saturating_sub(since));
            let (counts, second) = (self.observed.counts(), self.observed.second());
            self.progress.now(&Now { stage, elapsed, length, counts, second });
            if self.impatient || self.interrupted && (!interrupted || stage != Stage::Drain) {
                break;
            }
        }
        self.phases.push(Phase {
            name: stage.name().to_owned(),
            start_ns: since,
            end_ns: clock::now().saturating_sub(self.start),
        });
    }

    pub(super) fn wait(&mut self, timeout: Duration, enough: impl Fn(&Self) -> bool) {
        let end = clock::now() + nanos(timeout);
        while clock::now() < end && !enough(self) {
            self.listen(Duration::from_millis(200));
        }
    }

    pub(super) fn listen(&mut self, timeout: Duration) {
        match self.crew.next(timeout) {
            Some(Said::Reply(worker, Reply::Tick(tick))) => {
                self.observed.ticked(worker, &tick);
                self.trouble.extend(tick.trouble.map(|trouble| (worker, trouble)));
            }
            Some(Said::Reply(worker, Reply::Measuring { from })) if from == self.measured.0 => {
                self.know.insert(worker);
            }
            Some(Said::Reply(worker, Reply::Settled(settled))) => drop(self.settled.insert(worker, *settled)),
            Some(Said::Reply(worker, Reply::Closed)) => drop(self.closed.insert(worker)),
            Some(Said::Gone(worker)) => self.left(worker),
            Some(Said::Interrupted) => {
                (self.impatient, self.interrupted) = (self.interrupted, true);
            }
            Some(Said::Reply(_, Reply::Ready | Reply::Measuring { .. })) | None => {}
        }
    }

    /// A worker's output has ended. That it was closed in good order was said before.
    pub(super) fn left(&mut self, worker: usize) {
        if self.closed.contains(&worker) {
            return;
        }
        self.gone += 1;
        self.observed.lost(worker);
        self.progress.say(&format!("worker {worker} has ended; what its clients saw is lost"));
    }
}
