//! What leaves, and what is made of what comes back.

use std::sync::Arc;

use super::super::account::Account;
use super::super::publish::Publish;
use super::super::request::Renderer;
use super::*;
use crate::schedule::Schedule;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const END: &str = "0\r\n\r\n";

fn setup() -> (Stream, Work) {
    let schedule = Schedule::new(1, 0, 1, 1.0).unwrap();
    let publish = Publish::to("http://hub/").unwrap().body("{{number}}").unwrap().stream("t").unwrap();
    let renderer = Renderer::new(&publish, schedule);
    let account = Account::new(Arc::default());
    let share = Share::among(1, 1).next().unwrap();
    (Stream::new(0, share, 0), Work { schedule, renderer, account, max_in_flight: 1, timeout: 5 })
}

/// Writes all that may leave.
fn write(stream: &mut Stream, due: u64, work: &mut Work) -> String {
    let mut text = Vec::new();
    while let bytes @ 1.. = stream.output(due, work).len() {
        text.extend_from_slice(stream.output(due, work));
        stream.wrote(bytes, 0, work);
    }
    String::from_utf8(text).unwrap()
}

fn block(number: u64) -> String {
    format!("topic: t\ndata: {number}\n\n")
}

#[test]
fn what_is_due_together_is_one_chunk_of_one_request() {
    let (mut stream, mut work) = setup();
    assert_eq!(write(&mut stream, 0, &mut work), "", "there is no request before there is an event");
    let first = write(&mut stream, 3, &mut work);
    let (head, body) = first.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST / HTTP/1.1\r\n") && head.ends_with("Transfer-Encoding: chunked"),
        "{head}"
    );
    assert_eq!(body, format!("36\r\n{}{}{}\r\n", block(0), block(1), block(2)));
    assert_eq!(write(&mut stream, 4, &mut work), format!("12\r\n{}\r\n", block(3)));
    assert!(!stream.is_idle(4));

    stream.finish();
    assert_eq!(write(&mut stream, 5, &mut work), format!("12\r\n{}\r\n{END}", block(4)));
    assert_eq!(write(&mut stream, 5, &mut work), "");
    assert_eq!(stream.expires(&work), Some(5));
    assert_eq!(stream.input(OK, 0, &mut work), Ok(true));
    assert!(stream.is_idle(5) && stream.expires(&work).is_none());

    stream.close(5, &mut work);
    let published = work.account.close(5);
    assert_eq!((published.sent, published.accepted), (5, 5));
    assert_eq!((published.slip.count(), published.ack.count()), (5, 0));
}

#[test]
fn what_never_left_is_for_the_next_request_and_nothing_else() {
    let (mut stream, mut work) = setup();
    let length = stream.output(4, &mut work).len();
    // All but the last block.
    stream.wrote(length - block(3).len() - "\r\n".len(), 0, &mut work);
    assert!(!stream.disconnected(Cause::Closed, &mut work));
    let again = write(&mut stream, 5, &mut work);
    assert!(
        again.starts_with("POST / ") && again.ends_with(&format!("{}{}\r\n", block(3), block(4))),
        "{again}"
    );
    stream.finish();
    assert_eq!(write(&mut stream, 5, &mut work), END);
    stream.input(OK, 0, &mut work).unwrap();
    stream.close(6, &mut work);
    let published = work.account.close(6);
    assert_eq!((published.sent, published.accepted), (5, 2));
    assert_eq!(published.unknown.listed, [0, 1, 2]);
    assert_eq!(published.rejected.listed, [5]);
    assert_eq!(published.errors["connection closed"], 3);
}

#[test]
fn an_answer_before_the_end_leaves_all_of_the_request_open() {
    for answer in [OK, b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"] {
        let (mut stream, mut work) = setup();
        write(&mut stream, 2, &mut work);
        assert_eq!(stream.input(answer, 0, &mut work), Ok(false));
        assert!(!stream.disconnected(Cause::Closed, &mut work), "of no use, so the next waits a little");
        stream.close(2, &mut work);
        let published = work.account.close(2);
        assert_eq!((published.accepted, published.unknown.count), (0, 2));
        assert!(published.errors.keys().all(|cause| cause.starts_with("status ")), "{:?}", published.errors);
    }
}

#[test]
fn an_answer_in_the_end_that_is_none_or_a_refusal_is_no_success() {
    for (answer, cause) in
        [(&b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"[..], "status 500"), (b"", "timeout")]
    {
        let (mut stream, mut work) = setup();
        stream.finish();
        write(&mut stream, 2, &mut work);
        assert_eq!(stream.input(answer, 0, &mut work), Ok(answer.is_empty()));
        if answer.is_empty() {
            stream.expire(5, &mut work);
        }
        assert_eq!(work.account.close(2).errors[cause], 2);
    }
    let (mut stream, mut work) = setup();
    assert_eq!(stream.input(OK, 0, &mut work), Err(Malformed), "nothing was asked");
}

#[test]
fn events_do_not_wait_for_a_connection_for_ever() {
    let (mut stream, mut work) = setup();
    assert_eq!(stream.gives_up(9, &work), Some(5));
    stream.give_up(9, 3_000_000_005, &mut work);
    assert_eq!(work.account.close(9).rejected.listed, [0, 1, 2, 3]);
}
