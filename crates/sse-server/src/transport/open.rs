//! How many connections are open, on all workers together, and for each address.
//!
//! actix has a limit of its own, and does not count sockets that have left it. So this is the one that holds. The server
//! also waits for the count to fall to zero when it ends: actix looks at its own only once a second.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore};

use crate::per_address::{Entered, PerAddress, TooMany};

/// How many may wait for room in any case: they are open files too, and these are within the reserve. The others wait in
/// the system's queue, once the server has [stopped](OpenConnections::full) accepting.
const WAITING: usize = 16;

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its address has as many as it may have.
    Address,
    /// There are as many as there may be, and others wait already.
    Full,
}

/// The count; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct OpenConnections {
    shared: Arc<Shared>,
    per_address: PerAddress,
}

#[derive(Debug)]
struct Shared {
    /// One permit for each connection that there may still be.
    room: Semaphore,
    most: usize,
    most_waiting: usize,
    waiting: AtomicUsize,
    /// The last permit was taken.
    filled: Notify,
    /// A permit was given back.
    freed: Notify,
    /// The last of all was.
    emptied: Notify,
}

impl OpenConnections {
    /// With so many connections at most, files to spare for so many more, and so many for each address.
    pub(crate) fn new(most: usize, spare: usize, per_address: Option<NonZeroUsize>) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        let (filled, freed, emptied) = Default::default();
        let (room, waiting) = (Semaphore::new(most), AtomicUsize::new(0));
        let most_waiting = spare.saturating_add(WAITING);
        let shared = Shared { room, most, most_waiting, waiting, filled, freed, emptied };
        Self { shared: Arc::new(shared), per_address: PerAddress::new(per_address) }
    }

    /// Counts a connection until the guard is dropped, as soon as there is room for it. Whoever owns the socket owns the
    /// guard. An address that is not named has no limit. Cancel safe.
    ///
    /// # Errors
    ///
    /// Its address has as many connections as it may have, or too many wait already.
    pub(crate) async fn enter(&self, address: Option<IpAddr>) -> Result<OpenGuard, Refused> {
        let entered = self.per_address.enter(address).map_err(|TooMany| Refused::Address)?.map(Box::new);
        let shared = Arc::clone(&self.shared);
        match shared.room.try_acquire() {
            Ok(permit) => permit.forget(),
            Err(_) => shared.wait().await?,
        }
        if shared.room.available_permits() == 0 {
            shared.filled.notify_waiters();
        }
        Ok(OpenGuard { shared, _entered: entered })
    }

    /// Connections open now.
    pub(crate) fn count(&self) -> usize {
        self.shared.most - self.shared.room.available_permits()
    }

    /// Returns once no connection is open. Meant for when no new ones are accepted. Cancel safe.
    pub(crate) async fn none_left(&self) {
        self.until(&self.shared.emptied, |count| count == 0).await;
    }

    /// Returns once there is no room for another. Cancel safe.
    pub(crate) async fn full(&self) {
        self.until(&self.shared.filled, |count| count == self.shared.most).await;
    }

    /// Returns once there is room for another. Cancel safe.
    pub(crate) async fn room(&self) {
        self.until(&self.shared.freed, |count| count < self.shared.most).await;
    }

    async fn until(&self, changed: &Notify, holds: impl Fn(usize) -> bool) {
        loop {
            // Made before the count is read, or it could change unseen between the two.
            let changed = changed.notified();
            if holds(self.count()) {
                return;
            }
            changed.await;
        }
    }
}

impl Shared {
    async fn wait(&self) -> Result<(), Refused> {
        struct Waits<'a>(&'a AtomicUsize);

        impl Drop for Waits<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }

        let others = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        if others >= self.most_waiting {
            return Err(Refused::Full);
        }
        self.room.acquire().await.expect("it is never closed").forget();
        Ok(())
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenGuard {
    shared: Arc<Shared>,
    /// Boxed, so that those who are not counted pay for a pointer.
    _entered: Option<Box<Entered>>,
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        let shared = &*self.shared;
        shared.room.add_permits(1);
        shared.freed.notify_waiters();
        if shared.room.available_permits() == shared.most {
            shared.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future};

    use super::*;

    #[actix_web::test]
    async fn returns_at_once_if_none_is_open() {
        assert!(OpenConnections::new(9, 0, None).none_left().now_or_never().is_some());
    }

    #[actix_web::test]
    async fn waits_for_the_last_one_and_no_longer() {
        let open = OpenConnections::new(9, 0, None);
        let (first, second) = (open.enter(None).await, open.clone().enter(None).await);
        assert_eq!(open.count(), 2);

        let mut none_left = Box::pin(open.none_left());
        assert!(future::poll_immediate(&mut none_left).await.is_none());
        drop(first);
        assert!(future::poll_immediate(&mut none_left).await.is_none());
        drop(second);
        assert!(future::poll_immediate(&mut none_left).await.is_some());
    }

    #[actix_web::test]
    async fn who_comes_when_there_is_no_room_waits() {
        let open = OpenConnections::new(1, 0, None);
        let mut full = Box::pin(open.full());
        assert!(future::poll_immediate(&mut full).await.is_none());
        let first = open.enter(None).await;
        assert!(future::poll_immediate(&mut full).await.is_some());

        let mut others: Vec<_> = (1..WAITING).map(|_| Box::pin(open.enter(None))).collect();
        for other in &mut others {
            assert!(future::poll_immediate(other).await.is_none());
        }
        let (mut room, mut second) = (Box::pin(open.room()), Box::pin(open.enter(None)));
        assert!(future::poll_immediate(&mut room).await.is_none());
        assert!(future::poll_immediate(&mut second).await.is_none());
        assert!(matches!(future::poll_immediate(open.enter(None)).await, Some(Err(Refused::Full))));
        drop(others);
        drop(first);
        assert!(future::poll_immediate(&mut second).await.is_some());
        assert_eq!(open.count(), 0, "the second has gone, too");
        assert!(future::poll_immediate(&mut room).await.is_some());
    }
}
