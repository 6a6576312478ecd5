//! The phases of a run, in their order.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use super::crew::{Crew, Said};
use super::gathered::Gathered;
use super::observed::Observed;
use super::progress::{Progress, Stage};
use super::{health, preflight, summarise, target};
use crate::account::Accepted;
use crate::clock;
use crate::failure::Failure;
use crate::host::{HostCounters, KernelMemory, Limits};
use crate::load::Load;
use crate::plan::{Plan, plan};
use crate::publisher::{Published, Publisher};
use crate::record::Record;
use crate::report::Summary;
use crate::report::summary::Phase;
use crate::schedule::Schedule;
use crate::watch::{Connected, Points, Sample, Watch};
use crate::worker::orders::{Coming, Settled};
use crate::worker::{Assignment, Order};

mod listening;
mod phases;

/// Workers need that long, in ns, to start and read what they are to do.
const START: u64 = 300_000_000;
/// How long workers may take to settle their accounts and report.
const REPORT: Duration = Duration::from_secs(60);

/// Does the whole run.
///
/// # Errors
///
/// It cannot be done, or nothing was measured. Once measuring has begun there is a report, whatever happens.
pub fn conduct(load: &Load, progress: &mut dyn Progress) -> Result<Summary, Failure> {
    let targets = target::resolve(load)?;
    let limits = Limits::here();
    let plan = plan(load.clients, &targets, load.workers, &load.sources, &limits)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let mut watch = match &load.watch[..] {
        [] => None,
        targets => Some(Watch::new(targets).map_err(|error| Failure::Usage(error.to_string()))?),
    };
    // Before the first connection, which is the preflight's.
    let kernel = KernelMemory::here();
    let baseline = watch.as_mut().map(Watch::sample);
    if !load.scenario.is_request() {
        preflight::check(load)?;
    }
    let shared_with_target = targets.iter().flatten().any(|address| crate::host::is_here(address.ip()));
    let started = SystemTime::now();
    let start = clock::now() + START;
    let assignments = assignments(load, &plan, start);
    let crew =
        Crew::start(&assignments).map_err(|error| Failure::Local("the workers cannot be started", error))?;
    let course = Course {
        observed: Observed::new(crew.len()),
        crew,
        start,
        phases: Vec::new(),
        stage: Stage::Connect,
        gone: 0,
        interrupted: false,
        impatient: false,
        settled: BTreeMap::new(),
        closed: HashSet::new(),
        measured: (0, 0),
        know: HashSet::new(),
        trouble: BTreeMap::new(),
        progress,
        load,
    };
    course.hear_interrupts()?;
    course.lead(plan, limits, watch, baseline.zip(Some(kernel)), shared_with_target, started)
}

fn assignments(load: &Load, plan: &Plan, start: u64) -> Vec<Assignment> {
    let coming = match load.scenario {
        crate::scenario::Scenario::Request { timeout } => Coming::Requests {
            start: start + nanos(load.settle),
            per_second: load.ramp,
            end: start + nanos(load.settle) + nanos(load.warmup) + nanos(load.duration),
            timeout: nanos(timeout),
        },
        _ => Coming::Ramp { start, per_second: load.ramp, lifetime: load.scenario.lifetime() },
    };
    let one = |worker| Assignment {
        engine: load.engine,
        worker,
        workers: plan.workers,
        clients: load.clients,
        topics: load.topics,
        routes: plan.routes.clone(),
        requests: load.requests.clone(),
        coming,
        in_flight: load.in_flight.div_ceil(plan.workers),
        connect_timeout: nanos(load.connect_timeout),
        reconnect: load.reconnect,
        max_event: load.max_event,
        late: nanos(load.late),
        gap_event: load.gap_event.clone(),
        receive_buffer: load.receive_buffer,
        stamped: stamped(load, plan.workers),
        insecure: load.insecure,
        seed: load.seed,
    };
    (0..plan.workers).map(one).collect()
}

/// How many clients, of 1, ask the kernel for times: as asked for, but enough in each worker to say something.
fn stamped(load: &Load, workers: u32) -> f64 {
    const ENOUGH: f64 = 16.0;
    if load.stamped_every == 0 {
        return 0.0;
    }
    let least = ENOUGH * f64::from(workers) / f64::from(load.clients);
    least.max(1.0 / f64::from(load.stamped_every)).min(1.0)
}

struct Course<'a> {
    load: &'a Load,
    crew: Crew,
    observed: Observed,
    progress: &'a mut dyn Progress,
    /// What times in the report are since.
    start: u64,
    phases: Vec<Phase>,
    stage: Stage,
    gone: usize,
    interrupted: bool,
    /// Interrupted twice: nothing is waited for any more.
    impatient: bool,
    settled: BTreeMap<usize, Settled>,
    closed: HashSet<usize>,
    /// From when to when it is measured, and which workers know.
    measured: (u64, u64),
    know: HashSet<usize>,
    /// What most attempts or streams have ended with, by worker.
    trouble: BTreeMap<usize, String>,
}

