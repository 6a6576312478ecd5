//! One topic, many readers, events as fast as they are taken: millions of deliveries a second, of which none is lost
//! unseen.
//!
//! What `run` spends on an event, decoding it, looking for its stamp and entering it, is a few microseconds. Here one
//! reader's stream is decoded and all others are compared with it, byte by byte, which proves as much: equal bytes are
//! equal events. One process, one thread, which publishes as well.
//!
//! ```text
//! course ─┬─ source ─▶ POST                        ┌─ track: the events' bytes, laid by whoever is first
//!         └─ crowd ─▶ reader: compare, or decode ──┼─ owed: what this reader got
//!                                                  └─ book: what all of them got, and when
//! ```

mod alarm;
mod args;
mod book;
mod course;
mod crowd;
mod owed;
mod reader;
mod report;
mod server;
mod source;
mod track;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

pub use self::args::{FloodArgs, Warmup};
use self::book::Book;
use self::course::{Course, Publishing};
pub use self::report::FloodReport;
use self::report::{Percentiles, Tester};
use self::server::{Cost, Server, Used};
use self::source::Leg;
use crate::clock;
use crate::coordinator::target::is_public;
use crate::failure::Failure;
use crate::host::{Limits, Own, listening, raise_open_files};
use crate::pacer::Pacer;
use crate::plan::plan;
use crate::worker::orders::RequestPlan;

/// Without a number of events, and without a rate.
const EVENTS: u64 = 10_000;
/// In ns. A second copy of the last event is there by then.
const QUIET: u64 = 50_000_000;

/// Floods, and says what came of it.
///
/// # Errors
///
/// It cannot be done, nobody gets a stream, or nothing can be published.
pub fn run(args: &FloodArgs) -> Result<FloodReport, Failure> {
    let pacer = args.pacer()?;
    let (stream, request) = args.stream()?;
    let (publish, head) = args.publish()?;
    let address = resolve(&stream, args.connect_timeout.0)?;
    let publishing = Publishing {
        address: resolve(&publish, args.connect_timeout.0)?,
        head,
        payload: args.payload,
        in_flight: args.in_flight as usize,
    };
    let local = |what| move |error| Failure::Local(what, error);
    raise_open_files().map_err(local("open files"))?;
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let plan = plan(args.clients, &[vec![address]], Some(1), &args.source, &Limits::here())
        .map_err(|error| usage(&error))?;
    let server = Server::of(&args.watch_pid).map_err(|error| usage(&error))?;
    let used = || server.as_ref().map(Server::used).unwrap_or_default();
    let before = used();

    let book = Book::new(fastrand::u32(1..), &args.gap_event);
    let course = Course::new(args.clients, plan.routes, request, publishing, book);
    let mut course = course.map_err(local("epoll"))?;
    let flooded = flood(&mut course, args, pacer, used).map_err(local("epoll"))?;
    if course.crowd.readers().next().is_none() {
        let reason = course.crowd.failed.keys().next().cloned().unwrap_or_default();
        return Err(Failure::Target(format!("{} gives nobody a stream: {reason}", stream.url)));
    }
    let account = &mut course.source.account;
    if account.accepted == 0 {
        let status = account.refusal.map(|status| format!("it answers {status}"));
        let reason = status.or_else(|| account.broken.clone()).unwrap_or_default();
        return Err(Failure::Target(format!("{} takes no event: {reason}", publish.url)));
    }
    let cost = server.is_some().then_some(before);
    Ok(report(stream.url, &mut course, &flooded, cost))
}

/// What was read at the ends of the measured part.
struct Flooded {
    connected: Used,
    used: [Used; 2],
    own: Own,
    /// Deliveries and bytes before it.
    before: (u64, u64),
    /// The first event of it.
    first: u64,
}

