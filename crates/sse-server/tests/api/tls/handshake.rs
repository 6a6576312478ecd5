//! What is agreed on, and who is sent away.

use std::io::{Read, Write};
use std::time::Duration;

use sse_server::Config;

use super::{Raw, start, start_with, tcp};
use crate::http::head;

#[test]
fn the_best_protocol_that_both_know_is_chosen() {
    let (server, files) = start();
    let chosen = |protocols: &[&str]| {
        let client = Raw::connect(&server, files.client(protocols)).unwrap();
        client.protocol().map(str::to_owned)
    };
    assert_eq!(chosen(&["http/1.1", "h2"]).as_deref(), Some("h2"));
    assert_eq!(chosen(&["http/1.1"]).as_deref(), Some("http/1.1"));
    assert_eq!(chosen(&[]), None);
}

#[test]
fn who_knows_none_of_the_protocols_gets_no_connection() {
    let (server, files) = start();
    assert!(Raw::connect(&server, files.client(&["http/0.9"])).is_err());
}

#[test]
fn who_names_no_protocol_gets_http1() {
    let (server, files) = start();
    let mut client = Raw::connect(&server, files.client(&[])).unwrap();
    client.send(head("GET /livez", &["connection: close"]));
    assert!(client.rest().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn both_versions_of_tls_are_good() {
    let (server, files) = start();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut client = Raw::connect(&server, files.client_of(&["http/1.1"], &[version])).unwrap();
        assert_eq!(client.0.conn.protocol_version(), Some(version.version));
        client.send(head("GET /livez", &["connection: close"]));
        assert!(client.rest().ends_with("ok\n"));
    }
}

fn impatient(config: &mut Config) {
    config.request_head_timeout = Duration::from_millis(200);
    config.workers = 1;
}

#[test]
fn a_handshake_that_stalls_is_cut_and_holds_up_nobody() {
    let (server, files) = start_with(impatient);
    let mut silent = tcp(&server);
    let mut halfway = tcp(&server);
    // The beginning of a handshake record, of which 256 bytes are still to come.
    halfway.write_all(&[0x16, 3, 1, 1, 0]).unwrap();

    let mut client = Raw::connect(&server, files.client(&["http/1.1"])).unwrap();
    client.send(head("GET /livez", &["connection: close"]));
    assert!(client.rest().ends_with("ok\n"), "on the same worker");
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    assert_eq!(halfway.read(&mut [0]).unwrap(), 0);
}

#[test]
fn plain_http_is_told_that_this_is_tls() {
    let (server, _files) = start();
    let mut client = tcp(&server);
    client.write_all(head("GET /livez", &[]).as_bytes()).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("closed in good order");
    // An alert (RFC 8446 section 6): fatal, and there is no more.
    assert_eq!((answer.len(), answer[0], answer[5]), (7, 0x15, 2), "{answer:?}");
}
