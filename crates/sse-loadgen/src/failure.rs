//! Why there is no report, in one line. How a run that has one ends is [`Outcome`](crate::report::outcome::Outcome)'s.

use thiserror::Error;

/// See the module.
#[derive(Debug, Error)]
pub enum Failure {
    /// What was asked for cannot be done.
    #[error("{0}")]
    Usage(String),
    /// The target is not what it should be.
    #[error("{0}")]
    Target(String),
    /// Ctrl-C, before anything was measured.
    #[error("interrupted before anything was measured")]
    Interrupted,
    /// A worker died, a file cannot be written, and the like.
    #[error("{0}: {1}")]
    Local(&'static str, std::io::Error),
}

impl Failure {
    /// What the program ends with.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Local(..) => 1,
            Self::Target(_) => 2,
            Self::Interrupted => 130,
        }
    }
}
