//! Clients that do what HTTP allows: nothing above may get in their way.

use super::*;

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

fn answers(server: &Served, requests: &[u8]) -> String {
    let mut client = server.connect();
    client.write_all(requests).unwrap();
    read_to_end(&mut client)
}

#[test]
fn pipelined_requests_are_answered_in_turn() {
    let server = Served::patient();
    let requests = GET.repeat(200) + LAST;
    let answers = answers(&server, requests.as_bytes());
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 201);
    assert_eq!(answers.matches("short").count(), 201);
    assert_eq!(server.handled(), 201);
}

#[test]
fn a_connection_is_kept_for_request_after_request() {
    let server = Served::patient();
    let mut client = server.connect();
    for _ in 0..50 {
        client.write_all(GET.as_bytes()).unwrap();
        read_until(&mut client, "short");
    }
    assert_eq!(server.handled(), 50);
}

#[test]
fn a_head_may_come_in_pieces() {
    let server = Served::patient();
    let mut client = server.connect();
    client.set_nodelay(true).unwrap();
    for byte in LAST.as_bytes() {
        client.write_all(&[*byte]).unwrap();
    }
    assert!(read_to_end(&mut client).ends_with("short"));
}

#[test]
fn a_head_may_be_longer_than_a_turn() {
    let server = Served::patient();
    let long =
        format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\nconnection: close\r\n\r\n", "x".repeat(5 * TURN));
    assert!(answers(&server, long.as_bytes()).ends_with("short"));
}

#[test]
fn a_body_of_known_length_arrives_whole_and_the_next_request_after_it() {
    let server = Served::patient();
    let length = 200_000;
    let request = format!("POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    let requests = [request.as_bytes(), &vec![b'x'; length], LAST.as_bytes()].concat();
    let answers = answers(&server, &requests);
    assert!(answers.contains("200000 bytes") && answers.ends_with("short"), "{answers}");
}

#[test]
fn a_chunked_body_arrives_whole_and_the_next_request_after_it() {
    let server = Served::patient();
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, "x".repeat(10_000));
    let request = "POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let requests = format!("{request}{}0\r\n\r\n{LAST}", chunk.repeat(20));
    let answers = answers(&server, requests.as_bytes());
    assert!(answers.contains("200000 bytes") && answers.ends_with("short"), "{answers}");
}

#[test]
fn a_body_may_wait_for_100_continue() {
    let server = Served::patient();
    let mut client = server.connect();
    let head = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    read_until(&mut client, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"abc").unwrap();
    read_until(&mut client, "3 bytes");
}

#[test]
fn a_client_that_closes_its_side_early_still_gets_a_short_answer() {
    let server = Served::patient();
    let mut client = server.connect();
    client.write_all(LAST.as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(read_to_end(&mut client).ends_with("short"));
}

#[test]
fn a_body_that_was_not_waited_for_is_not_taken_for_a_head() {
    let server = Served::patient();
    let length = 2_000_000;
    let request = format!("POST /give-up HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    let mut client = server.connect();
    client.write_all(&[request.as_bytes(), &vec![b'x'; length]].concat()).expect("all of it is read");
    read_until(&mut client, "short");
    assert_eq!(read_to_end(&mut client), "", "and there is no other answer");
}
