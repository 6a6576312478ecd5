//! Where a subscriber says that it was: the `Last-Event-ID` header or, for its first request, the URL.

use actix_web::http::header::HeaderMap;
use sse_core::Position;

/// The header that `EventSource` sends on every reconnect after an event with an id (WHATWG HTML section 9.2.4).
pub(crate) const LAST_EVENT_ID: &str = "last-event-id";

/// The position of a subscription. The header wins: it is newer than the URL, which stays the same on every
/// reconnect.
///
/// Anything that is not an id of ours is an unknown position, which is announced as a gap. It is never an error,
/// because a browser that gets one gives up for good.
pub(crate) fn position(headers: &HeaderMap, query: Option<&str>) -> Position {
    let mut sent = headers.get_all(LAST_EVENT_ID).filter(|value| !value.is_empty());
    match (sent.next(), sent.next()) {
        (Some(only), None) => only.to_str().map_or(Position::Unknown, parse),
        (Some(_), Some(_)) => Position::Unknown,
        (None, _) => query.filter(|text| !text.is_empty()).map_or(Position::Now, parse),
    }
}

fn parse(text: &str) -> Position {
    if text == "earliest" {
        return Position::Earliest;
    }
    text.parse().map_or(Position::Unknown, Position::After)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HeaderName::from_static(LAST_EVENT_ID), HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_header_wins_over_the_url() {
        let id = "k3v9x0ab-5".parse().unwrap();
        assert_eq!(position(&headers(&[b"k3v9x0ab-5"]), Some("earliest")), Position::After(id));
        assert_eq!(position(&headers(&[b""]), Some("k3v9x0ab-5")), Position::After(id));
        assert_eq!(position(&headers(&[]), Some("earliest")), Position::Earliest);
        assert_eq!(position(&headers(&[]), Some("")), Position::Now);
        assert_eq!(position(&headers(&[]), None), Position::Now);
    }

    #[test]
    fn what_is_not_our_id_is_an_unknown_position() {
        let long = "9".repeat(10_240);
        let strange: [&[u8]; 7] = [
            b"\xFF\xFE",
            b"-1",
            b"k3v9x0ab-18446744073709551616",
            b"k3v9x0ab--1",
            b"EARLIEST",
            long.as_bytes(),
            "…".as_bytes(),
        ];
        for value in strange {
            assert_eq!(position(&headers(&[value]), None), Position::Unknown, "{value:?}");
        }
        assert_eq!(position(&headers(&[b"k3v9x0ab-5", b"k3v9x0ab-6"]), None), Position::Unknown);
        assert_eq!(position(&headers(&[]), Some("a\r\nb\0")), Position::Unknown);
    }
}
