//! How a run looks while it lasts. What is shown, and how, is the program's business.

use crate::record::Counts;

/// A phase of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Clients come.
    Connect,
    /// All are there, and nothing happens.
    Settle,
    /// Events are published, and not measured.
    Warmup,
    /// They are.
    Measure,
    /// Nothing is published any more; what is on its way comes.
    Drain,
}

impl Stage {
    /// As it is called in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Settle => "settle",
            Self::Warmup => "warmup",
            Self::Measure => "measure",
            Self::Drain => "drain",
        }
    }
}

/// A moment of the run.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What is going on.
    pub stage: Stage,
    /// For how long, in ns.
    pub elapsed: u64,
    /// How long it will take, in ns, if that is known.
    pub length: Option<u64>,
    /// What all workers have counted.
    pub counts: Counts,
    /// Since the last second: events read, and how late they were.
    pub second: Second,
}

/// A second's worth.
#[derive(Clone, Copy, Debug, Default)]
pub struct Second {
    /// Events read.
    pub events: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Delivery.
    pub p50: Option<u64>,
    /// Delivery.
    pub p99: Option<u64>,
}

/// Whoever wants to know.
pub trait Progress {
    /// How things are; a few times a second.
    fn now(&mut self, now: &Now);
    /// Something that a reader should see, and that stays.
    fn say(&mut self, line: &str);
}

/// Nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn now(&mut self, _: &Now) {}
    fn say(&mut self, _: &str) {}
}
