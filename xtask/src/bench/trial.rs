//! One work, once, against one server that has just been started: what the load tester is told, and what is read from it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::alive;
use super::figures::Figures;
use super::ours::{self, Flags};
use super::peers::{Peer, Running};
use super::reading;
use super::tester::Tester;
use super::work::{Load, Pace, Size, Work};
use crate::server::Server;
use crate::workspace::Workspace;

/// The server's, and the tester's.
pub(super) const CORES: [&str; 2] = ["0", "1"];
const BOTH: &str = "0,1";
/// Between the last client and what is measured.
const SETTLE: Duration = Duration::from_secs(1);
/// Nobody is as fast as that: all are due at once.
const AT_ONCE: &str = "1000000/s";
/// At which the others connect: no queue of a server overflows.
const RAMP: f64 = 2_000.0;
/// Events that tell how many a flood of the wanted length is.
const PILOT: u64 = 500;
/// Beyond that, a flood is long enough for anybody.
const MOST: f64 = 1e6;

/// What all trials share.
#[derive(Debug)]
pub(super) struct Lab<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) hub: PathBuf,
    pub(super) tester: PathBuf,
    pub(super) reports: PathBuf,
    pub(super) size: Size,
}

/// Whom the load tester meets. Ends with its owner.
enum Subject {
    Peer(Running),
    Ours(Server),
}

impl Lab<'_> {
    pub(super) fn trial(&self, work: &Work, peer: &Peer, round: usize) -> Result<Figures> {
        let subject = self.start(work, peer)?;
        let reports = self.reports.join(format!("round-{}", round + 1)).join(work.id);
        let trial = Trial {
            work,
            peer,
            base: subject.base(),
            pids: subject.pids(),
            size: self.size,
            tester: Tester {
                workspace: self.workspace,
                binary: self.tester.clone(),
                cores: cores(work),
                reports,
            },
        };
        trial.warm_up()?;
        let figures = trial.measure();
        // Whatever the tester made of it, this is why.
        ensure!(alive::all_run(&trial.pids), "the server ended");
        figures
    }

    fn start(&self, work: &Work, peer: &Peer) -> Result<Subject> {
        let sink = ours::sink(peer.name());
        let flags = |sink, cores, workers, away| Flags { sink, cores, workers, away };
        let ours = match (work.load, sink) {
            (Load::Workers { workers, .. }, Some(sink)) => {
                flags(sink, if workers > 1 { BOTH } else { CORES[0] }, workers, None)
            }
            // It tells its clients when to come back. The others are told by the tester.
            (Load::Storm { away, .. }, Some(sink)) => flags(sink, CORES[0], 1, Some(self.size.away(away))),
            _ => return peer.start(self.workspace, 0).map(Subject::Peer),
        };
        ours::start(self.workspace, &self.hub, ours).map(Subject::Ours)
    }
}

impl Subject {
    fn base(&self) -> String {
        match self {
            Self::Peer(running) => format!("http://{}", running.address()),
            Self::Ours(server) => server.url(""),
        }
    }

    fn pids(&self) -> Vec<u32> {
        match self {
            Self::Peer(running) => running.pids().to_vec(),
            Self::Ours(server) => vec![server.pid()],
        }
    }
}

/// Two workers leave no core to the tester alone; with one it is given as much, so that nothing else differs.
fn cores(work: &Work) -> &'static str {
    if matches!(work.load, Load::Workers { .. }) { BOTH } else { CORES[1] }
}

struct Trial<'a> {
    work: &'a Work,
    peer: &'a Peer,
    base: String,
    pids: Vec<u32>,
    size: Size,
    tester: Tester<'a>,
}

