//! How single values are written on the command line.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::{Origin, OriginError};

/// An address to listen on: of names, and of ports alone, there is more than one reading.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
}

/// A number of a type that has no zero.
pub(super) fn parse_count<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "write a number of at least 1")
}

/// A network, or a single address.
pub(super) fn parse_network(text: &str) -> Result<IpNet, &'static str> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| single()).map_err(|_| "write an address or a network, such as 10.0.0.0/8 or ::1")
}

/// A time, as in `1500ms`, `15s` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

impl FromStr for Span {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text).map(Self)
    }
}

/// One `--allow-origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginArg {
    /// `*`
    Any,
    /// An origin.
    This(Origin),
}

impl FromStr for OriginArg {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "*" { Ok(Self::Any) } else { text.parse().map(Self::This) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_can_be_typed_as_it_is_shown() {
        for (millis, text) in [(0, "0s"), (1500, "1s 500ms"), (15_000, "15s"), (5_400_000, "1h 30m")] {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), text);
            assert_eq!(text.parse(), Ok(Span(Duration::from_millis(millis))));
        }
    }
}
