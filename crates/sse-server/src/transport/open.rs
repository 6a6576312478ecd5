//! How many connections are open, on all workers together, and for each address.
//!
//! The server waits for this to fall to zero when it ends: actix looks at its own counts only once a second.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::per_address::{Entered, PerAddress, TooMany};

/// The count; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct OpenConnections {
    shared: Arc<Shared>,
    per_address: PerAddress,
}

#[derive(Debug, Default)]
struct Shared {
    count: AtomicUsize,
    none_left: Notify,
}

impl OpenConnections {
    /// With so many connections for each address at most.
    pub(crate) fn new(per_address: Option<NonZeroUsize>) -> Self {
        Self { shared: Arc::default(), per_address: PerAddress::new(per_address) }
    }

    /// Counts a connection until the guard is dropped. Whoever owns the socket owns the guard. An address that is not
    /// named has no limit.
    pub(crate) fn enter(&self, address: Option<IpAddr>) -> Result<OpenGuard, TooMany> {
        let entered = self.per_address.enter(address)?;
        self.shared.count.fetch_add(1, Ordering::Relaxed);
        Ok(OpenGuard { shared: Arc::clone(&self.shared), _entered: entered })
    }

    /// Connections open now.
    pub(crate) fn count(&self) -> usize {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Returns once no connection is open. Meant for when no new ones are accepted. Cancel safe.
    pub(crate) async fn none_left(&self) {
        loop {
            // Made before the count is read, or the last connection could close unseen between the two.
            let none_left = self.shared.none_left.notified();
            if self.shared.count.load(Ordering::Acquire) == 0 {
                return;
            }
            none_left.await;
        }
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenGuard {
    shared: Arc<Shared>,
    _entered: Option<Entered>,
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        // Release, read by the Acquire above: the connection is gone before it counts as gone.
        if self.shared.count.fetch_sub(1, Ordering::Release) == 1 {
            self.shared.none_left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future};

    use super::*;

    #[actix_web::test]
    async fn returns_at_once_if_none_is_open() {
        assert!(OpenConnections::new(None).none_left().now_or_never().is_some());
    }

    #[actix_web::test]
    async fn waits_for_the_last_one_and_no_longer() {
        let open = OpenConnections::new(None);
        let (first, second) = (open.enter(None), open.clone().enter(None));
        assert_eq!(open.count(), 2);

        let mut none_left = Box::pin(open.none_left());
        assert!(future::poll_immediate(&mut none_left).await.is_none());
        drop(first);
        assert!(future::poll_immediate(&mut none_left).await.is_none());
        drop(second);
        assert!(future::poll_immediate(&mut none_left).await.is_some());
    }
}
