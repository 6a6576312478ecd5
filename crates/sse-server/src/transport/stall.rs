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
/// default ten seconds it is 3 kbit/s.
const PROGRESS: u64 = 4 * 1024;

/// Runs from when the socket does not take all of a write, until it has taken everything.
#[derive(Debug)]
pub(crate) struct Stall {
    /// Boxed, so that the many connections that do not stall pay for a pointer.
    timer: Pin<Box<Sleep>>,
    limit: Duration,
    /// What the socket had taken when the timer was set.
    sent: u64,
}

impl Stall {
    pub(crate) fn begin(limit: Duration, sent: u64) -> Self {
        Self { timer: Box::pin(sleep(limit)), limit, sent }
    }

    /// Ready when the limit has passed with too little taken; `sent` is what the socket has taken so far.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, sent: u64) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if sent - self.sent < PROGRESS {
                return Poll::Ready(());
            }
            self.sent = sent;
            self.timer.as_mut().reset(Instant::now() + self.limit);
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
        let mut stall = Stall::begin(LIMIT, 7);
        poll_fn(|cx| stall.poll(cx, 7)).await;
        assert!(began.elapsed() >= LIMIT && began.elapsed() < LIMIT + Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_not_enough() {
        let mut stall = Stall::begin(LIMIT, 0);
        tokio::time::advance(LIMIT).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, PROGRESS - 1))).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_enough_has_another_limit() {
        let mut stall = Stall::begin(LIMIT, 0);
        tokio::time::advance(LIMIT).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, PROGRESS))).await.is_none());
        tokio::time::advance(LIMIT - Duration::from_millis(10)).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, PROGRESS))).await.is_none());
        tokio::time::advance(Duration::from_millis(20)).await;
        assert!(poll_immediate(poll_fn(|cx| stall.poll(cx, PROGRESS))).await.is_some());
    }
}
