//! Clients that send what they must not, or not soon enough.

use super::*;

const BRIEF: Duration = Duration::from_millis(300);

/// Time limits that play no part.
fn patience() -> Config {
    Config {
        request_head_timeout: BOUND * 2,
        keep_alive: BOUND * 2,
        write_timeout: BOUND * 2,
        ..Config::default()
    }
}

fn impatient_with_heads() -> Served {
    Served::new(&Config { request_head_timeout: BRIEF, keep_alive: BOUND * 2, ..Config::default() })
}

fn impatient_with_idlers() -> Served {
    Served::new(&Config { request_head_timeout: BOUND * 2, keep_alive: BRIEF, ..Config::default() })
}

/// Sends a byte at a time until the server says or does something; returns all that came.
fn dribble(client: &mut TcpStream) -> String {
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let begun = Instant::now();
    let mut answer = String::new();
    let mut chunk = [0; 256];
    while begun.elapsed() < BOUND {
        let _ = client.write_all(b"x");
        match client.read(&mut chunk) {
            Ok(0) => return answer,
            Ok(n) => answer.push_str(std::str::from_utf8(&chunk[..n]).unwrap()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return answer,
        }
    }
    panic!("still open after {BOUND:?}; so far {answer:?}");
}

#[test]
fn a_dribbled_first_head_gets_408() {
    let server = impatient_with_heads();
    let mut client = server.connect();
    client.write_all(b"GET /").unwrap();
    let answer = dribble(&mut client);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
    assert_eq!(server.handled(), 0);
}

#[test]
fn a_dribbled_second_head_gets_408_too() {
    let server = impatient_with_heads();
    let mut client = server.connect();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    read_until(&mut client, "short");
    client.write_all(b"GET /").unwrap();
    let answer = dribble(&mut client);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
    assert_eq!(server.handled(), 1);
}

#[test]
fn a_second_head_that_stops_after_a_byte_gets_408() {
    let server = impatient_with_heads();
    let mut client = server.connect();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    read_until(&mut client, "short");
    client.write_all(b"G").unwrap();
    assert!(read_to_end(&mut client).starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let server = impatient_with_heads();
    assert_eq!(read_to_end(&mut server.connect()), "");
}

#[test]
fn an_idle_connection_is_closed() {
    let server = impatient_with_idlers();
    let mut client = server.connect();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    read_until(&mut client, "short");
    assert_eq!(read_to_end(&mut client), "");
}

#[test]
fn a_connection_is_idle_once_its_stream_is_over() {
    let server = impatient_with_idlers();
    let mut client = server.open_stream("/brief-stream");
    let rest = read_to_end(&mut client);
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
}

#[test]
fn a_connection_is_idle_once_a_body_was_given_up() {
    let server = impatient_with_idlers();
    let mut client = server.connect();
    let head = b"POST /give-up HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write_all(head).unwrap();
    let answer = read_to_end(&mut client);
    assert!(answer.ends_with("short"), "{answer:?}");
}

#[test]
fn one_byte_on_an_open_stream_ends_it() {
    let server = Served::patient();
    let mut client = server.open_stream("/stream");
    client.write_all(b"x").unwrap();
    server.stream_ended();
    read_to_end(&mut client);
}

#[test]
fn a_flood_on_an_open_stream_ends_it_and_occupies_nobody() {
    let server = Served::patient();
    let mut client = server.open_stream("/stream");
    let requests = "GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(16);
    // The server may have closed before it all is sent.
    let _ = client.write_all(&[requests.as_bytes(), &[b'x'; 256 * 1024]].concat());
    let polls = server.stream_ended();
    read_to_end(&mut client);
    assert!(polls < 50, "the stream was polled {polls} times");
    assert_eq!(server.handled(), 1, "only the stream itself was handled");
}

#[test]
fn requests_sent_together_with_a_stream_are_never_parsed() {
    for (path, more) in [("/stream", 1), ("/stream", 4000), ("/late-stream", 1), ("/late-stream", 4000)] {
        let server = Served::patient();
        let mut client = server.connect();
        let burst = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")
            + &"GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(more);
        let _ = client.write_all(burst.as_bytes());
        let polls = server.stream_ended();
        read_to_end(&mut client);
        assert!(polls < 50, "{path} was polled {polls} times");
        assert_eq!(server.handled(), 1, "{path}");
    }
}

#[test]
fn a_stream_behind_a_chunked_body_in_one_burst_is_not_kept() {
    let server = Served::patient();
    let mut client = server.connect();
    let burst = "POST /length HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                 GET /stream HTTP/1.1\r\nhost: a\r\n\r\n"
        .to_owned()
        + &"GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100);
    let _ = client.write_all(burst.as_bytes());
    server.stream_ended();
    let answers = read_to_end(&mut client);
    assert!(!answers.contains("short"), "{answers:?}");
}

#[test]
fn a_client_that_closes_ends_its_stream() {
    for path in ["/stream", "/late-stream"] {
        let server = Served::patient();
        drop(server.open_stream(path));
        server.stream_ended();
    }
}

#[test]
fn a_client_that_closes_its_side_ends_its_stream() {
    let server = Served::patient();
    let mut client = server.open_stream("/stream");
    client.shutdown(Shutdown::Write).unwrap();
    server.stream_ended();
    read_to_end(&mut client);
}

#[test]
fn an_endless_head_is_refused() {
    let server = Served::patient();
    let mut client = server.connect();
    let _ = client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ");
    let _ = client.write_all(&[b'x'; 256 * 1024]);
    read_to_end(&mut client);
    assert_eq!(server.handled(), 0);
}

#[test]
fn a_head_beyond_the_limit_gets_431_before_it_is_complete() {
    let server = Served::new(&Config { max_head: 2048, ..patience() });
    let mut client = server.connect();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ").unwrap();
    let _ = client.write_all(&[b'x'; 2048]);
    assert!(read_to_end(&mut client).starts_with("HTTP/1.1 431 "));
    assert_eq!(server.handled(), 0);
}

#[test]
fn each_head_has_the_whole_limit() {
    let server = Served::new(&Config { max_head: 2048, ..patience() });
    let mut client = server.connect();
    for _ in 0..3 {
        write!(client, "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(1500)).unwrap();
        read_until(&mut client, "short");
    }
    assert_eq!(server.handled(), 3);
}

#[test]
fn a_reader_that_stands_still_is_cut_off() {
    let server = Served::new(&Config { write_timeout: Duration::from_secs(1), ..patience() });
    let _client = server.open_stream("/endless-stream");
    server.stream_ended();
}

#[test]
fn a_client_that_leaves_its_answer_is_cut_off() {
    let server = Served::new(&Config { write_timeout: Duration::from_secs(1), ..patience() });
    let mut client = server.connect();
    client.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert_eq!(server.stream_ended(), 0);
}
