//! The events of one connection: which are next, which are under way, and what the answers say of them. No input or
//! output of its own.
//!
//! There is no queue of events that wait. All that are due and not yet sent lie between a cursor and one number that
//! [`pace`](super::pace) keeps, so a server that is away for an hour costs no memory; and what was put in a buffer but
//! never reached the socket is sent again by setting the cursor back.

use std::collections::VecDeque;

use super::account::{Account, Cause};
use super::answers::{Answers, Malformed};
use super::request::Renderer;
use super::share::Share;
use super::traffic::Traffic;
use crate::schedule::Schedule;

/// So many bytes of requests are put together for one write: what a socket commonly takes at once, and as far as stopping
/// comes too late.
const BATCH: usize = 64 << 10;

/// What all connections work with.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) schedule: Schedule,
    pub(super) renderer: Renderer,
    pub(super) account: Account,
    /// Of one connection.
    pub(super) max_in_flight: usize,
    /// In nanoseconds.
    pub(super) timeout: u64,
}

/// One connection's events. Survives the connection.
#[derive(Debug)]
pub(super) struct Pipeline {
    share: Share,
    /// The next event to put in the buffer.
    cursor: u64,
    flights: VecDeque<Flight>,
    /// So many of them have begun to leave; the others are in the buffer alone.
    begun: usize,
    out: Vec<u8>,
    /// So much of it has left.
    gone: usize,
    /// What of the connection's bytes was put in the buffer, and what has left.
    rendered: u64,
    written: u64,
    answers: Answers,
    /// How many came on this connection.
    answered: u64,
    /// The server closes after every answer. To send a second request would be to lose it.
    one_at_a_time: bool,
}

#[derive(Debug)]
struct Flight {
    number: u64,
    /// Its first byte, counted from the connection's.
    start: u64,
    sent: u64,
}

impl Pipeline {
    /// The events of a share from this one on.
    pub(super) fn new(share: Share, first: u64) -> Self {
        Self {
            share,
            cursor: share.next(first),
            flights: VecDeque::new(),
            begun: 0,
            out: Vec::new(),
            gone: 0,
            rendered: 0,
            written: 0,
            answers: Answers::default(),
            answered: 0,
            one_at_a_time: false,
        }
    }

    fn fill(&mut self, due: u64, work: &mut Work) {
        let max = if self.one_at_a_time { 1 } else { work.max_in_flight };
        while self.cursor < due && self.flights.len() < max && self.out.len() < BATCH {
            let (number, start) = (self.cursor, self.rendered + self.out.len() as u64);
            work.renderer.request(number, &mut self.out);
            self.flights.push_back(Flight { number, start, sent: 0 });
            self.cursor = self.share.next(number + 1);
        }
        self.rendered += self.out.len() as u64;
    }

    fn lose(&mut self, work: &mut Work, cause: impl Fn(&Flight) -> Cause) {
        for flight in self.flights.drain(..self.begun) {
            work.account.unknown(flight.number, cause(&flight));
        }
        if let Some(unsent) = self.flights.front() {
            self.cursor = unsent.number;
        }
        let mut next = Self::new(self.share, self.cursor);
        next.one_at_a_time = self.one_at_a_time;
        std::mem::swap(&mut next.out, &mut self.out);
        next.out.clear();
        *self = next;
    }
}

impl Traffic for Pipeline {
    fn output(&mut self, due: u64, work: &mut Work) -> &[u8] {
        if self.gone == self.out.len() {
            self.out.clear();
            self.gone = 0;
            self.fill(due, work);
        }
        &self.out[self.gone..]
    }

    fn wrote(&mut self, bytes: usize, now: u64, work: &mut Work) {
        self.gone += bytes;
        self.written += bytes as u64;
        while let Some(flight) = self.flights.get_mut(self.begun)
            && flight.start < self.written
        {
            flight.sent = now;
            self.begun += 1;
            work.account.sent(work.schedule.planned(flight.number), now);
        }
    }

