//! A time limit for a client that does not take what it is sent.
//!
//! TCP has one of its own, for a window that stays closed. A client that opens its window for a few bytes now and then
//! escapes that one, and holds a connection, its buffers, and a reader's place in the logs, for as long as it likes.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// How many bytes a client has to take within the limit. Any network that carries a stream at all carries this: in the
/// default ten seconds it is 3 kbit/s. Measured at that limit: over a link of 600 B/s a reader goes on, over one of
/// 300 B/s it is cut.
///
/// What a client has taken is what its system has acknowledged (on Linux; elsewhere, what ours has taken for it). A program
/// that reads slowly from a large buffer looks stalled meanwhile: its system acknowledges nothing until a good part of
/// the buffer is free, which nobody can tell from here. With the usual 64 KiB that takes a program of 2 KB/s longer
/// than ten seconds, now and then even one of 12 KB/s.
const PROGRESS: u64 = 4 * 1024;

/// The part of the limit after which it is first asked what the client has taken: whoever waits for less than that,
/// as every reader does now and then under load, is not asked about, for it costs system calls.
const UNASKED: u32 = 10;

/// Judges a client, from when the socket does not take all of a write, until it has taken everything.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    /// What the client had taken when it was last asked about.
    taken: Option<u64>,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, taken: None }
    }

    /// After how long it is first asked what the client has taken.
    pub(crate) fn first(&self) -> Duration {
        self.limit / UNASKED
    }

    /// The client has taken so much by now. Answers after how long to ask again; `None` if it took too little.
    pub(crate) fn ask(&mut self, taken: u64) -> Option<Duration> {
        match self.taken.replace(taken) {
            None => Some(self.limit - self.first()),
            Some(before) if taken.saturating_sub(before) < PROGRESS => None,
            Some(_) => Some(self.limit),
        }
    }
}

/// The same with a timer, for whoever is polled.
#[derive(Debug)]
pub(crate) struct Stall {
    /// Boxed, so that the many connections that do not stall pay for a pointer.
    timer: Pin<Box<Sleep>>,
    patience: Patience,
}

impl Stall {
    pub(crate) fn begin(limit: Duration) -> Self {
        let patience = Patience::new(limit);
        Self { timer: Box::pin(sleep(patience.first())), patience }
    }

    /// Ready when the limit has passed with too little taken. `taken` says how much the client has taken so far; it is
    /// called at most once in a tenth of the limit.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, taken: impl Fn() -> u64) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let Some(next) = self.patience.ask(taken()) else { return Poll::Ready(()) };
            self.timer.as_mut().reset(Instant::now() + next);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::future::poll_immediate;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_has_the_limit_and_no_longer() {
        let began = Instant::now();
        let mut stall = Stall::begin(LIMIT);
        poll_fn(|cx| stall.poll(cx, || 7)).await;
        assert!(began.elapsed() >= LIMIT && began.elapsed() < LIMIT + Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_not_enough() {
        let mut stall = asked_once().await;
        tokio::time::advance(LIMIT).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, || PROGRESS - 1))).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_enough_has_another_limit() {
        let mut stall = asked_once().await;
        tokio::time::advance(LIMIT).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, || PROGRESS))).await.is_none());
        tokio::time::advance(LIMIT - Duration::from_millis(10)).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, || PROGRESS))).await.is_none());
        tokio::time::advance(Duration::from_millis(20)).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, || PROGRESS))).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_wait_asks_for_nothing() {
        let mut stall = Stall::begin(LIMIT);
        tokio::time::advance(LIMIT / UNASKED - Duration::from_millis(10)).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, || panic!("asked")))).await.is_none());
    }

    /// At the first question, the client had taken nothing.
    async fn asked_once() -> Stall {
        let mut stall = Stall::begin(LIMIT);
        tokio::time::advance(LIMIT / UNASKED + Duration::from_millis(1)).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, || 0))).await.is_none());
        stall
    }
}
