//! Sockets that leave actix, and what stays behind of them.
//!
//! actix believes that a connection whose socket has left is over: it no longer counts it, and would end a worker whose
//! connections have all left. So each socket takes its place among the open connections along, and one connection's task
//! [stays](Departures::stay) for as long as any of them is open.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::net::TcpStream;

use super::OpenGuard;

/// What takes a socket that leaves.
pub(crate) struct TakeOver(Box<dyn FnOnce(Left)>);

/// A socket that has left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) io: TcpStream,
    /// Bytes that it has taken.
    pub(crate) written: u64,
    /// To be kept with it.
    pub(crate) departed: Departed,
}

/// The sockets of one listener that have left on one thread. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Departures(Rc<Shared>);

struct Shared {
    write_limit: Duration,
    open: Cell<usize>,
    /// Somebody stays.
    stays: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

/// A socket's place among those that have left, and among the open connections.
#[derive(Debug)]
pub(crate) struct Departed {
    departures: Departures,
    _open: OpenGuard,
}

impl TakeOver {
    pub(crate) fn new(take_over: impl FnOnce(Left) + 'static) -> Self {
        Self(Box::new(take_over))
    }

    pub(super) fn call(self, left: Left) {
        (self.0)(left);
    }
}

impl fmt::Debug for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeOver").finish_non_exhaustive()
    }
}

impl Departures {
    /// None yet. Their clients may take `write_limit` to take a few kilobytes.
    pub(crate) fn new(write_limit: Duration) -> Self {
        let (open, stays, waker) = Default::default();
        Self(Rc::new(Shared { write_limit, open, stays, waker }))
    }

    pub(super) fn leave(&self, open: OpenGuard) -> Departed {
        self.0.open.set(self.0.open.get() + 1);
        Departed { departures: self.clone(), _open: open }
    }

    /// Returns at once, unless sockets are open that have left and nobody else stays: then, when the last is closed.
    pub(crate) async fn stay(&self) {
        if self.0.stays.replace(true) {
            return;
        }
        poll_fn(|cx| {
            if self.0.open.get() == 0 {
                return Poll::Ready(());
            }
            self.0.waker.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
        self.0.stays.set(false);
    }
}

impl Departed {
    /// See [`Limits::write`](super::Limits::write).
    pub(crate) fn write_limit(&self) -> Duration {
        self.departures.0.write_limit
    }
}

impl Drop for Departed {
    fn drop(&mut self) {
        let shared = &self.departures.0;
        shared.open.set(shared.open.get() - 1);
        if shared.open.get() == 0
            && let Some(waker) = shared.waker.take()
        {
            waker.wake();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departures").field("open", &self.open.get()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::poll_immediate;

    use super::super::OpenConnections;
    use super::*;

    async fn departed(departures: &Departures, open: &OpenConnections) -> Departed {
        departures.leave(open.enter(None).await.unwrap())
    }

    #[actix_web::test]
    async fn one_stays_until_all_are_closed() {
        let open = OpenConnections::new(10, 0, None);
        let departures = Departures::new(Duration::ZERO);
        departures.stay().await;

        let (first, second) = (departed(&departures, &open).await, departed(&departures, &open).await);
        let mut stays = pin!(departures.stay());
        assert!(poll_immediate(&mut stays).await.is_none());
        assert!(poll_immediate(departures.stay()).await.is_some(), "one is enough");
        drop(first);
        assert!(poll_immediate(&mut stays).await.is_none());
        assert_eq!(open.count(), 1);
        drop(second);
        assert!(poll_immediate(&mut stays).await.is_some());
        assert_eq!(open.count(), 0);

        let _third = departed(&departures, &open).await;
        assert!(poll_immediate(departures.stay()).await.is_none(), "again");
    }
}