impl Trial<'_> {
    /// A subscriber and an event: what a server sets up once and for all is not to be found among what it costs.
    fn warm_up(&self) -> Result<()> {
        let args = Args::new("run", &self.topic("warm-up"))
            .option("--quiet")
            .flag("--clients", &1)
            .publish(&self.topic("warm-up"), 10.0, 100)
            .flag("--duration", &"200ms")
            .flag("--warmup", &"0s")
            .flag("--settle", &"100ms");
        self.tester.run(&self.report("warm-up"), &args.0, Duration::from_secs(1)).map(drop)
    }

    fn measure(&self) -> Result<Figures> {
        match self.work.load {
            Load::Broadcast { rate, payload } => self.run("run", rate, payload, self.size.duration(), &[]),
            Load::Workers { rate, .. } => self.run("run", rate, 100, self.size.duration(), &[]),
            Load::Storm { rate, away } => self.storm(rate, self.size.away(away)),
            Load::Topics { rate } => self.topics(self.size.rate(rate)),
            Load::Idle => self.idle(&[]),
            Load::Connect => self.idle(&[("--ramp", AT_ONCE)]),
            Load::Flood { pace, payload } => self.flood(pace, payload),
        }
    }

    fn run(
        &self,
        scenario: &str,
        rate: f64,
        payload: u32,
        duration: Duration,
        more: &[(&str, String)],
    ) -> Result<Figures> {
        let args = self.args(scenario, "bench").publish(&self.topic("bench"), rate, payload);
        let args = more.iter().fold(args, |args, (flag, value)| args.flag(flag, value));
        let report = self.to_the_end(&args.measured(self.size.warmup(), duration), duration)?;
        published(&report)
    }

    fn storm(&self, rate: f64, away: Duration) -> Result<Figures> {
        // Cut after a quarter of it; as long again is there to catch up, behind the last who comes back.
        let duration = away * 3;
        let away = format!("{}ms", away.as_millis());
        let mut more = vec![("--retry", away.clone())];
        // Ours names a time for each client, in `retry:`; the tester would add to that.
        if ours::sink(self.peer.name()).is_none() {
            more.push(("--jitter", away));
        }
        self.run("storm", rate, 100, duration, &more)
    }

    fn topics(&self, rate: f64) -> Result<Figures> {
        let topics = self.size.clients(self.work);
        let args = self.args("run", "t{{topic}}").flag("--topics", &topics);
        let args = if self.peer.can().stream_publish {
            args.publish(&format!("{}/events", self.base), rate, 100)
                .option("--publish-stream")
                .flag("--publish-topic", &"t{{topic}}")
        } else {
            args.publish(&self.topic("t{{topic}}"), rate, 100)
        };
        let duration = self.size.duration();
        let args = args.measured(self.size.warmup(), duration);
        published(&self.to_the_end(&args, duration)?)
    }

    /// Nothing is published, so all that there is to read is what clients cost.
    fn idle(&self, more: &[(&str, &str)]) -> Result<Figures> {
        let duration = Duration::from_secs(1);
        let args = self.args("run", "bench").measured(Duration::ZERO, duration);
        let args = more.iter().fold(args, |args, (flag, value)| args.flag(flag, value));
        Ok(reading::of_run(&self.to_the_end(&args, duration)?))
    }

    fn flood(&self, pace: Pace, payload: u32) -> Result<Figures> {
        let wanted = self.size.flood();
        let args = || {
            self.watched(Args::new("flood", &self.topic("bench")))
                .flag("--clients", &self.size.clients(self.work))
                .flag("--publish", &self.topic("bench"))
                .flag("--payload", &payload)
        };
        let flood = |name: &str, args: Args| {
            let report = self.tester.run(&self.report(name), &args.0, wanted * 3)?;
            match reading::flood_broken(&report, self.size.clients(self.work)) {
                Some(why) => bail!("{why}"),
                None => Ok(report),
            }
        };
        let args = match pace {
            Pace::Rate(rate) => {
                args().flag("--rate", &rate).flag("--duration", &format!("{}s", wanted.as_secs()))
            }
            Pace::AsTaken => {
                // As many for all would be an instant for some and minutes for others.
                let pilot = flood("pilot", args().flag("--events", &PILOT))?;
                args().flag("--events", &events_within(wanted, &pilot))
            }
        };
        Ok(reading::of_flood(&flood("flood", args)?))
    }

    fn args(&self, scenario: &str, topic: &str) -> Args {
        self.watched(Args::new(scenario, &self.topic(topic)))
            .option("--quiet")
            .flag("--clients", &self.size.clients(self.work))
            .flag("--workers", &1)
            .flag("--settle", &format!("{}ms", SETTLE.as_millis()))
    }

    fn watched(&self, args: Args) -> Args {
        self.pids.iter().fold(args, |args, pid| args.flag("--watch-pid", pid))
    }

    fn to_the_end(&self, args: &Args, duration: Duration) -> Result<Value> {
        let clients = self.size.clients(self.work);
        let ramp = Duration::from_secs_f64(f64::from(clients) / RAMP);
        let report = self.tester.run(&self.report("run"), &args.0, ramp + self.size.warmup() + duration)?;
        match reading::ready(&report) {
            Some(ready) if ready < f64::from(clients) => {
                bail!("{ready:.0} of {clients} clients had a stream")
            }
            _ => Ok(report),
        }
    }

    fn topic(&self, topic: &str) -> String {
        format!("{}/events/{topic}", self.base)
    }

    fn report(&self, name: &str) -> String {
        format!("{}-{name}", self.peer.name())
    }
}

/// So many that it takes about as long as wanted, going by a pilot.
fn events_within(wanted: Duration, pilot: &Value) -> u64 {
    let seconds = pilot["seconds"].as_f64().filter(|seconds| *seconds > 0.0).unwrap_or(1.0);
    let events = PILOT as f64 * wanted.as_secs_f64() / seconds;
    events.clamp(PILOT as f64, MOST).round() as u64
}

/// What a server refused, nobody was to have, and so nobody lost it: but it has not done the work.
fn published(report: &Value) -> Result<Figures> {
    let unpublished = reading::unpublished(report);
    ensure!(unpublished == 0.0, "{unpublished:.0} events were not taken");
    Ok(reading::of_run(report))
}

/// A command line of the load tester.
#[derive(Debug)]
struct Args(Vec<String>);

impl Args {
    fn new(scenario: &str, url: &str) -> Self {
        Self(vec![scenario.to_owned(), url.to_owned()])
    }

    fn option(mut self, name: &str) -> Self {
        self.0.push(name.to_owned());
        self
    }

    fn flag(self, name: &str, value: &impl ToString) -> Self {
        self.option(name).option(&value.to_string())
    }

    fn publish(self, url: &str, rate: f64, payload: u32) -> Self {
        self.flag("--publish", &url).flag("--rate", &rate).flag("--payload", &payload)
    }

    fn measured(self, warmup: Duration, duration: Duration) -> Self {
        let millis = |time: Duration| format!("{}ms", time.as_millis());
        self.flag("--warmup", &millis(warmup)).flag("--duration", &millis(duration))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_flood_takes_about_as_long_for_everybody() {
        let events = |seconds: f64| events_within(Duration::from_secs(10), &json!({ "seconds": seconds }));
        assert_eq!(events(0.5), 10_000);
        assert_eq!(events(60.0), PILOT);
        assert_eq!(events(1e-6), 1_000_000);
    }

    #[test]
    fn a_refused_event_is_a_failure() {
        let error = published(&json!({ "publish": { "rejected": 3, "unknown": 1 } })).unwrap_err();
        assert_eq!(error.to_string(), "4 events were not taken");
        assert!(published(&json!({ "publish": { "rejected": 0, "unknown": 0 } })).is_ok());
    }
}
