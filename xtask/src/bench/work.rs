//! What is done to every server, as data. How it is done is for `trial`.

use std::time::Duration;

use super::figures::Name::{self, *};

/// One work. Several share a letter when they belong together.
#[derive(Debug)]
pub(super) struct Work {
    /// How the command line and the reports call it.
    pub(super) id: &'static str,
    pub(super) about: &'static str,
    pub(super) clients: u32,
    pub(super) load: Load,
    pub(super) asks: Asks,
    /// The columns of its table; the first is what it is about.
    pub(super) shows: &'static [Name],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Load {
    /// All read one topic.
    Broadcast { rate: f64, payload: u32 },
    /// The same, where the tester knows events by less and so reads far more of them.
    Flood { pace: Pace, payload: u32 },
    /// They come, and nothing is published.
    Idle,
    /// The same, as fast as they are let in.
    Connect,
    /// Each reads a topic of its own; events per second over all of them.
    Topics { rate: f64 },
    /// Cut off all at once; back between `away` and twice that.
    Storm { rate: f64, away: Duration },
    /// A broadcast to a server with so many workers, on as many cores, where the tester has both cores as well.
    Workers { workers: usize, rate: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    AsTaken,
    Rate(f64),
}

/// Who can do it at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    /// To be able to resume.
    Resume,
    /// To be ours.
    Ours,
}

/// A rate at which the slowest here are busy and nobody is late for lack of time, over as many subscribers as a process
/// with the usual limit of files holds.
const STEADY: Load = Load::Broadcast { rate: 5.0, payload: 100 };
const TIMES: &[Name] = &[Cpu, CpuUser, CpuSystem, P50, P99, Max, Completion, Ack, PeakRss, Lost, Duplicated];
const RATES: &[Name] = &[Deliveries, Cpu, CpuUser, CpuSystem, P50, P99, Max, Ack, PeakRss, Lost, Duplicated];

pub(super) const WORKS: &[Work] = &[
    Work {
        id: "a",
        about: "10,000 subscribers of one topic, 5 events/s of 100 bytes",
        clients: 10_000,
        load: STEADY,
        asks: Asks::Nothing,
        shows: TIMES,
    },
    Work {
        id: "b",
        about: "1,000 subscribers of one topic, events of 100 bytes as fast as they are taken",
        clients: 1_000,
        load: Load::Flood { pace: Pace::AsTaken, payload: 100 },
        asks: Asks::Nothing,
        shows: RATES,
    },
    Work {
        id: "b-100",
        about: "10,000 subscribers of one topic, 100 events/s of 100 bytes",
        clients: 10_000,
        load: Load::Flood { pace: Pace::Rate(100.0), payload: 100 },
        asks: Asks::Nothing,
        shows: RATES,
    },
    Work {
        id: "c",
        about: "10,000 idle subscribers",
        clients: 10_000,
        load: Load::Idle,
        asks: Asks::Nothing,
        shows: &[Memory, KernelMemory, PeakRss],
    },
    Work {
        id: "d",
        about: "10,000 subscribers come as fast as they are let in",
        clients: 10_000,
        load: Load::Connect,
        asks: Asks::Nothing,
        shows: &[ConnectCpu, ConnectRate],
    },
    Work {
        id: "e",
        about: "10,000 topics with a subscriber each, 20,000 events/s of 100 bytes over all of them",
        clients: 10_000,
        load: Load::Topics { rate: 20_000.0 },
        asks: Asks::Nothing,
        shows: TIMES,
    },
    Work {
        id: "e-1000",
        about: "1,000 topics with a subscriber each, 20,000 events/s of 100 bytes over all of them",
        clients: 1_000,
        load: Load::Topics { rate: 20_000.0 },
        asks: Asks::Nothing,
        shows: TIMES,
    },
    Work {
        id: "f-1k",
        about: "1,000 subscribers of one topic, 20 events/s of 1 KiB",
        clients: 1_000,
        load: Load::Broadcast { rate: 20.0, payload: 1 << 10 },
        asks: Asks::Nothing,
        shows: TIMES,
    },
    Work {
        id: "f-64k",
        about: "1,000 subscribers of one topic, 2 events/s of 64 KiB",
        clients: 1_000,
        load: Load::Broadcast { rate: 2.0, payload: 64 << 10 },
        asks: Asks::Nothing,
        shows: TIMES,
    },
    Work {
        id: "g",
        about: "10,000 subscribers at 5 events/s are cut at once, come back 13 to 26 s later, and resume: 100 events each",
        clients: 10_000,
        load: Load::Storm { rate: 5.0, away: Duration::from_secs(13) },
        asks: Asks::Resume,
        shows: &[Cpu, CpuUser, CpuSystem, Recovery50, Recovery99, PeakRss, Lost, Duplicated],
    },
    Work {
        id: "h-1",
        about: "the first one again, one worker on the first core, the tester on both",
        clients: 10_000,
        load: Load::Workers { workers: 1, rate: 5.0 },
        asks: Asks::Ours,
        shows: TIMES,
    },
    Work {
        id: "h-2",
        about: "the same, with two workers on both cores",
        clients: 10_000,
        load: Load::Workers { workers: 2, rate: 5.0 },
        asks: Asks::Ours,
        shows: TIMES,
    },
];

impl Work {
    /// Whether the command line means it: by its name, or by its letter.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.id == name || self.id.split('-').next() == Some(name)
    }
}

/// How long, and how many. For figures, or only to see that everything works.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) quick: bool,
}

impl Size {
    pub(super) fn clients(self, work: &Work) -> u32 {
        if self.quick { work.clients.div_ceil(20) } else { work.clients }
    }

    /// What is measured, of a work at a steady rate.
    pub(super) fn duration(self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 20 })
    }

    pub(super) fn warmup(self) -> Duration {
        Duration::from_millis(if self.quick { 500 } else { 3_000 })
    }

    /// For how long clients are away.
    pub(super) fn away(self, away: Duration) -> Duration {
        if self.quick { away / 13 } else { away }
    }

    /// Of events over all topics. There are fewer topics too: that of each stays what it is.
    pub(super) fn rate(self, rate: f64) -> f64 {
        if self.quick { rate / 20.0 } else { rate }
    }

    /// How long a flood is to take. Long against a scheduler's slice, short against the patience of whoever waits for it.
    pub(super) fn flood(self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 10 })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn works_have_names_of_their_own_and_something_to_show() {
        let ids: BTreeSet<&str> = WORKS.iter().map(|work| work.id).collect();
        assert_eq!(ids.len(), WORKS.len());
        assert!(WORKS.iter().all(|work| !work.shows.is_empty()));
    }

    #[test]
    fn a_letter_means_all_that_have_it() {
        let called = |name| WORKS.iter().filter(|work| work.is_called(name)).count();
        assert_eq!((called("a"), called("b"), called("b-100"), called("x")), (1, 2, 1, 0));
    }
}
