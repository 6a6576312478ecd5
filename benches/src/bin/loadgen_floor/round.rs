//! One turn of one contestant: it holds its streams, events come, and what it used meanwhile is read off.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use sse_loadgen::account::reconnect::Reconnect;
use sse_loadgen::clock;
use sse_loadgen::plan::Route;
use sse_loadgen::publisher::{Publish, Publisher};
use sse_loadgen::schedule::Schedule;
use sse_loadgen::worker::Assignment;
use sse_loadgen::worker::orders::{Coming, Order, RequestPlan};

use super::contestant::{Contestant, Read, Reader};
use super::usage;

/// The data of an event: what the load tester sends unless told otherwise.
const PAYLOAD: usize = 128;
/// The source takes as many connections as wait in a common queue of 4,096 without losing one.
const PER_SECOND: f64 = 5_000.0;
const PATH: &str = "/events/floor";

#[derive(Debug)]
pub(super) struct Round {
    pub(super) clients: u32,
    pub(super) rate: f64,
    pub(super) events: u32,
    /// Readers are held while an event is sent.
    pub(super) heap: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// User and system time per event and client, in ns.
    pub(super) cpu_ns: f64,
    pub(super) events_per_read: f64,
    /// Anonymous memory per client that has a stream and no event yet, in bytes.
    pub(super) memory: f64,
}

impl Round {
    pub(super) fn run(&self, contestant: Contestant) -> anyhow::Result<Figures> {
        let source = Source::start()?;
        let mut reader = Reader::start(contestant)?;
        sleep(Duration::from_millis(200));
        let memory_before = usage::anonymous(reader.pid())?;
        reader.open(&self.assignment(contestant, source.address))?;
        sleep(Duration::from_millis(500));
        let memory = usage::anonymous(reader.pid())?.saturating_sub(memory_before);

        let begin = clock::now() + 300_000_000;
        let schedule = Schedule::new(1, begin, 1, self.rate)?;
        let count = u64::from(self.events);
        reader.tell(&Order::Measure {
            schedule: Some(schedule),
            from: begin,
            to: schedule.planned(count),
        })?;
        let publish = Publish::to(&format!("http://{}{PATH}", source.address))?.payload(PAYLOAD)?;
        let publisher = Publisher::start(&publish, schedule, 0..count)?;
        let before = usage::cpu_ns(reader.pid())?;
        if self.heap {
            (0..count).try_for_each(|n| heap(&reader, schedule.planned(n), schedule.planned(n + 1)))?;
        }
        sleep_until(schedule.planned(count));
        let published = publisher.finish(Duration::from_secs(10));
        ensure!(published.accepted == count, "the source took {} of {count} events", published.accepted);
        usage::quiet(source.child.id())?;
        usage::quiet(reader.pid())?;
        let used = usage::cpu_ns(reader.pid())? - before;

        let read = reader.finish(count)?;
        let due = count * u64::from(self.clients);
        check(read, due)?;
        Ok(Figures {
            cpu_ns: used as f64 / due as f64,
            events_per_read: due as f64 / read.reads as f64,
            memory: memory as f64 / f64::from(self.clients),
        })
    }

    fn assignment(&self, contestant: Contestant, address: SocketAddr) -> Assignment {
        let bare = contestant == Contestant::Bare;
        let url = if bare { PATH.to_owned() } else { format!("http://{address}{PATH}") };
        Assignment {
            engine: contestant.engine(),
            worker: 0,
            workers: 1,
            clients: self.clients,
            topics: 1,
            routes: vec![Route { target: 0, address, source: None }],
            requests: vec![RequestPlan {
                url,
                method: "GET".to_owned(),
                headers: Vec::new(),
                body: String::new(),
            }],
            coming: Coming::Ramp { start: clock::now(), per_second: PER_SECOND, lifetime: None },
            in_flight: 256,
            connect_timeout: 10_000_000_000,
            reconnect: Reconnect { enabled: false, delay: 0, jitter: 0, resume: false },
            max_event: 1 << 20,
            late: 1_000_000_000,
            gap_event: "sse.gap".to_owned(),
            receive_buffer: None,
            stamped: 0.0,
            insecure: false,
            seed: 1,
        }
    }
}

/// Holds a reader from shortly before an event until most of the time to the next is over.
fn heap(reader: &Reader, event: u64, next: u64) -> anyhow::Result<()> {
    let pid = Pid::from_raw(reader.pid().cast_signed()).context("it has an id")?;
    sleep_until(event - 10_000_000);
    kill_process(pid, Signal::STOP)?;
    sleep_until(event + (next - event) * 6 / 10);
    Ok(kill_process(pid, Signal::CONT)?)
}

fn sleep_until(time: u64) {
    sleep(Duration::from_nanos(time.saturating_sub(clock::now())));
}

/// A reader that was spared a part of the work is not cheap, but wrong.
fn check(read: Read, due: u64) -> anyhow::Result<()> {
    ensure!(
        read.received.is_none_or(|received| received == due),
        "{:?} of {due} events were received",
        read.received
    );
    ensure!(read.bytes >= due * PAYLOAD as u64, "{} bytes are too few for {due} events", read.bytes);
    Ok(())
}

/// The test server, which does as little as a server can. A new one each time: none has anything of the last behind it.
#[derive(Debug)]
struct Source {
    child: Child,
    address: SocketAddr,
}

impl Source {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["source", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("stdout is piped")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://").and_then(|text| text.parse().ok());
        let mut source = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        source.address = address.with_context(|| format!("the source says {line:?}"))?;
        Ok(source)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
