//! Every fault is done as often as is counted: what the subscribers saw, entered in their ledgers, comes to exactly the
//! same.

use std::time::Duration;

use sse_loadgen::ledger::{Arrival, Ledger};
use sse_loadgen::serve::{Counts, Faults, ServeConfig};
use sse_loadgen::stamp::Stamp;

use crate::TestServer;
use crate::client::Seen;

const SUBSCRIBERS: usize = 20;
const EVENTS: u64 = 200;
const DELIVERIES: u64 = SUBSCRIBERS as u64 * EVENTS;

/// What all subscribers saw, together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    received: u64,
    damaged: u64,
    duplicates: u64,
    late: u64,
    lost: u64,
}

impl Findings {
    fn of(counts: Counts) -> Self {
        Self {
            received: counts.delivered + counts.duplicated,
            damaged: counts.corrupted,
            duplicates: counts.duplicated,
            late: counts.reordered + counts.overtaken,
            // A damaged event does not count as received: nobody knows which one it was.
            lost: counts.dropped + counts.corrupted,
        }
    }

    fn enter(&mut self, events: &[String]) {
        let mut ledger = Ledger::from(0);
        for event in events {
            self.received += 1;
            let Ok(stamp) = Stamp::find(event.as_bytes()) else {
                self.damaged += 1;
                continue;
            };
            match ledger.arrived(stamp.expect("every event has a stamp").sequence) {
                Arrival::Duplicate => self.duplicates += 1,
                Arrival::Late => self.late += 1,
                Arrival::InOrder | Arrival::Ahead { .. } => {}
            }
        }
        self.lost += ledger.lost(EVENTS);
    }
}

/// Serves with faults, and holds what was seen against what was counted.
fn prove(faults: Faults) -> Counts {
    let mut server = TestServer::start(ServeConfig { faults, ..ServeConfig::default() });
    let mut subscribers: Vec<_> = (0..SUBSCRIBERS).map(|_| server.subscribe("a")).collect();
    let mut publisher = server.connect();
    for sequence in 0..EVENTS {
        let mut stamp = Vec::new();
        Stamp { run: 0xABC, topic: 0, sequence, planned: 12_345 }.write(100, &mut stamp);
        publisher.publish("a", &format!("{{\"text\":\"{}\"}}", str::from_utf8(&stamp).unwrap()));
    }
    // Each subscriber may still wait for an event that is to overtake another.
    server.until(|counts| {
        counts.delivered + counts.dropped + counts.pending == DELIVERIES
            && counts.pending <= SUBSCRIBERS as u64
    });
    let counts = server.stop();
    assert_eq!((counts.delivered + counts.dropped, counts.pending), (DELIVERIES, 0));
    let mut findings = Findings::default();
    subscribers.iter_mut().for_each(|subscriber| findings.enter(&subscriber.rest()));
    assert_eq!(findings, Findings::of(counts), "{counts:?}");
    counts
}

fn about_a_tenth(count: u64) -> bool {
    (DELIVERIES / 20..DELIVERIES / 5).contains(&count)
}

#[test]
fn nothing_is_counted_if_nothing_is_wrong() {
    assert_eq!(prove(Faults::default()), Counts { delivered: DELIVERIES, ..Counts::default() });
}

#[test]
fn dropped_events() {
    let counts = prove(Faults { drop: 0.1, ..Faults::default() });
    let dropped = counts.dropped;
    assert!(about_a_tenth(dropped));
    assert_eq!(counts, Counts { dropped, delivered: DELIVERIES - dropped, ..Counts::default() });
}

#[test]
fn duplicated_events() {
    let counts = prove(Faults { duplicate: 0.1, ..Faults::default() });
    assert!(about_a_tenth(counts.duplicated));
    assert_eq!(counts, Counts { duplicated: counts.duplicated, delivered: DELIVERIES, ..Counts::default() });
}

#[test]
fn reordered_events() {
    let counts = prove(Faults { reorder: 0.1, ..Faults::default() });
    let Counts { reordered, dropped, delivered, .. } = counts;
    assert!(about_a_tenth(reordered));
    assert!(dropped <= SUBSCRIBERS as u64, "only what was still held back at the end");
    assert_eq!(counts, Counts { reordered, dropped, delivered, ..Counts::default() });
}

#[test]
fn corrupted_events() {
    let counts = prove(Faults { corrupt: 0.1, ..Faults::default() });
    assert!(about_a_tenth(counts.corrupted));
    assert_eq!(counts, Counts { corrupted: counts.corrupted, delivered: DELIVERIES, ..Counts::default() });
}

#[test]
fn delayed_events() {
    let delay_by = Duration::from_millis(2);
    let counts = prove(Faults { delay: 0.1, delay_by, ..Faults::default() });
    let Counts { delayed, overtaken, dropped, delivered, .. } = counts;
    assert!(about_a_tenth(delayed + dropped));
    assert_eq!(counts, Counts { delayed, overtaken, dropped, delivered, ..Counts::default() });
}

#[test]
fn all_faults_at_once() {
    for seed in 0..5 {
        let faults = Faults {
            drop: 0.1,
            duplicate: 0.1,
            reorder: 0.1,
            corrupt: 0.1,
            delay: 0.1,
            delay_by: Duration::from_millis(seed),
            seed,
        };
        let counts = prove(faults);
        assert!(about_a_tenth(counts.duplicated) && about_a_tenth(counts.corrupted));
    }
}

#[test]
fn a_delayed_event_comes_even_if_nothing_follows() {
    let faults = Faults { delay: 1.0, delay_by: Duration::from_millis(20), ..Faults::default() };
    let server = TestServer::start(ServeConfig { faults, ..ServeConfig::default() });
    let mut subscriber = server.subscribe("a");
    let start = std::time::Instant::now();
    server.connect().publish("a", "x");
    assert_eq!(subscriber.event(), (1, "x".into()));
    assert!(start.elapsed() >= faults.delay_by);
    let counts = server.until(|counts| counts.delayed == 1);
    assert_eq!(counts, Counts { delivered: 1, delayed: 1, ..Counts::default() });
}

#[test]
fn what_was_held_back_for_one_that_left_was_dropped() {
    let an_hour = Duration::from_secs(3600);
    for faults in [
        Faults { reorder: 1.0, ..Faults::default() },
        Faults { delay: 1.0, delay_by: an_hour, ..Faults::default() },
    ] {
        let mut server = TestServer::start(ServeConfig { faults, ..ServeConfig::default() });
        let (mut subscriber, mut control) = (server.subscribe("a"), server.connect());
        control.publish("a", "x");
        server.until(|counts| counts.pending == 1);
        control.ask("POST", "/cut", "");
        assert_eq!(subscriber.next(), Seen::Cut);
        assert_eq!(server.stop(), Counts { dropped: 1, ..Counts::default() });
    }
}

#[test]
fn a_delay_does_not_outlive_its_stream() {
    let faults = Faults { delay: 1.0, delay_by: Duration::from_millis(200), ..Faults::default() };
    let server = TestServer::start(ServeConfig { faults, ..ServeConfig::default() });
    let (_first, mut control) = (server.subscribe("a"), server.connect());
    control.publish("a", "x");
    control.ask("POST", "/cut", "");
    // It is given the place of the first, but not its events.
    let mut second = server.subscribe("a");
    let counts = server.until(|counts| counts.delivered + counts.dropped == 1);
    control.ask("POST", "/cut?how=end", "");
    assert!(second.rest().is_empty());
    assert_eq!((counts.pending, counts.dropped), (0, 1 - counts.delayed));
}
