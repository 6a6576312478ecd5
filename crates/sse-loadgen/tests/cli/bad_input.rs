//! What cannot be done, or is no stream of events: one clear line, and the code that is documented.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::peer::{Answer, HEAD, Peer};
use crate::program::{Run, all, quick, until};
use crate::server::TestServer;

const LOAD: &str = "--clients 3 --duration 500ms --drain 1s";

/// The code, and one line that says so.
fn refused(args: &str, code: i32, reason: &str) {
    let outcome = quick(args);
    assert_eq!((outcome.code, &*outcome.table), (Some(code), ""), "{args}: {}", outcome.said);
    assert!(outcome.said.contains(reason), "{args}: {}", outcome.said);
    if outcome.said.starts_with("sse-loadgen: ") {
        assert_eq!(outcome.said.lines().count(), 1, "{}", outcome.said);
    } else {
        // The parser of arguments adds where there is help.
        assert!(outcome.said.starts_with("error: "), "{}", outcome.said);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let url = "http://127.0.0.1:9/";
    let cases = [
        ("--clients 0", "nothing to measure without a client"),
        ("--clients=-1", "invalid value"),
        ("--rate 0", "a rate is above 0"),
        ("--rate -5", "a rate is above 0"),
        ("--rate NaN", "a rate is above 0"),
        ("--rate 1e99", "a rate is above 0"),
        ("--ramp 0/s", "a rate is from 0.01/s"),
        ("--ramp fast", "write a rate"),
        ("--topics 0", "at least 1"),
        ("--topics 101", "no more than there are clients"),
        ("--duration 1ms", "at least 100ms"),
        ("--duration 5", "time unit"),
        ("--in-flight 0", "at least 1"),
        ("--workers 0", "0 is not in"),
        ("--fail lost", "is no condition"),
        ("--fail delivery.p99>fast", "is no value"),
        ("--fail delivry.p99>5ms", "did you mean"),
        ("--fail lost>5ms", "cannot be '5ms'"),
        ("--header nonsense", "has no colon"),
        ("--header Content-Length:3", "is set by the request itself"),
        ("--method G(T", "is no method"),
        ("--body @/nowhere", "cannot be read"),
        ("--watch-pid x", "invalid value"),
        ("--publish nonsense", "is no URL"),
        ("--engine other", "possible values: raw, reqwest"),
    ];
    all(cases.to_vec(), |(args, reason)| refused(&format!("{url} {args}"), 1, reason));
    let https = "https://127.0.0.1:9/ --engine raw";
    for (args, reason) in [
        (https, "raw speaks plain http only"),
        ("ftp://127.0.0.1/", "only http:// and https://"),
        ("http://", "is no URL"),
        ("http://127.0.0.1:9/{{sequence}}", "cannot stand here"),
        ("slow http://127.0.0.1:9/ --slow 60% --stalled 40%", "some clients have to be healthy"),
        ("request http://127.0.0.1:9/ --publish http://127.0.0.1:9/", "an answer is all"),
    ] {
        refused(args, 1, reason);
    }
}

/// Addresses for documentation (RFC 5737), which nobody has: were anything opened, it would take until the timeout.
#[test]
fn many_clients_are_for_ones_own_server() {
    for address in ["192.0.2.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]"] {
        refused(
            &format!("http://{address}:8080/ --clients 11 --connect-timeout 1h"),
            1,
            "--i-own-this-target",
        );
    }
}

#[test]
fn a_target_that_is_no_stream_is_named() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    refused(&format!("http://{unused}/ {LOAD}"), 2, "refused");
    let answer =
        |status: &str, headers: &str| format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\n\r\n");
    let cases = [
        (answer("401 Unauthorized", ""), "answers 401: it wants to know who asks"),
        (answer("404 Not Found", ""), "answers 404"),
        (answer("503 Service Unavailable", ""), "answers 503"),
        (answer("302 Found", "Location: /there\r\n"), "redirects to /there"),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), "answers 204"),
        (answer("200 OK", "Content-Type: text/html\r\n"), "its content type is text/html"),
        (answer("200 OK", ""), "its content type is none"),
        ("SSH-2.0-OpenSSH_9.9\r\n".to_owned(), "cannot be reached"),
        (String::new(), "cannot be reached"),
    ];
    all(cases.to_vec(), |(answer, reason)| {
        refused(&format!("{} {LOAD}", Peer::once(answer).url()), 2, reason);
    });
    let silent = Peer::start(|_, _| Answer::Silence, |_, _| Vec::new());
    refused(&format!("{} {LOAD} --connect-timeout 300ms", silent.url()), 2, "has not answered within 300ms");
}

