//! The process that holds the clients: one thread, one loop, nothing shared. Started by the
//! [coordinator](crate::coordinator), with which it speaks in lines of JSON: orders in, reports out.
//!
//! However many cores and descriptors a run takes, this is the only path: a run with one worker is one with many.

mod controls;
pub mod orders;
mod reporter;

pub use self::controls::{Controls, Waker};
pub use self::orders::{Assignment, Order, Reply};
pub use self::reporter::{Reporter, WINDOW, reply};
