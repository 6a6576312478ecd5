//! `<epoch>-<sequence>`: what goes into `id:` and comes back in `Last-Event-ID`.
//!
//! One sequence counts the events of a whole broadcaster, so that one id is an exact position in any set of its
//! topics. The epoch changes whenever the sequence could start over; without it, a client that returns after a
//! restart would be resumed at an unrelated event.
//!
//! An id stays within `[A-Za-z0-9-]` and 29 bytes: a `Last-Event-ID` over 128 bytes, or one with a byte that CORS
//! calls unsafe (`:` is one), may cost a preflight on every reconnect (Fetch standard, CORS-safelisted request-header).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const EPOCH_LENGTH: usize = 8;
const EPOCH_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The longest an id can be as text: the epoch, a dash, the digits of `u64::MAX`.
pub(crate) const MAX_TEXT: usize = EPOCH_LENGTH + 1 + 20;

/// One life of a broadcaster's sequence: eight characters out of `[0-9A-Za-z]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch([u8; EPOCH_LENGTH]);

impl Epoch {
    /// A new epoch, 40 random bits from the operating system: that two of a hundred restarts share one has odds of
    /// about one to two hundred million.
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness to give, which Linux after boot always has.
    #[must_use]
    pub fn random() -> Self {
        let mut bits = [0; EPOCH_LENGTH];
        getrandom::fill(&mut bits).expect("the operating system gives randomness");
        Self(bits.map(|bits| EPOCH_ALPHABET[usize::from(bits) % EPOCH_ALPHABET.len()]))
    }

    /// The epoch as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an epoch is ASCII by construction")
    }
}

impl FromStr for Epoch {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let bytes: [u8; EPOCH_LENGTH] = text.as_bytes().try_into().map_err(|_| ParseIdError)?;
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(ParseIdError);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event's place in the order of everything a broadcaster published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    /// The life of the sequence.
    pub epoch: Epoch,
    /// The event's number in it. The first event has 1; 0 is the position before it.
    pub sequence: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.sequence)
    }
}

impl FromStr for EventId {
    type Err = ParseIdError;

    /// Accepts exactly what [`Display`](fmt::Display) writes: no sign, no leading zero, no space. Constant time.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.len() > MAX_TEXT {
            return Err(ParseIdError);
        }
        let (epoch, sequence) = text.split_once('-').ok_or(ParseIdError)?;
        let canonical =
            sequence.bytes().all(|b| b.is_ascii_digit()) && (sequence == "0" || !sequence.starts_with('0'));
        if !canonical {
            return Err(ParseIdError);
        }
        Ok(Self { epoch: epoch.parse()?, sequence: sequence.parse().map_err(|_| ParseIdError)? })
    }
}

/// A text that no broadcaster of ours has ever sent as an id.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an event id; one looks like 'k3v9x0ab-1742'")]
pub struct ParseIdError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_id_are_the_same_thing() {
        let epoch = Epoch::random();
        for sequence in [0, 1, 9, 10, u64::MAX] {
            let id = EventId { epoch, sequence };
            assert_eq!(id.to_string().parse(), Ok(id));
            assert!(id.to_string().len() <= MAX_TEXT);
        }
    }

    #[test]
    fn what_we_never_sent_is_not_an_id() {
        let strange = [
            "",
            "-",
            "earliest",
            "k3v9x0ab",
            "k3v9x0ab-",
            "k3v9x0ab-+5",
            "k3v9x0ab--5",
            "k3v9x0ab-05",
            "k3v9x0ab- 5",
            "k3v9x0ab-18446744073709551616",
            "k3v9x0a-5",
            "k3v9x0abc-5",
            "k3v9x0a_-5",
            "k3v9x0ab-5\n",
            "é3v9x0a-5",
            "k3v9x0ab-5-5",
            "k3v9x0ab-٥",
        ];
        for text in strange {
            assert_eq!(text.parse::<EventId>(), Err(ParseIdError), "{text:?}");
        }
    }

    #[test]
    fn two_epochs_differ() {
        assert_ne!(Epoch::random(), Epoch::random());
    }
}
