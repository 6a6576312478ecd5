//! A certificate that is replaced while the server runs.

use super::{Files, Raw, start};
use crate::http::{head, post};
use crate::server::TestServer;

fn shown_to(server: &TestServer, files: &Files) -> Vec<u8> {
    Raw::connect(server, files.client(&["http/1.1"])).unwrap().certificate().to_vec()
}

#[test]
fn new_connections_see_the_new_certificate_and_open_streams_go_on() {
    let (server, mut files) = start();
    let mut stream = Raw::connect(&server, files.client(&["http/1.1"])).unwrap();
    stream.send(head("GET /events/a", &[]));
    stream.until(":ok\n");
    let before = files.certificate.to_vec();
    assert_eq!(shown_to(&server, &files), before);

    files.replace();
    assert!(Raw::connect(&server, files.client(&["http/1.1"])).is_err(), "not before it is told");
    server.tls().reload().unwrap();
    let after = shown_to(&server, &files);
    assert_eq!(after, files.certificate.to_vec());
    assert_ne!(after, before);

    let mut publisher = Raw::connect(&server, files.client(&["http/1.1"])).unwrap();
    publisher.send(post("/events/a", &[], "hello"));
    stream.until("data: hello\n");
}

#[test]
fn a_bad_file_leaves_the_old_certificate_in_force() {
    let (server, files) = start();
    files.spoil();
    let error = server.tls().reload().unwrap_err().to_string();
    assert!(error.contains("there is no certificate in PEM in this file"), "{error}");
    assert_eq!(error.lines().count(), 1);
    assert_eq!(shown_to(&server, &files), files.certificate.to_vec());
}
