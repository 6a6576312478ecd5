//! The phases of a run, in their order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use super::crew::{Crew, Said};
use super::observed::Observed;
use super::progress::{Now, Progress, Stage};
use super::{health, preflight, summarise, target};
use crate::account::Published as Owed;
use crate::clock;
use crate::failure::Failure;
use crate::host::{HostCounters, Limits};
use crate::load::Load;
use crate::plan::{Plan, plan};
use crate::publisher::{Published, Publisher};
use crate::record::{Counts, Record};
use crate::report::Summary;
use crate::report::summary::Phase;
use crate::schedule::Schedule;
use crate::watch::{Points, Sample, Watch};
use crate::worker::orders::{Arrival, Settled};
use crate::worker::{Assignment, Order, Reply};

/// Workers need that long, in ns, to start and read what they are to do.
const START: u64 = 300_000_000;
/// The first event is planned so long, in ns, after everybody was told of it.
const LEAD: u64 = 200_000_000;
/// How long workers may take to settle their accounts and report.
const REPORT: Duration = Duration::from_secs(60);

/// Everything that a report is made of.
pub(super) struct Outcome<'a> {
    pub(super) load: &'a Load,
    pub(super) plan: Plan,
    pub(super) limits: Limits,
    pub(super) shared_with_target: bool,
    pub(super) run: u32,
    pub(super) started: SystemTime,
    pub(super) phases: Vec<Phase>,
    pub(super) interrupted: bool,
    pub(super) ready: u64,
    pub(super) held: u64,
    pub(super) record: Record,
    pub(super) workers: Vec<Settled>,
    pub(super) lost_workers: usize,
    pub(super) published: Option<Published>,
    pub(super) observed: Observed,
    pub(super) measured_for: u64,
    pub(super) cost: Option<(Points, Vec<i32>)>,
    pub(super) host: HostCounters,
    pub(super) hiccups: crate::latency::Latency,
}

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
    if !load.scenario.is_request() {
        preflight::check(load)?;
    }
    let baseline = watch.as_mut().map(Watch::sample);
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
        closed: 0,
        progress,
        load,
    };
    course.hear_interrupts()?;
    course.lead(plan, limits, watch, baseline, shared_with_target, started)
}

