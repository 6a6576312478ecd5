//! Finds the end of a body in chunked transfer coding (RFC 9112, section 7.1), keeping nothing of it.

use super::answers::Malformed;

/// Where in such a body a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunked {
    /// In a chunk's size, of which so many hexadecimal digits have come.
    Size { size: u64, digits: u8 },
    /// Behind the size, in what else the line says.
    Extension { size: u64 },
    /// So many bytes before the end of a chunk.
    Data { left: u64 },
    /// In the line end behind a chunk.
    AfterData,
    /// In the lines behind the last chunk; whether this one is empty so far.
    Trailer { empty: bool },
}

impl Default for Chunked {
    fn default() -> Self {
        Self::Size { size: 0, digits: 0 }
    }
}

impl Chunked {
    /// Advances the input as far as the body goes, and says whether it ends there.
    pub(super) fn pass_over(&mut self, input: &mut &[u8]) -> Result<bool, Malformed> {
        while let Some((&byte, rest)) = input.split_first() {
            if let Self::Data { left } = *self {
                let passed = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                *input = &input[passed..];
                let left = left - passed as u64;
                *self = if left == 0 { Self::AfterData } else { Self::Data { left } };
                continue;
            }
            *input = rest;
            let Some(next) = self.after(byte)? else { return Ok(true) };
            *self = next;
        }
        Ok(false)
    }

    /// None: it was the last byte.
    fn after(self, byte: u8) -> Result<Option<Self>, Malformed> {
        Ok(Some(match (self, byte) {
            (Self::Size { digits: 0, .. }, b'\n') => return Err(Malformed),
            (Self::Size { size, .. } | Self::Extension { size }, b'\n') => Self::behind_size(size),
            (Self::Size { size, digits }, _) => match char::from(byte).to_digit(16) {
                // Sixteen digits are all that a u64 holds.
                Some(digit) if digits < 16 => {
                    Self::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
                }
                None if digits > 0 && matches!(byte, b';' | b'\r' | b' ' | b'\t') => Self::Extension { size },
                _ => return Err(Malformed),
            },
            (Self::AfterData, b'\n') => Self::default(),
            (Self::AfterData, byte) if byte != b'\r' => return Err(Malformed),
            (Self::Trailer { empty: true }, b'\n') => return Ok(None),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { empty: true },
            (Self::Trailer { empty }, _) => Self::Trailer { empty: empty && byte == b'\r' },
            (Self::Extension { .. } | Self::Data { .. } | Self::AfterData, _) => self,
        }))
    }

    fn behind_size(size: u64) -> Self {
        if size == 0 { Self::Trailer { empty: true } } else { Self::Data { left: size } }
    }
}
