//! How many connections are open, on all workers together.
//!
//! The server waits for this to fall to zero when it ends: actix looks at its own counts only once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The count; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenConnections(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    count: AtomicUsize,
    none_left: Notify,
}

impl OpenConnections {
    /// Counts a connection until the guard is dropped. Whoever owns the socket owns the guard.
    pub(crate) fn enter(&self) -> OpenGuard {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        OpenGuard(Arc::clone(&self.0))
    }

    /// Connections open now.
    pub(crate) fn count(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Returns once no connection is open. Meant for when no new ones are accepted. Cancel safe.
    pub(crate) async fn none_left(&self) {
        loop {
            // Made before the count is read, or the last connection could close unseen between the two.
            let none_left = self.0.none_left.notified();
            if self.0.count.load(Ordering::Acquire) == 0 {
                return;
            }
            none_left.await;
        }
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenGuard(Arc<Shared>);

impl Drop for OpenGuard {
    fn drop(&mut self) {
        // Release, read by the Acquire above: the connection is gone before it counts as gone.
        if self.0.count.fetch_sub(1, Ordering::Release) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future};

    use super::*;

    #[actix_web::test]
    async fn returns_at_once_if_none_is_open() {
        assert!(OpenConnections::default().none_left().now_or_never().is_some());
    }

    #[actix_web::test]
    async fn waits_for_the_last_one_and_no_longer() {
        let open = OpenConnections::default();
        let (first, second) = (open.enter(), open.clone().enter());
        assert_eq!(open.count(), 2);

        let mut none_left = Box::pin(open.none_left());
        assert!(future::poll_immediate(&mut none_left).await.is_none());
        drop(first);
        assert!(future::poll_immediate(&mut none_left).await.is_none());
        drop(second);
        assert!(future::poll_immediate(&mut none_left).await.is_some());
    }
}
