//! The process that holds the clients: one thread, one loop, nothing shared. Started by the
//! [coordinator](crate::coordinator), with which it speaks in lines of JSON: orders in, reports out.
//!
//! However many cores and descriptors a run takes, this is the only path: a run with one worker is one with many.

mod controls;
pub mod orders;
mod reporter;

use std::io;

pub use self::controls::{Controls, Waker};
pub use self::orders::{Assignment, Order, Reply};
pub use self::reporter::{Reporter, WINDOW, reply};
use crate::engine;

/// Does what is asked on standard input, until it is over.
///
/// # Errors
///
/// The first line is no assignment, the engine could not start, or nobody listens any more.
pub fn run() -> io::Result<()> {
    let mut first = String::new();
    io::stdin().read_line(&mut first)?;
    let assignment: Assignment = serde_json::from_str(&first).map_err(io::Error::other)?;
    crate::host::raise_open_files()?;
    match assignment.engine {
        engine::Engine::Raw => engine::raw::run(assignment),
        engine::Engine::Reqwest => engine::reqwest::run(assignment),
    }
}
