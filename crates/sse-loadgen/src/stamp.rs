//! What a published event says about itself: its number, and when it was planned to be sent.
//!
//! The stamp travels in the data (ids belong to the server), in characters that survive JSON, forms and HTML unescaped,
//! so that it is found wherever a server or a template puts it. Whoever reads it knows without any shared state
//! which event it is, how late, and whether it is whole.
//!
//! ```text
//! slg1;<length>;<run>;<topic>;<sequence>;<planned>;<padding>;<checksum>
//! ```
//!
//! The length, in bytes, is that of the whole stamp; the checksum, CRC-32 in hex, covers all before it.

use std::io::Write;

use memchr::memmem;
use thiserror::Error;

const MARK: &[u8] = b"slg1;";
const CHECKSUM: usize = 8;

/// The longest stamp, in bytes: 64 MiB.
pub const MAX_LEN: usize = 64 << 20;

/// One event of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The run that published it: events of an earlier run, still retained by the server, are not ours.
    pub run: u32,
    /// The number of its topic.
    pub topic: u32,
    /// Its number in the topic, from 0.
    pub sequence: u64,
    /// When it was planned to be sent, in nanoseconds of `CLOCK_MONOTONIC`, which all processes of a machine share.
    pub planned: u64,
}

/// What looks like a stamp and is none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the event's stamp is damaged")]
pub struct Damaged;

impl Stamp {
    /// Appends the stamp, padded to `len` bytes, or as long as it must be.
    pub fn write(&self, len: usize, out: &mut Vec<u8>) {
        let start = out.len();
        let Self { run, topic, sequence, planned } = self;
        // The length counts its own digits; a zero in front is as good.
        write!(out, "slg1;00000000;{run:x};{topic};{sequence};{planned};").expect("a Vec takes every write");
        let len = len.min(MAX_LEN).max(out.len() - start + 1 + CHECKSUM);
        out.resize(start + len - 1 - CHECKSUM, b'x');
        out.push(b';');
        let digits = start + MARK.len();
        write!(&mut out[digits..digits + 8], "{len:08}").expect("64 MiB have eight digits");
        let checksum = crc32fast::hash(&out[start..]);
        write!(out, "{checksum:08x}").expect("a Vec takes every write");
    }

    /// The stamp in an event's data, if there is one. Linear in the data, no allocation.
    ///
    /// # Errors
    ///
    /// There is one and its checksum does not fit, or it is cut.
    pub fn find(data: &[u8]) -> Result<Option<Self>, Damaged> {
        // Nearly always there is nothing before it, and nothing to search.
        let start = if data.starts_with(MARK) { Some(0) } else { memmem::find(data, MARK) };
        let Some(start) = start else { return Ok(None) };
        Self::parse(&data[start..]).map(Some).ok_or(Damaged)
    }

    fn parse(stamp: &[u8]) -> Option<Self> {
        let len = number(stamp.get(MARK.len()..MARK.len() + 8)?, 10)? as usize;
        let (covered, checksum) = stamp.get(..len)?.split_at_checked(len.checked_sub(CHECKSUM)?)?;
        if u64::from(crc32fast::hash(covered)) != number(checksum, 16)? {
            return None;
        }
        let mut fields = covered.get(MARK.len() + 9..)?.split(|&byte| byte == b';');
        Some(Self {
            run: number(fields.next()?, 16)?.try_into().ok()?,
            topic: number(fields.next()?, 10)?.try_into().ok()?,
            sequence: number(fields.next()?, 10)?,
            planned: number(fields.next()?, 10)?,
        })
    }
}

/// Unsigned digits and nothing else: no sign, no space, and small letters as they are written.
fn number(digits: &[u8], radix: u64) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        let digit = u64::from(digit);
        if digit < radix { number.checked_mul(radix)?.checked_add(digit) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAMP: Stamp = Stamp { run: 0xBEEF, topic: 3, sequence: 42, planned: 1_234_567_890 };

    fn written(stamp: &Stamp, len: usize) -> Vec<u8> {
        let mut out = Vec::new();
        stamp.write(len, &mut out);
        out
    }

    #[test]
    fn it_is_as_long_as_asked() {
        assert_eq!(written(&STAMP, 128).len(), 128);
        assert_eq!(written(&STAMP, 100_000).len(), 100_000);
        let shortest = written(&STAMP, 0);
        assert_eq!(shortest, written(&STAMP, shortest.len()));
    }

    #[test]
    fn it_is_found_wherever_it_is_put() {
        let json = [br#"{"text":""#.as_slice(), &written(&STAMP, 99), br#"","other":1}"#].concat();
        assert_eq!(Stamp::find(&json), Ok(Some(STAMP)));
        assert_eq!(Stamp::find(b"something else; slg2;"), Ok(None));
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let whole = written(&STAMP, 80);
        for at in MARK.len()..whole.len() {
            // The fifth bit is what capital and small letters differ in.
            for bit in [1, 1 << 5] {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                assert_eq!(Stamp::find(&changed), Err(Damaged), "byte {at}");
            }
        }
        for len in MARK.len()..whole.len() {
            assert_eq!(Stamp::find(&whole[..len]), Err(Damaged), "cut after {len}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(run: u32, topic: u32, sequence: u64, planned: u64, len in 0_usize..5000) {
            let stamp = Stamp { run, topic, sequence, planned };
            prop_assert_eq!(Stamp::find(&written(&stamp, len)), Ok(Some(stamp)));
        }

        #[test]
        fn nothing_makes_it_panic(data: Vec<u8>) {
            let _ = Stamp::find(&[MARK, &data].concat());
        }
    }
}
