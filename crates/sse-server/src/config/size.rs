//! Sizes as people write and read them.

use std::fmt;
use std::str::FromStr;

use bytesize::ByteSize;

/// A number of bytes, as in `512`, `64KiB` or `1MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

impl fmt::Display for Size {
    /// Exact, unlike [`ByteSize`]'s own: what the help and the errors show can be typed, and two
    /// sizes that differ look different.
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
}
