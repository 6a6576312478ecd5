//! How a server is named: by its process, or by the port that it listens on.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchTarget {
    /// The process with this id, alone: `1234`.
    Pid(i32),
    /// All processes that have a listener on this TCP port: `port:8080`. With workers that share a port, or that were
    /// forked with the listener open, these are all of them.
    Port(u16),
}

/// Text that names nothing to watch.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is neither a process id, as in `1234`, nor a port that is listened on, as in `port:8080`")]
pub struct WatchTargetError(String);

impl FromStr for WatchTarget {
    type Err = WatchTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_prefix("port:") {
            Some(port) => port.parse().ok().filter(|&port| port > 0).map(Self::Port),
            None => text.parse().ok().filter(|&pid| pid > 0).map(Self::Pid),
        };
        parsed.ok_or_else(|| WatchTargetError(text.to_owned()))
    }
}

impl fmt::Display for WatchTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => write!(f, "{pid}"),
            Self::Port(port) => write!(f, "port:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_or_a_port() {
        for (text, target) in [("1234", WatchTarget::Pid(1234)), ("port:8080", WatchTarget::Port(8080))] {
            assert_eq!(text.parse(), Ok(target));
            assert_eq!(target.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused_with_both_forms() {
        for text in ["", "0", "-1", "nginx", "port:", "port:0", "port:65536", "port:http", "99999999999"] {
            let error = text.parse::<WatchTarget>().unwrap_err().to_string();
            assert!(error.contains("`1234`") && error.contains("`port:8080`"), "{error}");
        }
    }
}
