//! A position for a reader that has seen no event yet: given to browsers, which take it silently, and to whoever asks.

use crate::http::head;
use crate::server::TestServer;
use crate::stream::{Said, Stream};

/// As Chromium's `EventSource` sends it.
const CHROMIUM: [&str; 3] = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Accept: text/event-stream",
    "Cache-Control: no-cache",
];

/// The id that a stream begins with, if it does. An event is published first and another behind it, so that it is
/// neither the first id of all nor that of what follows.
fn primed(target: &str, headers: &[&str]) -> Option<String> {
    let server = TestServer::start();
    let before = server.publish("/events/a", "before");
    let target = target.replace("{id}", &before);
    let headers: Vec<_> = headers.iter().map(|header| header.replace("{id}", &before)).collect();
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    let mut stream = Stream::open(server.connect(), head(&format!("GET {target}"), &headers));
    stream.preamble();
    let after = server.publish("/events/a", "after");
    let mut id = None;
    loop {
        match stream.next() {
            Said::Id(primed) => {
                assert_eq!(primed, before, "the position behind everything so far");
                assert!(id.replace(primed).is_none());
            }
            Said::Event(event) if event.id == after => return id,
            Said::Event(event) => assert_eq!(event.name, "", "{event:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_browsers_own_event_source_is_given_a_position() {
    for target in ["/events/a", "/events?topic=a", "/events/a?prime=auto"] {
        assert!(primed(target, &CHROMIUM).is_some(), "{target}");
    }
}

#[test]
fn others_are_not_for_they_may_take_it_for_an_event() {
    let [agent, accept, cache] = CHROMIUM;
    let table: [(&str, &[&str]); 7] = [
        ("curl", &["user-agent: curl/8.5.0", "accept: */*"]),
        ("nobody", &[]),
        ("fetch in a browser", &[agent, accept]),
        ("fetch that accepts anything", &[agent, "accept: */*", cache]),
        ("httpx-sse", &["user-agent: python-httpx/0.28.1", accept, "cache-control: no-store"]),
        ("npm eventsource", &["user-agent: node", accept, cache]),
        ("a proxy that adds to Accept", &[agent, "accept: text/event-stream, */*", cache]),
    ];
    for (name, headers) in table {
        assert_eq!(primed("/events/a", headers), None, "{name}");
    }
}

#[test]
fn the_url_decides_for_everybody() {
    assert!(primed("/events/a?prime=id", &[]).is_some());
    assert!(primed("/events?topic=a&prime=id", &["user-agent: curl/8.5.0"]).is_some());
    assert_eq!(primed("/events/a?prime=off", &CHROMIUM), None);
}

#[test]
fn whoever_brings_a_position_keeps_it() {
    for (target, header) in [
        ("/events/a?last_event_id={id}", None),
        ("/events/a?last_event_id=earliest", None),
        ("/events/a", Some("last-event-id: {id}")),
        ("/events/a?prime=id", Some("last-event-id: {id}")),
        ("/events/a?prime=id&last_event_id={id}", None),
    ] {
        let headers: Vec<_> = CHROMIUM.into_iter().chain(header).collect();
        assert_eq!(primed(target, &headers), None, "{target} {header:?}");
    }
}

#[test]
fn what_was_published_while_a_primed_reader_was_away_is_not_lost() {
    let server = TestServer::start();
    let mut stream = server.subscribe_with("/events/a", &CHROMIUM);
    let Said::Id(position) = stream.next() else { panic!("a browser is primed") };
    drop(stream);
    server.publish("/events/a", "while it was away");
    let mut again = server.subscribe_with("/events/a", &[&format!("last-event-id: {position}")]);
    assert_eq!(again.event().data, "while it was away");
}

#[test]
fn another_word_for_prime_is_refused() {
    let server = TestServer::start();
    for value in ["", "yes", "ID", "auto,off"] {
        server.get(&format!("/events/a?prime={value}")).assert_problem(400, "invalid-query");
    }
}