    fn input(&mut self, mut input: &[u8], now: u64, work: &mut Work) -> Result<bool, Malformed> {
        while let Some(answer) = self.answers.next(&mut input)? {
            self.begun = self.begun.checked_sub(1).ok_or(Malformed)?;
            let flight = self.flights.pop_front().ok_or(Malformed)?;
            let planned = work.schedule.planned(flight.number);
            work.account.answered(flight.number, answer.status, [planned, flight.sent, now]);
            // Not if only the thousandth answer closes, as some servers have it.
            self.one_at_a_time = answer.last && self.answered == 0;
            self.answered += 1;
            if answer.last {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn expires(&self, work: &Work) -> Option<u64> {
        let oldest = self.flights.front().filter(|_| self.begun > 0)?;
        Some(oldest.sent.saturating_add(work.timeout))
    }

    fn expire(&mut self, now: u64, work: &mut Work) {
        let timeout = work.timeout;
        self.lose(work, |flight| {
            if flight.sent.saturating_add(timeout) <= now { Cause::Timeout } else { Cause::BehindTimeout }
        });
    }

    fn disconnected(&mut self, cause: Cause, work: &mut Work) -> bool {
        let useful = self.answered > 0;
        self.lose(work, |_| cause);
        useful
    }

    fn gives_up(&self, due: u64, work: &Work) -> Option<u64> {
        (self.cursor < due).then(|| work.schedule.planned(self.cursor).saturating_add(work.timeout))
    }

    fn give_up(&mut self, due: u64, now: u64, work: &mut Work) {
        while self.gives_up(due, work).is_some_and(|end| end <= now) {
            work.account.rejected(self.cursor, Cause::Connect);
            self.cursor = self.share.next(self.cursor + 1);
        }
    }

    fn is_idle(&self, due: u64) -> bool {
        self.flights.is_empty() && self.cursor >= due
    }

    fn close(&mut self, due: u64, work: &mut Work) {
        self.lose(work, |_| Cause::Unanswered);
        while self.cursor < due {
            work.account.rejected(self.cursor, Cause::Unsent);
            self.cursor = self.share.next(self.cursor + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::publish::Publish;
    use super::*;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const BYE: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    fn setup() -> (Pipeline, Work) {
        let schedule = Schedule::new(1, 0, 1, 1.0).unwrap();
        let publish = Publish::to("http://hub/").unwrap().body("{{number}}").unwrap();
        let renderer = Renderer::new(&publish, schedule);
        let account = Account::new(Arc::default());
        let share = Share::among(1, 1).next().unwrap();
        (Pipeline::new(share, 0), Work { schedule, renderer, account, max_in_flight: 10, timeout: 5 })
    }

    /// Writes all that may leave.
    fn write(pipeline: &mut Pipeline, due: u64, work: &mut Work) -> String {
        let mut text = Vec::new();
        while let bytes @ 1.. = pipeline.output(due, work).len() {
            text.extend_from_slice(pipeline.output(due, work));
            pipeline.wrote(bytes, 0, work);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn what_never_left_is_sent_again_and_nothing_else() {
        let (mut pipeline, mut work) = setup();
        let one = pipeline.output(1, &mut work).len();
        pipeline.wrote(one, 0, &mut work);
        // Of three more, one leaves whole, and a byte of the next.
        assert_eq!(pipeline.output(4, &mut work).len(), 3 * one);
        pipeline.wrote(one + 1, 0, &mut work);
        assert_eq!(pipeline.input(OK, 0, &mut work), Ok(true));
        assert!(pipeline.disconnected(Cause::Closed, &mut work));
        let again = write(&mut pipeline, 4, &mut work);
        assert!(again.len() == one && again.ends_with('3'), "{again}");
        pipeline.close(6, &mut work);
        let published = work.account.close(6);
        assert_eq!((published.sent, published.accepted), (4, 1));
        assert_eq!(published.unknown.listed, [1, 2, 3]);
        assert_eq!(published.rejected.listed, [4, 5]);
        assert_eq!(published.errors["connection closed"], 2);
        assert_eq!(published.errors["no answer by the end"], 1);
        assert_eq!(published.errors["not sent by the end"], 2);
    }

    #[test]
    fn what_is_in_flight_is_bounded() {
        let (mut pipeline, mut work) = setup();
        assert_eq!(write(&mut pipeline, 100, &mut work).matches("POST").count(), 10);
        assert_eq!(pipeline.input(&[OK, OK].concat(), 0, &mut work), Ok(true));
        assert_eq!(write(&mut pipeline, 100, &mut work).matches("POST").count(), 2);
    }

    #[test]
    fn a_server_that_closes_after_every_answer_gets_one_request_at_a_time() {
        let (mut pipeline, mut work) = setup();
        assert_eq!(write(&mut pipeline, 5, &mut work).matches("POST").count(), 5);
        assert_eq!(pipeline.input(BYE, 0, &mut work), Ok(false));
        pipeline.disconnected(Cause::Closed, &mut work);
        assert_eq!(write(&mut pipeline, 9, &mut work).matches("POST").count(), 1);
        // It was the first only that closed.
        assert_eq!(pipeline.input(OK, 0, &mut work), Ok(true));
        assert_eq!(write(&mut pipeline, 9, &mut work).matches("POST").count(), 3);
        assert_eq!(pipeline.input(BYE, 0, &mut work), Ok(false));
        pipeline.disconnected(Cause::Closed, &mut work);
        assert_eq!(write(&mut pipeline, 12, &mut work).matches("POST").count(), 3);
    }

    #[test]
    fn an_answer_that_nobody_asked_for_is_none() {
        let (mut pipeline, mut work) = setup();
        assert_eq!(pipeline.input(OK, 0, &mut work), Err(Malformed));
        // Nor does one help whose question has not left.
        assert!(!pipeline.output(1, &mut work).is_empty());
        assert_eq!(pipeline.input(OK, 0, &mut work), Err(Malformed));
    }

    #[test]
    fn only_the_overdue_timed_out() {
        let (mut pipeline, mut work) = setup();
        for now in [100, 103] {
            let bytes = pipeline.output(now - 99, &mut work).len();
            pipeline.wrote(bytes, now, &mut work);
        }
        assert_eq!(pipeline.expires(&work), Some(105));
        pipeline.expire(106, &mut work);
        assert_eq!(pipeline.expires(&work), None);
        let published = work.account.close(4);
        assert_eq!(published.unknown.count, 4);
        assert_eq!((published.errors["timeout"], published.errors["behind a timeout"]), (1, 3));
    }

    #[test]
    fn events_do_not_wait_for_a_connection_for_ever() {
        let (mut pipeline, mut work) = setup();
        assert_eq!(pipeline.gives_up(9, &work), Some(5));
        pipeline.give_up(9, 3_000_000_005, &mut work);
        assert_eq!(pipeline.gives_up(9, &work), Some(4_000_000_005));
        assert_eq!(work.account.close(9).rejected.listed, [0, 1, 2, 3]);
    }
}
