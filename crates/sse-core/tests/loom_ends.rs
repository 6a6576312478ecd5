//! The end of a topic and of the broadcaster, and wakers that misbehave (I9, I10, I12).
//!
//! | model | what meets what |
//! | --- | --- |
//! | L7 | a close, and a segment that parks, an event, another close, or a segment that has just been made |
//! | L10 | an event, two segments, of which one has a waker that panics |
//! | L13 | the end of a topic, an event, a segment that parks |
//! | L14 | an event, a segment whose waker publishes |
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "what can not be done fails the model")]

mod model_common;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use model_common::*;
use sse_core::{Broadcaster, Position, PublishError, Segment};

#[test]
fn l7_a_parked_reader_hears_of_the_close() {
    explore_all(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let closes = thread::spawn(move || broadcaster.close());

        serve_to_end(&segment, &mut reader);

        assert_eq!(reader.seen, [Seen::Closed]);
        closes.join().unwrap();
    });
}

#[test]
fn l7_an_event_that_was_acked_comes_before_the_close() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || publish(&broadcaster, "t", "a")
        });
        let closes = thread::spawn(move || broadcaster.close());

        serve_to_end(&segment, &mut reader);

        match publisher.join().unwrap() {
            Ok(_) => assert_eq!(reader.seen, [event(1, "a"), Seen::Closed]),
            Err(error) => {
                assert_eq!(error, PublishError::Closed);
                assert_eq!(reader.seen, [Seen::Closed]);
            }
        }
        closes.join().unwrap();
    });
}

#[test]
fn l7_an_end_that_is_brought_forward_comes_behind_what_was_acked() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || publish(&broadcaster, "t", "a")
        });
        let closes = thread::spawn(move || {
            broadcaster.close_over(Duration::from_secs(1));
            broadcaster.close();
        });

        // The clock stands still: without the second close nobody would ever be told.
        serve_to_end(&segment, &mut reader);

        match publisher.join().unwrap() {
            Ok(_) => assert_eq!(reader.seen, [event(1, "a"), Seen::Closed]),
            Err(error) => {
                assert_eq!(error, PublishError::Closed);
                assert_eq!(reader.seen, [Seen::Closed]);
            }
        }
        closes.join().unwrap();
    });
}

#[test]
fn l7_two_who_close_agree_on_the_sooner_end() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let slow = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || broadcaster.close_over(Duration::from_secs(1))
        });
        let at_once = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || broadcaster.close()
        });

        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        serve_to_end(&segment, &mut reader);

        assert_eq!(reader.seen, [Seen::Closed]);
        slow.join().unwrap();
        at_once.join().unwrap();
    });
}

#[test]
fn l7_a_reader_that_comes_with_the_close_gets_what_was_acked() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let start = Position::After(broadcaster.position());
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || publish(&broadcaster, "t", "a")
        });
        let closes = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || broadcaster.close()
        });

        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], start);
        serve_to_end(&segment, &mut reader);

        let acked = publisher.join().unwrap().is_ok();
        assert_eq!(reader.seen.len(), 1 + usize::from(acked), "{:?}", reader.seen);
        closes.join().unwrap();
    });
}

#[test]
fn l10_a_waker_that_panics_keeps_no_other_segment_asleep() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let broken = segment(&broadcaster);
        let _reader = Reader::new(&broken, &["t"], Position::Now);
        broken.turn(now());
        assert!(broken.poll_marked(&mut Context::from_waker(&Waker::from(Arc::new(Panics)))).is_pending());
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || {
                let published = catch_unwind(AssertUnwindSafe(|| acked(&broadcaster, "t", "a")));
                assert!(published.is_err(), "the panic is the publisher's to see");
                acked(&broadcaster, "t", "b");
            }
        });

        serve_to(&segment, &mut reader, 0, 2);

        publisher.join().unwrap();
    });
}

#[test]
fn l13_an_event_that_was_acked_comes_before_the_end() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || publish(&broadcaster, "t", "a")
        });
        let ends = thread::spawn(move || broadcaster.end(&topic("t")));

        serve_to_end(&segment, &mut reader);

        match publisher.join().unwrap() {
            Ok(_) => assert_eq!(reader.seen, [event(1, "a"), Seen::Ended]),
            Err(error) => {
                assert_eq!(error, PublishError::Ended);
                assert_eq!(reader.seen, [Seen::Ended]);
            }
        }
        assert_eq!(ends.join().unwrap(), Ok(true));
    });
}

#[test]
fn l14_a_waker_may_publish() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let echoes = segment(&broadcaster);
        let _reader = Reader::new(&echoes, &["t"], Position::Now);
        echoes.turn(now());
        let echo = Waker::from(Arc::new(Publishes(broadcaster.clone())));
        assert!(echoes.poll_marked(&mut Context::from_waker(&echo)).is_pending());
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn(move || acked(&broadcaster, "t", "a"));

        serve_to(&segment, &mut reader, 0, 2);

        assert_eq!(reader.seen, [event(1, "a"), event(2, "echo")]);
        publisher.join().unwrap();
    });
}

fn serve_to_end(segment: &Segment, reader: &mut Reader) {
    serve(segment, std::slice::from_mut(reader), |readers| readers[0].is_finished());
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        // A panic without its message, which would be printed for every interleaving.
        resume_unwind(Box::new("woken"));
    }
}

struct Publishes(Broadcaster);

impl Wake for Publishes {
    fn wake(self: Arc<Self>) {
        acked(&self.0, "t", "echo");
    }
}
