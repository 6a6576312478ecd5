//! What becomes an event, and that its readers get exactly that.

use crate::http::{chunk, head, post};
use crate::server::TestServer;

#[test]
fn the_answer_is_the_id_that_readers_see() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let answer = server.post("/events/a", &[], "x");
    assert_eq!(answer.head.status, 200);
    assert_eq!(answer.head.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json()["id"], stream.event().id);
}

#[test]
fn every_content_type_is_data_and_none_of_it_gets_into_the_data() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let table: [(&[&str], &str); 8] = [
        (&[], "none"),
        (&["content-type: text/plain"], "plain"),
        (&["content-type: text/plain;charset=UTF-8"], "é"),
        (&["content-type: application/json"], "{\"a\": [1, \"b\"]}"),
        (&["content-type: application/x-www-form-urlencoded"], "a=b&c=%20"),
        (&["content-type: multipart/form-data; boundary=x"], "--x\n\nb\n--x--"),
        (&["content-type: application/octet-stream"], "\u{1}\u{2}\0"),
        (&["content-type: text/plain", "content-encoding: identity"], "as it is"),
    ];
    for (headers, body) in table {
        assert_eq!(server.post("/events/a", headers, body).head.status, 200, "{headers:?}");
        let event = stream.event();
        assert_eq!((event.name.as_str(), event.data.as_str()), ("", body), "{headers:?}");
    }
}

#[test]
fn an_empty_body_is_an_empty_event() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let chunked = head("POST /events/a", &["transfer-encoding: chunked"]);
    let table: [(&str, Vec<u8>); 3] = [
        ("of length zero", post("/events/a", &[], "")),
        ("without a length", head("POST /events/a", &[]).into()),
        ("without a chunk", [chunked.as_bytes(), &chunk("")].concat()),
    ];
    for (name, request) in table {
        let answer = server.request(request);
        assert_eq!(answer.head.status, 200, "{name}");
        let event = stream.event();
        assert_eq!(
            (event.data.as_str(), event.id.as_str()),
            ("", answer.json()["id"].as_str().unwrap()),
            "{name}"
        );
    }
}

#[test]
fn data_comes_out_as_it_went_in_but_for_line_ends() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let table = [
        ("two\nlines", "two\nlines"),
        ("CR\rand\r\nCR LF", "CR\nand\nCR LF"),
        ("\n", "\n"),
        ("a\n", "a\n"),
        ("\r\r\n\n", "\n\n\n"),
        (" leading space", " leading space"),
        ("x\rid: 7\revent: sse.end\r\rdata: forged", "x\nid: 7\nevent: sse.end\n\ndata: forged"),
        (":comment\nretry: 1", ":comment\nretry: 1"),
        (
            "\u{FEFF}BOM \u{2028}\u{2029}\u{85}\u{B}\u{C} and \0",
            "\u{FEFF}BOM \u{2028}\u{2029}\u{85}\u{B}\u{C} and \0",
        ),
    ];
    for (sent, expected) in table {
        let id = server.publish("/events/a", sent);
        let event = stream.event();
        assert_eq!((event.name.as_str(), event.data.as_str(), event.id), ("", expected, id));
    }
}

#[test]
fn a_body_may_come_in_chunks_cut_anywhere() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut connection = server.connect();
    connection.send(head("POST /events/a", &["transfer-encoding: chunked"]));
    for byte in "zwölf €".bytes() {
        connection.send(chunk([byte]));
    }
    connection.send(chunk(""));
    assert_eq!(connection.response().head.status, 200);
    assert_eq!(stream.event().data, "zwölf €");
}

#[test]
fn the_name_comes_from_the_query() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let longest = "n".repeat(255);
    let table = [
        ("?event=price", "price"),
        ("?event=", ""),
        ("?", ""),
        ("?event=two+words", "two words"),
        ("?event=%E6%97%A5%E6%9C%AC", "日本"),
        ("?event=sse", "sse"),
        ("?event=SSE.gap", "SSE.gap"),
        ("?event=a%3A%20b", "a: b"),
        ("?event=x&end=false", "x"),
        (&format!("?event={longest}"), &longest),
    ];
    for (query, name) in table {
        let id = server.publish(&format!("/events/a{query}"), "x");
        let event = stream.event();
        assert_eq!((event.name.as_str(), event.id), (name, id), "{query}");
    }
}

#[test]
fn an_event_reaches_the_readers_of_its_topic_and_no_others() {
    let server = TestServer::start();
    let mut streams: Vec<_> = (0..10).map(|_| server.subscribe("/events/a")).collect();
    let mut other = server.subscribe("/events/b");
    let id = server.publish("/events/a", "for a");
    server.publish("/events/b", "for b");
    for stream in &mut streams {
        assert_eq!(stream.event().id, id);
    }
    assert_eq!(other.event().data, "for b");
}
