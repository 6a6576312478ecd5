//! Percent-encoding (RFC 3986 section 2.1), decoded strictly.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What `text` stands for. None if a `%` is not followed by two hexadecimal digits, or if the bytes are not UTF-8:
/// whoever sent that made a mistake, and any guess at what was meant would be a name that was not sent.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    let encoded = text.split('%').skip(1).all(|rest| {
        matches!(rest.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    encoded.then(|| percent_decode_str(text).decode_utf8().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_once() {
        for (text, expected) in
            [("", ""), ("a+b", "a+b"), ("%C3%a9", "é"), ("%2525", "%25"), ("é%00", "é\0"), ("%25zz", "%zz")]
        {
            assert_eq!(decode(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_refused() {
        for text in ["%", "a%", "%4", "%zz", "%%41", "%4%31", "%+1", "%FF", "%C3", "%ED%A0%80", "%é1"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
