//! The fields of one block: all between two blank lines. Knows neither chunks nor line ends.

use std::borrow::Cow;
use std::time::Duration;

use memchr::memchr;

#[derive(Clone, Default)]
pub(super) struct Block {
    /// Each value with a LF behind it, so that one empty `data` line is not the same as none.
    data: Vec<u8>,
    name: Vec<u8>,
    /// `id` counts only if this is set: an empty id is an id, and takes the position back.
    has_id: bool,
    id: Vec<u8>,
    /// Boxed, since hardly anybody asks for it and some have tens of thousands of decoders.
    kept: Option<Box<Kept>>,
}

/// A field that the standard does not have.
#[derive(Clone)]
struct Kept {
    field: &'static str,
    /// An empty value is one, too.
    is_there: bool,
    value: Vec<u8>,
}

impl Block {
    pub(super) fn keep(&mut self, field: &'static str) {
        self.kept = Some(Box::new(Kept { field, is_there: false, value: Vec::new() }));
    }

    /// Takes in one line, neither blank nor a comment. A valid `retry` is handed back, as it does not wait for
    /// the end of the block. Adds less than the line's length to [`len`](Self::len).
    pub(super) fn add(&mut self, line: &[u8]) -> Option<Duration> {
        let (field, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        // One space, and nothing but a space.
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => replace(&mut self.name, value),
            b"id" if memchr(0, value).is_none() => {
                replace(&mut self.id, value);
                self.has_id = true;
            }
            b"retry" => return retry(value),
            other => {
                if let Some(kept) = self.kept.as_deref_mut().filter(|kept| kept.field.as_bytes() == other) {
                    kept.is_there = true;
                    replace(&mut kept.value, value);
                }
            }
        }
        None
    }

    /// Bytes held.
    pub(super) fn len(&self) -> usize {
        self.data.len()
            + self.name.len()
            + self.id.len()
            + self.kept.as_ref().map_or(0, |kept| kept.value.len())
    }

    /// Nothing was said that the blank line would bring into force.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0 && !self.has_id && !self.kept.as_ref().is_some_and(|kept| kept.is_there)
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let kept = self.kept.as_ref().map_or(0, |kept| kept.value.capacity());
        self.data.capacity() + self.name.capacity() + self.id.capacity() + kept
    }

    pub(super) fn has_data(&self) -> bool {
        !self.data.is_empty()
    }

    pub(super) fn data(&self) -> Cow<'_, str> {
        text(self.data.strip_suffix(b"\n").unwrap_or(&self.data))
    }

    pub(super) fn name(&self) -> Cow<'_, str> {
        if self.name.is_empty() {
            return Cow::Borrowed("message");
        }
        text(&self.name)
    }

    pub(super) fn kept(&self) -> Option<Cow<'_, str>> {
        self.kept.as_ref().filter(|kept| kept.is_there).map(|kept| text(&kept.value))
    }

    /// Writes the id over `target` if the block has one, and says so. In place, to allocate nothing per event.
    pub(super) fn id_into(&self, target: &mut String) -> bool {
        if self.has_id {
            target.clear();
            target.push_str(&text(&self.id));
        }
        self.has_id
    }

    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.name.clear();
        self.has_id = false;
        self.id.clear();
        if let Some(kept) = &mut self.kept {
            kept.is_there = false;
            kept.value.clear();
        }
    }

    /// Another for the same fields, which takes no memory for any.
    pub(super) fn emptied(&self) -> Self {
        let mut block = Self::default();
        if let Some(kept) = &self.kept {
            block.keep(kept.field);
        }
        block
    }
}

/// Text as the Encoding standard decodes it. Almost all text is valid, and for that `from_utf8` is several times
/// faster than `from_utf8_lossy`, which goes byte by byte.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn replace(buffer: &mut Vec<u8>, value: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(value);
}

/// ASCII digits alone; `str::parse` would let a sign pass. More than a `u64` holds is still a long time.
fn retry(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let append = |millis: u64, digit: &u8| millis.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(Duration::from_millis(value.iter().fold(0, append)))
}
