//! What became of the events: of every one exactly one of accepted, rejected and unknown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::latency::Latency;

/// How many events are listed by number. A run in which more fail is no run to look closer at.
const MAX_LISTED: usize = 1_000_000;

/// What a publisher has done.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Events whose time had come: the sum of accepted, rejected and unknown.
    pub planned: u64,
    /// Events of which at least a part was handed to a socket.
    pub sent: u64,
    /// Events that the server answered with a status from 200 to 299.
    pub accepted: u64,
    /// Events that nobody can have: refused with any other status, or never sent.
    pub rejected: Numbers,
    /// Events that were sent, at least in part, and never answered. They may have been published or not.
    pub unknown: Numbers,
    /// How many events were not accepted for which reason, such as `status 503`, `connect` or `timeout`.
    pub errors: BTreeMap<String, u64>,
    /// From the planned time to handing the request's first byte to the socket.
    pub slip: Latency,
    /// From then to the head of the answer, whatever its status.
    pub ack: Latency,
    /// From the planned time to the head of the answer: what a publisher would wait for, the tool's own slip included.
    pub ack_from_plan: Latency,
}

/// Some of the run's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// How many.
    pub count: u64,
    /// Which: all of them, or the first million that were noticed. In no order.
    pub listed: Vec<u64>,
}

impl Numbers {
    /// Whether all are listed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.count == self.listed.len() as u64
    }

    fn push(&mut self, number: u64) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(number);
        }
    }
}

/// A glance at a publisher at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events whose time has come.
    pub planned: u64,
    /// Events of which at least a part was handed to a socket.
    pub sent: u64,
    /// Events that the server took.
    pub accepted: u64,
    /// Events that it did not take, or that nothing is known of.
    pub failed: u64,
}

/// Why an event was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    Status(u16),
    /// No connection came about while the event could wait for one.
    Connect,
    /// The publisher was stopped or finished before the event was sent.
    Unsent,
    /// The answer took too long.
    Timeout,
    /// The connection was closed because an earlier answer took too long.
    BehindTimeout,
    /// The connection broke, or the server closed it.
    Closed,
    /// The answer, or that to an earlier event, was no HTTP.
    Malformed,
    /// The publisher was finished before the answer came.
    Unanswered,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Connect => f.write_str("connect"),
            Self::Unsent => f.write_str("not sent by the end"),
            Self::Timeout => f.write_str("timeout"),
            Self::BehindTimeout => f.write_str("behind a timeout"),
            Self::Closed => f.write_str("connection closed"),
            Self::Malformed => f.write_str("no HTTP answer"),
            Self::Unanswered => f.write_str("no answer by the end"),
        }
    }
}

/// The numbers of [`Progress`] that change with every event. Written by one thread, read by any.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) failed: AtomicU64,
}

/// Where the thread that publishes enters what it sees.
#[derive(Debug)]
pub(super) struct Account {
    published: Published,
    causes: BTreeMap<Cause, u64>,
    counters: Arc<Counters>,
}

impl Account {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { published: Published::default(), causes: BTreeMap::new(), counters }
    }

    pub(super) fn sent(&mut self, planned: u64, now: u64) {
        self.published.sent += 1;
        self.published.slip.record_nanos(now.saturating_sub(planned));
        self.counters.sent.store(self.published.sent, Ordering::Relaxed);
    }

    pub(super) fn answered(&mut self, number: u64, status: u16, [planned, sent, now]: [u64; 3]) {
        self.published.ack.record_nanos(now.saturating_sub(sent));
        self.published.ack_from_plan.record_nanos(now.saturating_sub(planned));
        if !(200..300).contains(&status) {
            return self.rejected(number, Cause::Status(status));
        }
        self.accepted(1);
    }

    /// So many events were accepted by an answer that was not theirs alone.
    pub(super) fn accepted(&mut self, count: u64) {
        self.published.accepted += count;
        self.counters.accepted.store(self.published.accepted, Ordering::Relaxed);
    }

    pub(super) fn rejected(&mut self, number: u64, cause: Cause) {
        self.published.rejected.push(number);
        self.failed(cause);
    }

    pub(super) fn unknown(&mut self, number: u64, cause: Cause) {
        self.published.unknown.push(number);
        self.failed(cause);
    }

    fn failed(&mut self, cause: Cause) {
        *self.causes.entry(cause).or_default() += 1;
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn close(mut self, planned: u64) -> Published {
        self.published.planned = planned;
        self.published.errors =
            self.causes.into_iter().map(|(cause, count)| (cause.to_string(), count)).collect();
        self.published
    }
}
