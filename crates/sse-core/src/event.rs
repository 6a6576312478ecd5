//! What a publisher says: a name and data, checked once, here.
//!
//! After [`Event::new`] nothing on the way to the wire can fail: whatever it accepts can be encoded, and decodes to
//! the same name and data (line ends in the data become LF, which the format can not avoid).

use thiserror::Error;

/// The longest event name, in bytes.
pub const MAX_NAME: usize = 255;

/// The prefix of the hub's own events. Publishers may not use it, so a client that sees `sse.gap` knows who said it.
pub const RESERVED_PREFIX: &str = "sse.";

/// An event before it has an id: a name, empty for the default `message`, and data.
///
/// It borrows both from whoever received them; encoding is the only copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    name: &'a str,
    data: &'a str,
}

impl<'a> Event<'a> {
    /// An event of the default type, `message`.
    #[must_use]
    pub fn message(data: &'a str) -> Self {
        Self { name: "", data }
    }

    /// An event with the given name; none and `""` mean the default type, `message`.
    ///
    /// # Errors
    ///
    /// The name is longer than [`MAX_NAME`], holds a control character (a line end would inject fields, see WHATWG
    /// HTML section 9.2.5) or a bidirectional override (which makes one name read as another), or begins with
    /// [`RESERVED_PREFIX`]. Names are refused, never mended: a mended name is somebody else's.
    pub fn new(name: Option<&'a str>, data: &'a str) -> Result<Self, EventError> {
        let name = name.unwrap_or_default();
        if name.starts_with(RESERVED_PREFIX) {
            return Err(EventError::ReservedName);
        }
        Self::reserved(name, data)
    }

    /// An event of the hub itself, which may carry a reserved name.
    ///
    /// # Errors
    ///
    /// As [`Event::new`], but for the prefix.
    pub fn reserved(name: &'a str, data: &'a str) -> Result<Self, EventError> {
        if name.len() > MAX_NAME {
            return Err(EventError::NameTooLong { length: name.len() });
        }
        if let Some(found) = name.chars().find(|&c| c.is_control() || is_bidirectional_override(c)) {
            return Err(EventError::NameCharacter { found });
        }
        Ok(Self { name, data })
    }

    /// The name; empty means `message`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The data, as given.
    #[must_use]
    pub fn data(&self) -> &'a str {
        self.data
    }

    /// What the data takes on the wire, in bytes, less the framing of its first line: the data's own length, and six
    /// more for every further line (a million line ends are seven million bytes to every subscriber).
    ///
    /// This is the size that a limit on events should be held against. Linear in the data.
    #[must_use]
    pub fn size(&self) -> usize {
        let line_ends = memchr::memchr2_iter(b'\r', b'\n', self.data.as_bytes()).count();
        self.data.len() + line_ends * "data: ".len()
    }
}

fn is_bidirectional_override(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Why something is not an event.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// A character that could inject a field, or disguise the name.
    #[error("an event name may not hold the character U+{:04X}; leave out control characters and line ends", u32::from(*.found))]
    NameCharacter {
        /// The first such character.
        found: char,
    },
    /// Longer than [`MAX_NAME`].
    #[error("an event name may be {MAX_NAME} bytes long at most, this one has {length}")]
    NameTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The name belongs to the hub.
    #[error("event names that begin with '{RESERVED_PREFIX}' are the hub's own")]
    ReservedName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_refused_in_a_name() {
        for c in ('\0'..='\u{1F}').chain('\u{7F}'..='\u{9F}').chain(['\u{202E}', '\u{2066}']) {
            let name = format!("a{c}b");
            assert_eq!(Event::new(Some(&name), "").unwrap_err(), EventError::NameCharacter { found: c });
        }
    }

    #[test]
    fn names_of_people_are_accepted() {
        for name in ["", "price", "Straße", "价格", " spaced ", "a:b", "sse", "ssex.gap", "\u{2028}"] {
            assert_eq!(Event::new(Some(name), "d").unwrap().name(), name);
        }
        assert_eq!(Event::new(None, "d").unwrap().name(), "");
    }

    #[test]
    fn the_hubs_prefix_is_refused_from_publishers_only() {
        assert_eq!(Event::new(Some("sse.gap"), "").unwrap_err(), EventError::ReservedName);
        assert_eq!(Event::reserved("sse.gap", "").unwrap().name(), "sse.gap");
    }

    #[test]
    fn a_name_has_a_bound() {
        let name = "n".repeat(MAX_NAME + 1);
        assert!(Event::new(Some(&name[1..]), "").is_ok());
        assert_eq!(Event::new(Some(&name), "").unwrap_err(), EventError::NameTooLong { length: 256 });
    }

    #[test]
    fn size_counts_what_lines_add() {
        assert_eq!(Event::message("abc").size(), 3);
        assert_eq!(Event::message(&"\n".repeat(1000)).size(), 7000);
    }
}