impl Course<'_> {
    fn hear_interrupts(&self) -> Result<(), Failure> {
        let outbox = self.crew.outbox();
        let signals = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
        let mut signals = signal_hook::iterator::Signals::new(signals)
            .map_err(|error| Failure::Local("signals cannot be handled", error))?;
        std::thread::spawn(move || {
            for _ in signals.forever() {
                if outbox.send(Said::Interrupted).is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    fn lead(
        mut self,
        plan: Plan,
        limits: Limits,
        mut watch: Option<Watch>,
        baseline: Option<(Sample, Option<KernelMemory>)>,
        shared_with_target: bool,
        started: SystemTime,
    ) -> Result<Summary, Failure> {
        let load = self.load;
        let (baseline, kernel) = baseline.unzip();
        let mut connected = None;
        // Not the seed alone: what an earlier run with the same one published may still be retained.
        let run = fastrand::Rng::with_seed(load.seed ^ self.start).u32(1..);
        if load.scenario.is_request() {
            // Clients come at their planned times from here on.
            self.announce(None, self.start + nanos(load.settle));
            self.stay(Stage::Settle, load.settle);
        } else {
            self.connect()?;
            connected = watch.as_mut().map(|watch| self.connected(watch, kernel.flatten()));
            self.stay(Stage::Settle, load.settle);
        }
        if self.interrupted {
            return Err(Failure::Interrupted);
        }
        let schedule = self.agree(run)?;
        let (from, to) = self.measured;
        let publisher = match (&load.publish, schedule) {
            (Some((publish, _)), Some(schedule)) => {
                let events = 0..schedule.count_before(to);
                Some(
                    Publisher::start(publish, schedule, events)
                        .map_err(|error| Failure::Target(error.to_string()))?,
                )
            }
            _ => None,
        };
        self.until(Stage::Warmup, from, |_| ControlFlow::Continue(()));
        let ready = self.observed.counts().ready;
        let hiccups = health::Hiccups::start();
        let host = HostCounters::here();
        let at_start = watch.as_mut().map(Watch::sample);
        self.measure(from, to);
        let at_end = watch.as_mut().map(Watch::sample);
        let host = HostCounters::here().since(&host);
        let hiccups = hiccups.stop();
        let measured_for = clock::now().min(to).saturating_sub(from);
        let held = self.observed.counts().ready;

        if self.interrupted
            && let Some(publisher) = &publisher
        {
            publisher.stop();
        }
        let published = self.drain(publisher, schedule);
        let owed = owed(schedule, published.as_ref());
        self.crew.tell(&Order::Settle(owed));
        self.wait(REPORT, |course| course.settled.len() + course.gone >= course.crew.len());
        self.crew.tell(&Order::Close);
        self.wait(REPORT, |course| course.closed.len() + course.gone >= course.crew.len());
        let after = watch.as_mut().zip(baseline.as_ref()).map(|(watch, before)| last_sample(watch, before));
        let points = match (baseline, at_start, at_end) {
            (Some(baseline), Some(start), Some(end)) => {
                Some(Points { baseline, connected, start, end, after })
            }
            _ => None,
        };

        let mut record = Record::default();
        let workers: Vec<Settled> = std::mem::take(&mut self.settled).into_values().collect();
        workers.iter().for_each(|settled| record.add(settled.record.clone()));
        let lost_workers = self.crew.len() - workers.len();
        Ok(summarise::summarise(Gathered {
            load,
            plan,
            limits,
            shared_with_target,
            run,
            started,
            phases: self.phases,
            interrupted: self.interrupted,
            ready,
            held,
            record,
            workers,
            lost_workers,
            published,
            observed: self.observed,
            measured_for,
            cost: points.zip(watch.map(|watch| watch.pids())),
            host,
            hiccups,
        }))
    }
}

impl Course<'_> {
    /// What the clients cost that have just connected.
    fn connected(&self, watch: &mut Watch, before: Option<KernelMemory>) -> Connected {
        let kernel = before.zip(KernelMemory::here()).map(|(before, now)| [before, now]);
        Connected { sample: watch.sample(), clients: self.observed.counts().ready, kernel }
    }
}

/// What clients are to have: everything that was planned, but for what the server refused.
fn owed(schedule: Option<Schedule>, published: Option<&Published>) -> Accepted {
    let (Some(schedule), Some(published)) = (schedule, published) else { return Accepted::default() };
    let by_topic = |numbers: &[u64]| {
        let mut topics: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for &number in numbers {
            let (topic, sequence) = schedule.place(number);
            topics.entry(topic).or_default().push(sequence);
        }
        topics.values_mut().for_each(|sequences| sequences.sort_unstable());
        topics
    };
    Accepted {
        count: published.planned,
        rejected: by_topic(&published.rejected.listed),
        unknown: by_topic(&published.unknown.listed),
    }
}

/// The server's processes once all clients are gone: as soon as they have as few descriptors as before, or after two
/// seconds.
fn last_sample(watch: &mut Watch, before: &Sample) -> Sample {
    let end = clock::now() + 2_000_000_000;
    loop {
        let sample = watch.sample();
        if sample.descriptors <= before.descriptors || clock::now() > end {
            return sample;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
