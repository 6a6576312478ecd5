//! What has been published of a body so far: what a publisher has to know in order to go on after an error.

use serde::Serialize;
use sse_core::EventId;

use crate::Problem;

#[derive(Debug, Default)]
pub(super) struct Progress {
    count: u64,
    skipped: u64,
    last: Option<EventId>,
}

#[derive(Serialize)]
pub(super) struct Answer {
    /// The last event's id, where a single publish has its only one.
    id: Option<String>,
    count: u64,
    /// Events of the source's hub, which were not published.
    #[serde(skip_serializing_if = "is_zero")]
    skipped: u64,
    /// The body ended within an event, which was not published: its blank line is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Progress {
    pub(super) fn published(&mut self, id: EventId) {
        self.count += 1;
        self.last = Some(id);
    }

    pub(super) fn skipped(&mut self) {
        self.skipped += 1;
    }

    /// Events that were published.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn answer(&self, unfinished: bool) -> Answer {
        let Self { count, skipped, last } = *self;
        Answer { id: last.map(|id| id.to_string()), count, skipped, unfinished }
    }

    /// A problem with the next event, which is named by its number: one more than there were before it, those of the
    /// source's hub among them.
    pub(super) fn refuse(&self, problem: Problem) -> Problem {
        let number = self.count + self.skipped + 1;
        let detail = match problem.detail() {
            Some(said) => format!("event {number}: {said}"),
            None => format!("event {number}"),
        };
        self.explain(problem.with_detail(detail))
    }

    /// A problem with the body.
    pub(super) fn explain(&self, problem: Problem) -> Problem {
        let said = problem.detail().unwrap_or_default();
        let count = self.count;
        let detail = match self.last {
            Some(last) => format!("{said} ({count} events before it were published, the last is {last})"),
            None => format!("{said} (nothing was published)"),
        };
        problem.with_detail(detail.trim_start().to_owned())
    }
}
