//! Streams that are right but unusual: whatever an engine's parser makes of them, the server is not to blame.

use crate::peer::{Answer, Peer};
use crate::program::{all, quick};

const ENGINES: [&str; 2] = ["raw", "reqwest"];
const LOAD: &str = "--clients 3 --rate 20 --duration 1s --drain 3s";

type Frame = fn(u64, &str) -> Vec<u8>;

#[test]
fn the_server_is_not_blamed_for_what_a_parser_does() {
    let plain: Frame = |_, data| format!("data: {data}\n\n").into_bytes();
    let streams: [(&str, &[u8], Frame); 6] = [
        ("a byte order mark", b"\xEF\xBB\xBF", plain),
        ("bytes that are not UTF-8", b"", |number, data| {
            [b": \xFF".as_slice(), format!("{number}\ndata: {data}\n\n").as_bytes()].concat()
        }),
        ("lines that end with CR", b"", |_, data| format!("data: {data}\r\r").into_bytes()),
        ("lines that end with CR LF", b"", |_, data| format!("data: {data}\r\n\r\n").into_bytes()),
        ("ids and times without data", b"", |number, data| {
            format!("id: {number}\n\nretry: 10\n\ndata: {data}\n\n").into_bytes()
        }),
        ("data of several lines", b"", |_, data| {
            format!(":\nevent: x\ndata: [\ndata: \"{data}\"\ndata: ]\nunknown\n\n").into_bytes()
        }),
    ];
    let cases = streams.into_iter().flat_map(|stream| ENGINES.map(|engine| (stream, engine)));
    all(cases.collect(), |((what, start, frame), engine)| {
        let peer = Peer::start(move |_, _| Answer::Stream(start.to_vec()), frame);
        let summary = quick(&format!("{} {LOAD} --engine {engine}", peer.topic())).counted();
        let delivery = &summary.delivery;
        assert_eq!((delivery.expected, delivery.lost, delivery.foreign), (60, 0, 0), "{what}, {engine}");
        assert_eq!((delivery.duplicated, delivery.reordered, delivery.corrupted), (0, 0, 0), "{what}");
        assert_eq!((summary.connections.held, summary.connections.opened), (3, 3), "{what}, {engine}");
        if engine == "raw" {
            assert_eq!(delivery.received, 60, "{what}");
        }
    });
}

#[test]
fn the_place_to_resume_from_is_the_last_id_with_or_without_data() {
    all(ENGINES.to_vec(), |engine| {
        let frame =
            |number, data: &str| format!("id: {number}\ndata: {data}\n\nid: {number}-b\n\n").into_bytes();
        let peer = Peer::start(|_, _| Answer::Stream(b"retry: 10\n\n".to_vec()), frame);
        let load = "--clients 1 --rate 20 --duration 2s --drain 1s --every 500ms --cut 100%";
        let summary = quick(&format!("resume {} {load} --engine {engine}", peer.topic())).counted();
        assert!(summary.connections.reconnects > 0, "the default of 3 s is too long for that");
        let asked = peer.asked();
        let ids: Vec<_> = asked.iter().filter_map(|head| head.split("last-event-id: ").nth(1)).collect();
        // The first two were the trial and the first stream.
        assert_eq!(ids.len(), asked.len() - 2, "{engine}");
        assert!(ids.iter().all(|id| id.split('\r').next().unwrap().ends_with("-b")), "{ids:?}");
    });
}

#[test]
fn comments_are_heartbeats() {
    all(ENGINES.to_vec(), |engine| {
        let frame = |_, data: &str| format!(":\n\ndata: {data}\n\n").into_bytes();
        let peer = Peer::start(|_, _| Answer::Stream(Vec::new()), frame);
        let summary = quick(&format!("{} {LOAD} --engine {engine}", peer.topic())).counted();
        assert!(summary.latency["heartbeat_gap"].count > 0, "{engine}");
    });
}

/// `EventSource` follows; an engine that does not says what it met.
#[test]
fn a_redirect_that_comes_later_is_followed_or_named() {
    all(ENGINES.to_vec(), |engine| {
        let answer = |number, head: &str| match number {
            _ if number > 0 && head.starts_with("get / ") => Answer::Once(
                b"HTTP/1.1 307 Elsewhere\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ),
            _ => Answer::Stream(Vec::new()),
        };
        let peer = Peer::start(answer, |_, data| format!("data: {data}\n\n").into_bytes());
        let outcome = quick(&format!("{} {LOAD} --engine {engine}", peer.topic()));
        if engine == "raw" {
            assert_eq!((outcome.code, outcome.summary.is_none()), (Some(2), true), "{}", outcome.said);
        } else {
            assert_eq!(outcome.counted().delivery.received, 60);
        }
    });
}
