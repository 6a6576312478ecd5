//! The names of the engines.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// See [`engine`](super).
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
