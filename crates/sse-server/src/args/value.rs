//! How single values are written on the command line.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;

use crate::config::{Origin, OriginError};

/// An address to listen on: of names, and of ports alone, there is more than one reading.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
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

/// A number of bytes, as in `512`, `64KiB` or `1MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl fmt::Display for Size {
    /// Exact, unlike [`ByteSize`]'s own: what the help shows can be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(usize, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match UNITS.iter().find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ByteSize(bytes) = text.parse().map_err(|_| "write a size as 65536, 64KiB or 1MiB".to_owned())?;
        usize::try_from(bytes).map(Self).map_err(|_| "too large for this machine".to_owned())
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
    fn a_size_can_be_typed_as_it_is_shown() {
        for (bytes, text) in
            [(0, "0"), (1023, "1023"), (65_536, "64KiB"), (1 << 20, "1MiB"), (3 << 29, "1536MiB")]
        {
            assert_eq!(Size(bytes).to_string(), text);
            assert_eq!(text.parse(), Ok(Size(bytes)));
        }
    }

    #[test]
    fn a_span_can_be_typed_as_it_is_shown() {
        for (millis, text) in [(0, "0s"), (1500, "1s 500ms"), (15_000, "15s"), (5_400_000, "1h 30m")] {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), text);
            assert_eq!(text.parse(), Ok(Span(Duration::from_millis(millis))));
        }
    }
}
