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

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub mod raw;
pub mod request;
pub mod reqwest;
mod socket_error;

pub(crate) use self::socket_error::ending;

/// Which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Plain HTTP/1.1 over sockets of its own: cheap enough for tens of thousands of streams a core.
    Raw,
    /// reqwest and eventsource-stream: https, HTTP/2, and what an ordinary Rust client sees.
    Reqwest,
}

impl Engine {
    /// As it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Reqwest => "reqwest",
        }
    }
}
