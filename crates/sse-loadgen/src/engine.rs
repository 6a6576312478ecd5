//! What opens streams and reads them. Two of them, with one interface: an [assignment](crate::worker::Assignment) in,
//! [replies](crate::worker::Reply) out, and the same [accounts](crate::account) in between.
//!
//! | engine | what it is | trust it for |
//! | --- | --- | --- |
//! | [`raw`] | sockets of its own and epoll, no allocation for an event | everything over `http://` |
//! | [`reqwest`] | reqwest and eventsource-stream, a task a stream | `https://`, HTTP/2, and what an ordinary Rust client would see |
//!
//! What the ordinary client does not show, its reports do not have: comments, so no gap between heartbeats; and the
//! time of a `retry:` or an `id:` that comes without data.

use std::io;

use crate::host::raise_open_files;
use crate::worker::Assignment;

pub mod kind;
pub mod raw;
pub mod request;
pub mod reqwest;
mod socket_error;

pub use self::kind::Engine;
pub(crate) use self::socket_error::ending;

/// Makes this process a worker: does what is asked on standard input, until it is over.
///
/// # Errors
///
/// The first line is no assignment, the engine could not start, or nobody listens any more.
pub fn work() -> io::Result<()> {
    let mut first = String::new();
    io::stdin().read_line(&mut first)?;
    let assignment: Assignment = serde_json::from_str(&first).map_err(io::Error::other)?;
    raise_open_files()?;
    match assignment.engine {
        Engine::Raw => raw::run(assignment),
        Engine::Reqwest => reqwest::run(assignment),
    }
}
