//! Plain HTTP/1.1 over sockets of its own: one thread, one epoll instance, clients in a list.
//!
//! The way of an event: `reading` takes bytes off a socket into a buffer that all share, `chunked` finds the body in
//! them, a decoder that all share the events, and the recorder enters them. A client that is not in the middle of
//! anything owns no buffer at all. One look at the clock a read, none an event; nothing is allocated.

pub(crate) mod client;
pub(crate) mod connect;
pub(crate) mod decoders;
pub(crate) mod head;
mod life;
mod pool;
mod reading;
mod stamped;
mod timers;

use std::io;

use crate::worker::Assignment;

/// Does what the assignment says, until it is told to close.
///
/// # Errors
///
/// There is no epoll instance to be had, a request cannot be made, or the coordinator is gone.
pub fn run(assignment: Assignment) -> io::Result<()> {
    pool::Pool::new(assignment)?.run()
}
