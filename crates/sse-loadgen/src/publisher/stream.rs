//! The events of one connection as the body of one request that lasts: `POST`, in chunks, `text/event-stream`, each event
//! a block that names its topic. No input or output of its own.
//!
//! No event is answered by itself. The one answer, when the body has ended, is for all that it carried; an answer before,
//! or none, leaves open which of them were published, and a new request carries those that had not begun to leave. What
//! the socket does not take is sent late, and its slip says so. Nothing is remembered of what has left but the range.

use std::collections::VecDeque;
use std::io::Write;

use super::account::Cause;
use super::answers::{Answers, Malformed};
use super::pipeline::Work;
use super::share::Share;
use super::traffic::Traffic;

/// So many bytes of events are put together in one chunk and one write: what a socket commonly takes at once, and as far
/// as stopping comes too late.
const BATCH: usize = 64 << 10;

/// One connection's events.
#[derive(Debug)]
pub(super) struct Stream {
    target: usize,
    share: Share,
    /// The next event to put in the buffer.
    cursor: u64,
    /// The first one of this request.
    first: u64,
    request: Request,
    /// No more become due.
    finishing: bool,
    /// In the buffer, and not begun to leave: the event, and its first byte there.
    waiting: VecDeque<(u64, usize)>,
    out: Vec<u8>,
    /// So much of it has left.
    gone: usize,
    /// Where blocks are put before the length of their chunk is known.
    blocks: Vec<u8>,
    answers: Answers,
    /// An answer came on this connection that was a good one.
    useful: bool,
}

/// How far the request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// There is none: it begins with its first event.
    None,
    Open,
    /// Its end is in the buffer.
    Ending,
    /// Its end has left, at this time.
    Ended(u64),
}

impl Stream {
    /// The events of a share from this one on, all of them for this target.
    pub(super) fn new(target: usize, share: Share, first: u64) -> Self {
        let cursor = share.next(first);
        Self {
            target,
            share,
            cursor,
            first: cursor,
            request: Request::None,
            finishing: false,
            waiting: VecDeque::new(),
            out: Vec::new(),
            gone: 0,
            blocks: Vec::new(),
            answers: Answers::default(),
            useful: false,
        }
    }

    fn fill(&mut self, due: u64, work: &mut Work) {
        self.blocks.clear();
        while self.cursor < due && self.blocks.len() < BATCH {
            self.waiting.push_back((self.cursor, self.blocks.len()));
            work.renderer.block(self.cursor, &mut self.blocks);
            self.cursor = self.share.next(self.cursor + 1);
        }
        if self.blocks.is_empty() {
            if self.finishing && self.cursor >= due && self.request == Request::Open {
                self.out.extend_from_slice(b"0\r\n\r\n");
                self.request = Request::Ending;
            }
            return;
        }
        if self.request == Request::None {
            work.renderer.stream_head(self.target, &mut self.out);
            self.request = Request::Open;
        }
        write!(self.out, "{:x}\r\n", self.blocks.len()).expect("a Vec takes every write");
        let before = self.out.len();
        self.waiting.iter_mut().for_each(|(_, start)| *start += before);
        self.out.extend_from_slice(&self.blocks);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Events of this request that have begun to leave.
    fn begun(&self) -> impl Iterator<Item = u64> + use<> {
        let (share, end) = (self.share, self.waiting.front().map_or(self.cursor, |waiting| waiting.0));
        let successor = move |number: &u64| Some(share.next(number + 1));
        std::iter::successors(Some(self.first), successor).take_while(move |number| *number < end)
    }

    /// The request is over, this is not known of its events, and those that did not begin to leave are for the next.
    fn lose(&mut self, cause: Cause, work: &mut Work) {
        self.begun().for_each(|number| work.account.unknown(number, cause));
        self.cursor = self.waiting.front().map_or(self.cursor, |waiting| waiting.0);
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        self.waiting.clear();
        self.out.clear();
        self.gone = 0;
        self.first = self.cursor;
        self.request = Request::None;
    }
}

impl Traffic for Stream {
    fn finish(&mut self) {
        self.finishing = true;
    }

    fn output(&mut self, due: u64, work: &mut Work) -> &[u8] {
        if self.gone == self.out.len() && !matches!(self.request, Request::Ending | Request::Ended(_)) {
            self.out.clear();
            self.gone = 0;
            self.fill(due, work);
        }
        &self.out[self.gone..]
    }

    fn wrote(&mut self, bytes: usize, now: u64, work: &mut Work) {
        self.gone += bytes;
        while let Some(&(number, start)) = self.waiting.front()
            && start < self.gone
        {
            self.waiting.pop_front();
            work.account.sent(work.schedule.planned(number), now);
        }
        if self.request == Request::Ending && self.gone == self.out.len() {
            self.request = Request::Ended(now);
        }
    }

    fn input(&mut self, mut input: &[u8], _now: u64, work: &mut Work) -> Result<bool, Malformed> {
        while let Some(answer) = self.answers.next(&mut input)? {
            if self.request == Request::None {
                return Err(Malformed);
            }
            let good = (200..300).contains(&answer.status);
            let whole = matches!(self.request, Request::Ended(_));
            if !(good && whole) {
                // Good or not, it does not speak of all that was sent.
                self.lose(Cause::Status(answer.status), work);
                return Ok(false);
            }
            work.account.accepted(self.begun().count() as u64);
            self.useful = true;
            self.begin_anew();
            if answer.last {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn expires(&self, work: &Work) -> Option<u64> {
        let Request::Ended(at) = self.request else { return None };
        Some(at.saturating_add(work.timeout))
    }

    fn expire(&mut self, _now: u64, work: &mut Work) {
        self.lose(Cause::Timeout, work);
        self.answers = Answers::default();
        self.useful = false;
    }

    fn disconnected(&mut self, cause: Cause, work: &mut Work) -> bool {
        self.lose(cause, work);
        self.answers = Answers::default();
        std::mem::take(&mut self.useful)
    }

    fn gives_up(&self, due: u64, work: &Work) -> Option<u64> {
        (self.cursor < due).then(|| work.schedule.planned(self.cursor).saturating_add(work.timeout))
    }

    fn give_up(&mut self, due: u64, now: u64, work: &mut Work) {
        while self.gives_up(due, work).is_some_and(|end| end <= now) {
            work.account.rejected(self.cursor, Cause::Connect);
            self.cursor = self.share.next(self.cursor + 1);
        }
        if self.request == Request::None {
            self.first = self.cursor;
        }
    }

    fn is_idle(&self, due: u64) -> bool {
        self.request == Request::None && self.cursor >= due
    }

    fn close(&mut self, due: u64, work: &mut Work) {
        self.lose(Cause::Unanswered, work);
        while self.cursor < due {
            work.account.rejected(self.cursor, Cause::Unsent);
            self.cursor = self.share.next(self.cursor + 1);
        }
    }
}

#[cfg(test)]
mod tests;
