//! Where a stream begins: `Last-Event-ID`, `?last_event_id=`, `earliest`, and whatever else clients send for them.

use serde_json::{Value, json};

use crate::http::head;
use crate::server::{TestServer, epoch};
use crate::stream::Stream;

/// A hub that retains events 3 to 5 of the five that were published, and the epoch of its ids.
fn with_history() -> (TestServer, String) {
    let server = TestServer::with(|config| config.hub.retain_events = 3);
    let ids: Vec<_> = (1..=5).map(|n| server.publish("/events/a", n.to_string())).collect();
    let epoch = epoch(&ids[0]).to_owned();
    (server, epoch)
}

/// What a stream begins with, up to an event that is published once it is open: a gap, if there is one, and data.
fn beginning(server: &TestServer, request: impl AsRef<[u8]>) -> (Option<Value>, Vec<String>) {
    let mut stream = Stream::open(server.connect(), request);
    stream.preamble();
    server.publish("/events/a", "live");
    let mut gap = None;
    let mut data = Vec::new();
    loop {
        let event = stream.event();
        match event.name.as_str() {
            "sse.gap" => {
                assert!(data.is_empty(), "a gap is announced first");
                let said = event.control("sse.gap");
                let before =
                    said["before"].as_str().unwrap().rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
                assert_eq!(
                    event.id,
                    format!("{}-{}", epoch(&event.id), before - 1),
                    "its id is a place to resume"
                );
                assert!(gap.replace(said).is_none(), "one gap is announced once");
            }
            _ if event.data == "live" => return (gap, data),
            _ => data.push(event.data),
        }
    }
}

fn with_header(value: &[u8]) -> Vec<u8> {
    [b"GET /events/a HTTP/1.1\r\nhost: test\r\nlast-event-id: ", value, b"\r\n\r\n"].concat()
}

fn with_query(value: &str) -> Vec<u8> {
    head(&format!("GET /events/a?last_event_id={value}"), &[]).into()
}

fn gap(epoch: &str, after: Option<&str>, missed: Option<u64>, reason: &str) -> Option<Value> {
    Some(json!({"after": after, "before": format!("{epoch}-3"), "missed": missed, "reason": reason}))
}

#[test]
fn a_known_position_is_followed_exactly() {
    // Each on a hub of its own, for the event that ends the beginning becomes part of the history.
    let table: [(u64, Option<u64>, &[&str]); 6] = [
        (0, Some(2), &["3", "4", "5"]),
        (1, Some(1), &["3", "4", "5"]),
        (2, None, &["3", "4", "5"]),
        (3, None, &["4", "5"]),
        (4, None, &["5"]),
        (5, None, &[]),
    ];
    for (sequence, missed, data) in table {
        for by_query in [false, true] {
            let (server, epoch) = with_history();
            let id = format!("{epoch}-{sequence}");
            let request = if by_query { with_query(&id) } else { with_header(id.as_bytes()) };
            let expected_gap = missed.and_then(|missed| gap(&epoch, Some(&id), Some(missed), "expired"));
            let expected: Vec<String> = data.iter().map(ToString::to_string).collect();
            assert_eq!(
                beginning(&server, request),
                (expected_gap, expected),
                "after {sequence}, query: {by_query}"
            );
        }
    }
}

#[test]
fn without_a_position_a_stream_begins_now() {
    for request in [head("GET /events/a", &[]).into(), with_header(b""), with_query(""), with_header(b" ")] {
        let (server, _) = with_history();
        assert_eq!(beginning(&server, &request), (None, vec![]), "{:?}", String::from_utf8_lossy(&request));
    }
}

#[test]
fn earliest_is_all_that_is_retained() {
    for request in [with_query("earliest"), with_header(b"earliest")] {
        let (server, _) = with_history();
        assert_eq!(beginning(&server, request), (None, ["3", "4", "5"].map(str::to_owned).into()));
    }
}

#[test]
fn the_header_wins_over_the_query_and_an_empty_one_does_not() {
    let (server, epoch) = with_history();
    let request = |query: &str, header: &str| {
        head(&format!("GET /events/a?last_event_id={query}"), &[&format!("last-event-id: {header}")])
    };
    let newer = request("earliest", &format!("{epoch}-4"));
    assert_eq!(beginning(&server, newer), (None, vec!["5".to_owned()]));

    let (server, epoch) = with_history();
    let empty = request(&format!("{epoch}-4"), "");
    assert_eq!(beginning(&server, empty), (None, vec!["5".to_owned()]));

    let (server, epoch) = with_history();
    let camel = head(&format!("GET /events/a?lastEventId={epoch}-4"), &[]);
    assert_eq!(beginning(&server, camel), (None, vec!["5".to_owned()]), "as EventSource polyfills name it");
}