fn flood(
    course: &mut Course,
    args: &FloodArgs,
    pacer: Option<Pacer>,
    used: impl Fn() -> Used,
) -> io::Result<Flooded> {
    let drain = nanos(args.drain.0);
    course.connect(args.clients, args.ramp.per_second(args.clients), nanos(args.connect_timeout.0))?;
    let connected = used();
    if course.crowd.open > 0 {
        course.pause(nanos(args.settle.0))?;
        course.lead(leg(pacer, args.warmup), drain)?;
    }
    let first = course.source.published();
    let before = (course.book.counts.deliveries, course.book.counts.bytes);
    course.book.measure(first);
    let (start, own) = (used(), Own::here());
    // Who takes nothing is not asked for hours.
    let takes = first == 0 || course.source.account.accepted > 0;
    if course.crowd.open > 0 && takes {
        let measured = match pacer {
            Some(_) => Warmup::Time(args.duration),
            None => Warmup::Events(args.events.unwrap_or(EVENTS)),
        };
        course.lead(leg(pacer, measured), drain)?;
    }
    let flooded = Flooded { connected, used: [start, used()], own: Own::here().since(&own), before, first };
    course.pause(QUIET)?;
    Ok(flooded)
}

fn leg(pace: Option<Pacer>, length: Warmup) -> Leg {
    let start = clock::now();
    match (length, pace) {
        (Warmup::Events(events), pace) => Leg { pace, start, end: u64::MAX, events },
        (Warmup::Time(time), Some(pacer)) => {
            Leg { pace, start, end: u64::MAX, events: pacer.count_before(time.0) }
        }
        (Warmup::Time(time), None) => Leg { pace, start, end: start + nanos(time.0), events: u64::MAX },
    }
}

fn report(url: String, course: &mut Course, flooded: &Flooded, before: Option<Used>) -> FloodReport {
    let account = &mut course.source.account;
    account.uncertain.sort_unstable();
    let Course { crowd, book, source, .. } = course;
    let (account, published) = (&source.account, source.published());
    let uncertain = &account.uncertain;
    let clients = crowd.readers().count() as u64;
    let counts = book.counts;
    let deliveries = counts.deliveries - flooded.before.0;
    let read = book.read.clone().unwrap_or_default();
    let seconds = (read.end - read.start) as f64 / 1e9;
    let per_second = |number: u64| (seconds > 0.0).then(|| number as f64 / seconds);
    let [start, end] = flooded.used;
    let decoded = counts.decoded as f64 / counts.deliveries.max(1) as f64;
    FloodReport {
        tool: concat!("sse-loadgen/", env!("CARGO_PKG_VERSION")),
        url,
        clients,
        failed: crowd.failed.clone(),
        ended: crowd.ended.clone(),
        events: published - flooded.first,
        warmup_events: flooded.first,
        uncertain: uncertain.len() as u64,
        publish_error: account.broken.clone(),
        expected: clients * (published - uncertain.len() as u64),
        deliveries: counts.deliveries,
        lost: crowd.readers().map(|reader| reader.owed().lost(published, uncertain)).sum(),
        duplicated: counts.duplicated,
        reordered: counts.reordered,
        damaged: counts.damaged,
        announced: crowd.readers().map(|reader| reader.owed().ledger.was_announced()).sum(),
        foreign: counts.foreign,
        measured: book.latency.count(),
        seconds,
        deliveries_per_second: per_second(book.latency.count()),
        bytes_per_second: per_second(counts.bytes - flooded.before.1),
        latency_ns: Percentiles::of(&book.latency),
        publish_ack_ns: Percentiles::of(&account.ack),
        server: before.map(|before| Cost::of([before, flooded.connected, start, end], deliveries)),
        tester: Tester::of(&flooded.own, deliveries, decoded),
    }
}

/// Where a request goes. Whoever is flooded has to be ours.
fn resolve(plan: &RequestPlan, patience: Duration) -> Result<SocketAddr, Failure> {
    let url = crate::engine::request::parse(&plan.url).map_err(|error| Failure::Usage(error.to_string()))?;
    let addresses = url
        .socket_addrs(|| None)
        .map_err(|error| Failure::Target(format!("{url} has no address: {error}")))?;
    if let Some(address) = addresses.iter().find(|address| is_public(address.ip())) {
        let text = "a flood is for machines of your own, at addresses that are not public";
        return Err(Failure::Usage(format!("{url} is at {}: {text}", address.ip())));
    }
    // `localhost` often has an address that nobody serves.
    let serving = if addresses.len() > 1 { listening(&addresses, patience) } else { Vec::new() };
    let address = serving.first().or_else(|| addresses.first()).copied();
    address.ok_or_else(|| Failure::Target(format!("{url} has no address")))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
