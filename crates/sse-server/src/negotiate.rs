//! Does this client want an event stream? Proactive negotiation by `Accept` (RFC 9110 section 12.5.1).
//!
//! There is only one representation to offer, so the question is yes or no.

/// True if the `Accept` headers of a request let through `text/event-stream`.
///
/// Without the header, or with an empty one, everything is acceptable. Of the ranges that match, the most
/// specific decides, so `text/event-stream;q=0, */*` says no. Parameters other than `q` do not narrow a range:
/// clients write `text/event-stream;charset=utf-8` and mean this. A weight that is not one counts as 1, because
/// the client did name the range.
///
/// Takes one item per header line. Linear in their length; what is not a media range is skipped.
///
/// ```
/// use sse_server::negotiate::accepts_event_stream;
///
/// assert!(accepts_event_stream([b"text/html, text/*;q=0.3"]));
/// assert!(!accepts_event_stream([b"application/json"]));
/// ```
pub fn accepts_event_stream<L: AsRef<[u8]>>(accept: impl IntoIterator<Item = L>) -> bool {
    let mut stated = false;
    let mut best: Option<(Specificity, bool)> = None;
    for line in accept {
        for range in split_unquoted(line.as_ref(), b',').map(<[u8]>::trim_ascii) {
            stated |= !range.is_empty();
            best = best.max(verdict(range));
        }
    }
    best.map_or(!stated, |(_, acceptable)| acceptable)
}

/// Later variants win over earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Anything,
    AnyText,
    EventStream,
}

/// What one range says about an event stream, if it matches. A range that is named twice means the larger
/// weight: `true` is greater than `false`.
fn verdict(range: &[u8]) -> Option<(Specificity, bool)> {
    let mut parts = split_unquoted(range, b';').map(<[u8]>::trim_ascii);
    let specificity = match parts.next()? {
        b"*/*" => Specificity::Anything,
        media_type if media_type.eq_ignore_ascii_case(b"text/*") => Specificity::AnyText,
        media_type if media_type.eq_ignore_ascii_case(b"text/event-stream") => Specificity::EventStream,
        _ => return None,
    };
    let weight = parts.find_map(|parameter| {
        let (name, value) = parameter.split_at(parameter.iter().position(|&byte| byte == b'=')?);
        name.eq_ignore_ascii_case(b"q").then_some(&value[1..])
    });
    Some((specificity, !weight.is_some_and(is_zero)))
}

/// `0`, `0.` to `0.000`.
fn is_zero(weight: &[u8]) -> bool {
    match weight {
        [b'0'] => true,
        [b'0', b'.', decimals @ ..] => decimals.len() <= 3 && decimals.iter().all(|&digit| digit == b'0'),
        _ => false,
    }
}

/// Splits at `separator`, except within quoted strings.
fn split_unquoted(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |&byte| {
        if escaped {
            escaped = false;
        } else if quoted && byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            quoted = !quoted;
        }
        byte == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptable() {
        let table: &[&[&str]] = &[
            &[],
            &[""],
            &[" , ,"],
            &["*/*"],
            &["text/*"],
            &["text/event-stream"],
            &["Text/Event-Stream"],
            &["TEXT/*"],
            &["text/event-stream;q=0.001"],
            &["text/event-stream; charset=utf-8"],
            &["text/event-stream;charset=utf-8;q=0.5"],
            &["text/event-stream ; Q=1.000"],
            &["text/event-stream;q=high"],
            &["text/event-stream;q"],
            &["application/json, text/event-stream"],
            &["application/json", "text/event-stream"],
            &["application/json;q=1, */*;q=0.1"],
            &["*/*;q=0, text/event-stream"],
            &["text/*;q=0, text/event-stream;q=0.2, */*;q=0"],
            &["*/*;q=0", "text/*"],
            &["text/event-stream;q=0, text/event-stream"],
            &["text/html;level=\"a,b;q=0\", text/event-stream"],
            &["text/html;x=\"\\\",text/event-stream;q=0,\", */*"],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
        ];
        for headers in table {
            assert!(accepts_event_stream(*headers), "{headers:?}");
        }
    }

    #[test]
    fn not_acceptable() {
        let table: &[&[&str]] = &[
            &["application/json"],
            &["application/json", "text/html"],
            &["text/event-stream;q=0"],
            &["text/event-stream; q=0.000"],
            &["text/event-stream;charset=utf-8;Q=0.0"],
            &["text/event-stream;q=0, text/*, */*"],
            &["*/*", "text/event-stream;q=0"],
            &["text/*;q=0, */*"],
            &["*/*;q=0"],
            &["text/plain, text/html;x=\",text/event-stream,\""],
            &["text/event-streams"],
            &["event-stream"],
            &["*"],
        ];
        for headers in table {
            assert!(!accepts_event_stream(*headers), "{headers:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_do_no_harm() {
        assert!(!accepts_event_stream([b"\xff\xfe;q=\x80".as_slice()]));
        assert!(accepts_event_stream([b"\xff, text/event-stream".as_slice()]));
    }
}