#[test]
fn what_is_no_position_is_a_gap_and_never_an_error() {
    // A browser that gets an error gives up for good (WHATWG HTML section 9.2.3).
    let table: [(&str, Vec<u8>); 17] = [
        ("10 KiB", b"9".repeat(10 * 1024)),
        ("10 KiB behind an epoch", [b"{epoch}-", b"9".repeat(10 * 1024).as_slice()].concat()),
        ("bytes that are not text", b"\x80\xFF\xFE".to_vec()),
        ("UTF-8", "…".as_bytes().to_vec()),
        ("2 to the 64", b"{epoch}-18446744073709551616".to_vec()),
        ("negative", b"-1".to_vec()),
        ("negative behind an epoch", b"{epoch}--1".to_vec()),
        ("signed", b"{epoch}-+4".to_vec()),
        ("a leading zero", b"{epoch}-04".to_vec()),
        ("a space within", b"{epoch}- 4".to_vec()),
        ("in the future", b"{epoch}-6".to_vec()),
        ("in the far future", b"{epoch}-18446744073709551615".to_vec()),
        ("garbage", b"<script>'\"--".to_vec()),
        ("a number", b"4".to_vec()),
        ("an epoch alone", b"{epoch}".to_vec()),
        ("earliest in capitals", b"EARLIEST".to_vec()),
        ("a list", b"{epoch}-4, {epoch}-5".to_vec()),
    ];
    for (name, value) in table {
        let (server, epoch) = with_history();
        let value = replace(&value, b"{epoch}", epoch.as_bytes());
        let (gap_said, data) = beginning(&server, with_header(&value));
        assert_eq!(gap_said, gap(&epoch, None, None, "unknown"), "{name}");
        assert_eq!(data, ["3", "4", "5"], "{name}");
    }
}

#[test]
fn two_headers_are_no_position_even_if_they_agree() {
    let (server, epoch) = with_history();
    let id = format!("last-event-id: {epoch}-4");
    let request = head("GET /events/a", &[&id, &id]);
    assert_eq!(beginning(&server, request).0, gap(&epoch, None, None, "unknown"));
}

#[test]
fn the_query_may_hold_what_no_header_can() {
    for value in ["%00", "%0D%0A", "a%0D%0AX-Evil%3A%20yes", "%E2%80%A6", "4%00"] {
        let (server, epoch) = with_history();
        let (said, data) = beginning(&server, with_query(value));
        assert_eq!(said, gap(&epoch, None, None, "unknown"), "{value}");
        assert_eq!(data, ["3", "4", "5"], "{value}");
    }
    let (server, _) = with_history();
    let answer = server.get("/events/a?last_event_id=%FF");
    answer.assert_problem(400, "invalid-query");
}

#[test]
fn a_position_of_another_life_of_the_hub_is_a_restart() {
    for id in ["00000000-0", "00000000-4", "ABCDEFGH-18446744073709551615"] {
        let (server, epoch) = with_history();
        let (said, data) = beginning(&server, with_header(id.as_bytes()));
        assert_eq!(said, gap(&epoch, Some(id), None, "restart"), "{id}");
        assert_eq!(data, ["3", "4", "5"], "{id}");
    }
}

#[test]
fn a_position_holds_in_every_topic_of_the_hub() {
    let (server, epoch) = with_history();
    let mut stream = server.subscribe_with("/events/other", &[&format!("last-event-id: {epoch}-3")]);
    server.publish("/events/other", "first");
    assert_eq!(stream.event().data, "first", "nothing was lost in a topic where nothing was published");
}

#[test]
fn a_resume_after_any_event_gives_exactly_the_rest() {
    let server = TestServer::start();
    let ids: Vec<_> = (0..30).map(|n| server.publish("/events/a", n.to_string())).collect();
    for (n, id) in ids.iter().enumerate() {
        let mut stream = server.subscribe_with("/events/a", &[&format!("last-event-id: {id}")]);
        let expected: Vec<_> = (n + 1..30).map(|n| n.to_string()).collect();
        assert_eq!(stream.data(expected.len()), expected);
    }
}

#[test]
fn a_gap_that_was_announced_is_not_announced_again() {
    let (server, epoch) = with_history();
    let mut stream = server.subscribe_with("/events/a", &[&format!("last-event-id: {epoch}-0")]);
    let gap = stream.event();
    assert_eq!(gap.name, "sse.gap");
    drop(stream);
    let mut again = server.subscribe_with("/events/a", &[&format!("last-event-id: {}", gap.id)]);
    assert_eq!(again.data(3), ["3", "4", "5"]);
}

fn replace(value: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