#[test]
fn streams_that_end_at_once_are_no_streams() {
    let peer = Peer::once(HEAD);
    let args = format!("{} {LOAD} --connect-timeout 300ms --retry 100ms", peer.url());
    refused(&args, 2, "each was over at once: end");
}

/// A stream that stays open, and brings what is no event.
#[test]
fn what_is_no_event_is_none() {
    all(vec!["raw", "reqwest"], |engine| {
        let noise: Vec<u8> =
            (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7F | 1).collect();
        let peer = Peer::start(move |_, _| Answer::Stream(noise.clone()), |_, _| b"%\n\n".to_vec());
        let args = format!("{} {LOAD} --rate 20 --engine {engine}", peer.topic());
        let summary = quick(&args).counted();
        let delivery = &summary.delivery;
        assert_eq!((delivery.expected, delivery.received, delivery.lost), (30, 0, 30), "{engine}");
    });
}

#[test]
fn an_endless_line_ends_the_stream_and_takes_no_memory() {
    const LINE: usize = 100 << 20;
    all(vec!["raw", "reqwest"], |engine| {
        let answer = |number, _: &str| {
            // The first is the trial.
            Answer::Stream(if number == 1 {
                [b"data: ", vec![b'x'; LINE].as_slice()].concat()
            } else {
                Vec::new()
            })
        };
        let peer = Peer::start(answer, |_, data| format!("data: {data}\n\n").into_bytes());
        let args = format!(
            "--quiet --settle 0s --warmup 0s {} {LOAD} --rate 20 --max-event 65536 --engine {engine}",
            peer.topic()
        );
        let mut run = Run::start(&args);
        let mut most = 0;
        until("the end", || {
            most = run.workers().into_iter().map(peak).max().unwrap_or(0).max(most);
            run.is_over()
        });
        let summary = run.finish().counted();
        let closed = &summary.connections.closed;
        assert_eq!(closed.get("event too long"), Some(&1), "{engine}: {closed:?}");
        assert_eq!(summary.connections.stopped, 1);
        assert!(most > 0 && most < 64 << 20, "{engine}: {most} bytes");
        assert_eq!(summary.delivery.received, 20, "{engine}: the others go on");
    });
}

/// The most memory that a process has had, in bytes; 0 if it has ended.
fn peak(process: i32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok()).unwrap_or(0) << 10
}

#[test]
fn a_report_that_cannot_be_written_is_still_shown() {
    let server = TestServer::clean();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-loadgen"));
    command.args(format!("{} {LOAD} --quiet --settle 0s --warmup 0s", server.topic()).split_whitespace());
    let output = command.args(["--json", "/nowhere/report.json"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("/nowhere/report.json") && said.lines().count() == 1, "{said}");
}

#[test]
fn requests_that_nobody_answers_are_counted() {
    let server = TestServer::clean();
    let url = server.url(0, "/nothing");
    for engine in ["raw", "reqwest"] {
        let outcome = quick(&format!("request {url} --rate 20 --duration 500ms --engine {engine}"));
        assert_eq!(outcome.code, Some(2), "{}", outcome.said);
        assert_eq!(outcome.summary.unwrap().connections.errors["status 404"], 10, "{engine}");
    }
}
