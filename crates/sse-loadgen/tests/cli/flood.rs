//! A flood finds what the server did, to the last event, although it decodes next to nothing.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sse_loadgen::serve::{Faults, ServeConfig};

use crate::exact::done;
use crate::peer::{Answer, Peer};
use crate::program::all;
use crate::server::{TestServer, prompt};

struct Flooded {
    code: Option<i32>,
    said: String,
    report: Value,
}

fn flood(args: &str) -> Flooded {
    let files = tempfile::tempdir().unwrap();
    let json = files.path().join("json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-loadgen"));
    command.arg("flood").args(args.split_whitespace()).arg("--json").arg(&json);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let report = std::fs::read_to_string(json).unwrap_or_else(|_| "null".to_owned());
    Flooded {
        code: output.status.code(),
        said: text(output.stderr) + &text(output.stdout),
        report: serde_json::from_str(&report).unwrap(),
    }
}

impl Flooded {
    fn number(&self, name: &str) -> u64 {
        self.report[name].as_u64().unwrap_or_else(|| panic!("{name} in {}", self.report))
    }

    /// Deliveries, lost, duplicated, reordered, damaged. On a machine that does something else too, the tester may not have
    /// had the time to measure; what was counted holds all the same.
    fn found(&self) -> [u64; 5] {
        assert!(matches!(self.code, Some(0 | 4)), "{:?} {}", self.code, self.said);
        assert_eq!((self.number("foreign"), self.number("uncertain")), (0, 0));
        ["deliveries", "lost", "duplicated", "reordered", "damaged"].map(|name| self.number(name))
    }
}

#[test]
fn every_fault_is_found_and_counted() {
    let none = Faults::default();
    let delay_by = Duration::from_millis(200);
    let faults = vec![
        none,
        Faults { drop: 0.02, ..none },
        Faults { duplicate: 0.02, ..none },
        Faults { reorder: 0.02, ..none },
        Faults { corrupt: 0.02, ..none },
        Faults { delay: 0.02, delay_by, ..none },
        Faults { drop: 0.03, duplicate: 0.03, reorder: 0.03, corrupt: 0.03, delay: 0.03, delay_by, ..none },
    ];
    all(faults, |faults| {
        let server = TestServer::faulty(Faults { seed: 1, ..faults });
        let load = "--clients 30 --warmup 50 --events 250 --settle 0s --drain 3s";
        let flooded = flood(&format!("{} {load}", server.url(0, "/events/t")));
        let found = flooded.found();
        let counts = server.stop();
        assert_eq!((found, flooded.number("expected")), (done(&counts), 30 * 300), "{faults:?}");
        // Otherwise nothing was tested.
        assert_eq!(found[1..].iter().any(|&faults| faults > 0), faults.any());
        assert_eq!((flooded.number("warmup_events"), flooded.number("events")), (50, 250));
    });
}

#[test]
fn streams_without_a_fault_are_compared_and_not_decoded() {
    let server = TestServer::clean();
    let url = server.url(0, "/events/t");
    let flooded = flood(&format!(
        "{url} --clients 500 --warmup 100 --events 900 --settle 0s --watch-pid {}",
        std::process::id()
    ));
    assert_eq!(flooded.found(), [500_000, 0, 0, 0, 0]);
    let decoded = flooded.report["tester"]["decoded"].as_f64().unwrap();
    assert!(decoded < 0.1, "{decoded}");
    assert_eq!(flooded.number("measured"), 450_000);
    assert!(flooded.report["server"]["rss_connected"].as_u64() > Some(0));
    assert!(flooded.report["latency_ns"]["p50"].as_u64() > Some(0));
}

#[test]
fn a_rate_is_kept_and_heartbeats_are_nothing() {
    let heartbeat = Duration::from_millis(10);
    let server = TestServer::start(&ServeConfig { heartbeat, ..prompt() });
    let url = server.url(0, "/events/t");
    let flooded = flood(&format!("{url} --clients 20 --warmup 200ms --rate 40 --duration 2s"));
    assert_eq!(flooded.found(), [20 * 88, 0, 0, 0, 0]);
    assert_eq!((flooded.number("events"), flooded.number("warmup_events")), (80, 8));
    assert_eq!(server.stop().delivered, 20 * 88);
}

/// Streams end with the connection, and all have the same faults: nobody has what is missing.
#[test]
fn what_goes_wrong_for_all_is_found_for_each() {
    let frame = |number: u64, data: &str| {
        let event = |data: &str| format!("data: {data}\n\n").into_bytes();
        match number % 10 {
            3 => Vec::new(),
            4 => event(data).repeat(2),
            5 => event(&data.replace('x', "y")),
            7 => b"event: sse.gap\ndata: {\"missed\":1}\n\n".to_vec(),
            _ => event(data),
        }
    };
    let peer = Peer::start(|_, _| Answer::Stream(b": hello\n\n".to_vec()), frame);
    let flooded = flood(&format!("{} --clients 9 --warmup 0 --events 100 --drain 1s", peer.url()));
    assert_eq!(flooded.found(), [9 * 70, 9 * 10, 9 * 10, 0, 9 * 10]);
    assert_eq!((flooded.number("announced"), flooded.number("expected")), (9 * 10, 9 * 100));
}

#[test]
fn streams_that_end_are_counted_and_lose_what_follows() {
    let answer = |number: usize, _: &str| match number {
        0 => Answer::Once(format!("{}: bye\n", crate::peer::HEAD).into_bytes()),
        _ => Answer::Stream(Vec::new()),
    };
    let peer = Peer::start(answer, |_, data| format!("data: {data}\n\n").into_bytes());
    let flooded = flood(&format!("{} --clients 3 --warmup 0 --events 50 --drain 1s", peer.url()));
    assert_eq!(flooded.found(), [100, 50, 0, 0, 0]);
    assert_eq!(flooded.report["ended"]["cut"].as_u64(), Some(1));
}

#[test]
fn what_cannot_be_flooded_is_said() {
    let server = TestServer::clean();
    let url = server.url(0, "/events/t");
    let nothing = "--clients 2 --settle 0s --events 1";
    for (args, code, says) in [
        (format!("http://127.0.0.1:1/ {nothing}"), 2, "gives nobody a stream: refused"),
        (format!("{} {nothing}", server.url(0, "/nowhere")), 2, "gives nobody a stream: status 404"),
        (
            format!("{url} {nothing} --publish {}", server.url(0, "/nowhere")),
            2,
            "takes no event: it answers 404",
        ),
        ("https://127.0.0.1/".to_owned(), 1, "plain http:// only"),
        // Reserved for documentation (RFC 5737): nobody has it, and nobody is asked.
        ("http://192.0.2.1/".to_owned(), 1, "machines of your own"),
        (format!("{url} --rate 0"), 1, "--rate"),
    ] {
        let flooded = flood(&args);
        assert!(
            flooded.code == Some(code) && flooded.said.contains(says),
            "{:?} {}",
            flooded.code,
            flooded.said
        );
        assert_eq!(flooded.report, Value::Null);
    }
}