fn assignments(load: &Load, plan: &Plan, start: u64) -> Vec<Assignment> {
    let arrival = match load.scenario {
        crate::scenario::Scenario::Request { timeout } => Arrival::Requests {
            start: start + nanos(load.settle),
            per_second: load.ramp,
            end: start + nanos(load.settle) + nanos(load.warmup) + nanos(load.duration),
            timeout: nanos(timeout),
        },
        _ => Arrival::Ramp { start, per_second: load.ramp, lifetime: load.scenario.lifetime() },
    };
    let one = |worker| Assignment {
        engine: load.engine,
        worker,
        workers: plan.workers,
        clients: load.clients,
        topics: load.topics,
        routes: plan.routes.clone(),
        requests: load.requests.clone(),
        arrival,
        in_flight: load.in_flight.div_ceil(plan.workers),
        connect_timeout: nanos(load.connect_timeout),
        reconnect: load.reconnect,
        max_event: load.max_event,
        late: nanos(load.late),
        gap_event: load.gap_event.clone(),
        receive_buffer: load.receive_buffer,
        stamped_every: load.stamped_every,
        insecure: load.insecure,
        seed: load.seed,
    };
    (0..plan.workers).map(one).collect()
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
    closed: usize,
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
        baseline: Option<Sample>,
        shared_with_target: bool,
        started: SystemTime,
    ) -> Result<Summary, Failure> {
        let load = self.load;
        if !load.scenario.is_request() {
            self.connect()?;
        }
        self.stay(Stage::Settle, load.settle);
        if self.interrupted {
            return Err(Failure::Interrupted);
        }

        let run = fastrand::Rng::with_seed(load.seed).u32(1..);
        let begin =
            if load.scenario.is_request() { self.start + nanos(load.settle) } else { clock::now() + LEAD };
        let from = begin + nanos(load.warmup);
        let to = from + nanos(load.duration);
        let schedule = match &load.publish {
            Some((_, rate)) => Some(
                Schedule::new(run, begin, load.topics, *rate)
                    .map_err(|error| Failure::Usage(error.to_string()))?,
            ),
            None => None,
        };
        self.crew.tell(&Order::Measure { schedule, from, to });
        let split = crate::scenario::Scenario::restrained_from(from, to);
        self.observed.measure(from - self.start, to - self.start, split - self.start);
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
        self.wait(REPORT, |course| course.closed + course.gone >= course.crew.len());
        let after = watch.as_mut().zip(baseline.as_ref()).map(|(watch, before)| last_sample(watch, before));
        let points = match (baseline, at_start, at_end) {
            (Some(baseline), Some(start), Some(end)) => Some(Points { baseline, start, end, after }),
            _ => None,
        };

        let mut record = Record::default();
        let workers: Vec<Settled> = std::mem::take(&mut self.settled).into_values().collect();
        workers.iter().for_each(|settled| record.add(settled.record.clone()));
        let lost_workers = self.crew.len() - workers.len();
        Ok(summarise::summarise(Outcome {
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

    /// Until all clients have a stream, or it is clear that some will not.
    fn connect(&mut self) -> Result<(), Failure> {
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

    fn stay(&mut self, stage: Stage, time: Duration) {
        self.until(stage, clock::now() + nanos(time), |_| ControlFlow::Continue(()));
    }

    fn measure(&mut self, from: u64, to: u64) {
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
    fn drain(&mut self, publisher: Option<Publisher>, schedule: Option<Schedule>) -> Option<Published> {
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
        let published = publisher.map(|publisher| publisher.finish(self.load.drain));
        let (published, schedule) = published.zip(schedule)?;
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

    /// Listens until a time, or until it is enough, or until somebody interrupts.
    fn until(&mut self, stage: Stage, end: u64, enough: impl Fn(&Counts) -> ControlFlow<()>) {
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

    fn wait(&mut self, timeout: Duration, enough: impl Fn(&Self) -> bool) {
        let end = clock::now() + nanos(timeout);
        while clock::now() < end && !enough(self) {
            self.listen(Duration::from_millis(200));
        }
    }

    fn listen(&mut self, timeout: Duration) {
        match self.crew.next(timeout) {
            Some(Said::Reply(worker, Reply::Tick(tick))) => self.observed.ticked(worker, &tick),
            Some(Said::Reply(worker, Reply::Settled(settled))) => drop(self.settled.insert(worker, *settled)),
            Some(Said::Reply(_, Reply::Closed)) => self.closed += 1,
            Some(Said::Gone(worker)) => self.left(worker),
            Some(Said::Interrupted) => {
                (self.impatient, self.interrupted) = (self.interrupted, true);
            }
            Some(Said::Reply(_, Reply::Ready)) | None => {}
        }
    }

    /// A worker's output has ended. That it was closed in good order was said before.
    fn left(&mut self, worker: usize) {
        if self.closed > 0 {
            return;
        }
        self.gone += 1;
        self.progress.say(&format!("worker {worker} has ended; what its clients saw is lost"));
    }
}

/// What clients are to have: everything that was planned, but for what the server refused.
fn owed(schedule: Option<Schedule>, published: Option<&Published>) -> Owed {
    let (Some(schedule), Some(published)) = (schedule, published) else { return Owed::default() };
    let by_topic = |numbers: &[u64]| {
        let mut topics: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for &number in numbers {
            let (topic, sequence) = schedule.place(number);
            topics.entry(topic).or_default().push(sequence);
        }
        topics.values_mut().for_each(|sequences| sequences.sort_unstable());
        topics
    };
    Owed {
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
