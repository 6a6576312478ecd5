//! The memory that bodies of publishers may take while they are coming in, all together.
//!
//! What is published has a budget, and a single body a limit; but as many bodies may be unfinished as there are
//! connections, or streams of HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that are held; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// There is no room for so much more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Bodies {
    pub(crate) fn new(most: usize) -> Self {
        Self { held: Arc::default(), most }
    }

    /// Bytes held now.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// For one body that begins.
    pub(crate) fn begin(&self) -> Unfinished {
        Unfinished { bodies: self.clone(), bytes: 0 }
    }
}

/// What one body holds, until it is dropped.
#[derive(Debug)]
pub(crate) struct Unfinished {
    bodies: Bodies,
    bytes: usize,
}

impl Unfinished {
    /// The body now takes this many bytes.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if let Some(less) = self.bytes.checked_sub(bytes) {
            self.bodies.held.fetch_sub(less, Ordering::Relaxed);
            self.bytes = bytes;
            return Ok(());
        }
        let more = bytes - self.bytes;
        let room = |held: usize| held.checked_add(more).filter(|held| *held <= self.bodies.most);
        let held = self.bodies.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        held.map_err(|_| NoRoom)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.bodies.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_share_the_room_and_give_it_back() {
        let bodies = Bodies::new(100);
        let (mut one, mut other) = (bodies.begin(), bodies.begin());
        assert_eq!((one.hold(60), other.hold(40)), (Ok(()), Ok(())));
        assert_eq!(other.hold(41), Err(NoRoom));
        assert_eq!(bodies.held(), 100, "what is refused changes nothing");
        assert_eq!((one.hold(10), other.hold(90)), (Ok(()), Ok(())));
        assert_eq!(one.hold(usize::MAX), Err(NoRoom));
        drop(other);
        assert_eq!(bodies.held(), 10);
        drop(one);
        assert_eq!(bodies.held(), 0);
    }
}
