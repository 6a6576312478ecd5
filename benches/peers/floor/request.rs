//! Request heads, read just enough to serve subscribers and publishers that mean well.

/// A request that is whole, except for the body of [`Stream`](Request::Stream).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Subscribe {
        topic: &'a [u8],
    },
    Publish {
        topic: &'a [u8],
        data: &'a [u8],
    },
    /// Events for many topics, in a chunked body that follows.
    Stream,
    /// What this is no server for.
    Other,
}

/// The first request of `input` and its length, once all of it is there.
pub(super) fn parse(input: &[u8]) -> Option<(Request<'_>, usize)> {
    let head_length = find(input, b"\r\n\r\n")? + 4;
    let (head, body) = input.split_at(head_length);
    let mut lines = head.split(|&byte| byte == b'\n');
    let mut words = lines.next().unwrap_or_default().split(|&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let (mut length, mut is_chunked) = (0, false);
    for line in lines {
        if let Some(value) = header(line, b"content-length:") {
            length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok()).unwrap_or(0);
        } else if let Some(value) = header(line, b"transfer-encoding:") {
            is_chunked = value.eq_ignore_ascii_case(b"chunked");
        }
    }
    let topic = path.strip_prefix(b"/events/");
    let request = match (method, topic) {
        (b"GET", Some(topic)) => Request::Subscribe { topic },
        (b"POST", Some(topic)) if !is_chunked => Request::Publish { topic, data: body.get(..length)? },
        (b"POST", None) if path == b"/events" && is_chunked => Request::Stream,
        _ => Request::Other,
    };
    Some((request, head_length + if is_chunked { 0 } else { length }))
}

fn header<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

pub(super) fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let get = b"GET /events/a?x=/y HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n";
        assert_eq!(parse(get), Some((Request::Subscribe { topic: b"a" }, get.len())));
        let stream = b"POST /events HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n";
        assert_eq!(parse(stream), Some((Request::Stream, stream.len())));
        let other = b"GET / HTTP/1.1\r\n\r\n";
        assert_eq!(parse(other), Some((Request::Other, other.len())));
    }

    #[test]
    fn a_publish_waits_for_its_body() {
        let post = b"POST /events/a HTTP/1.1\r\ncontent-LENGTH: 5\r\n\r\nhelloPOST";
        let whole = post.len() - 4;

        assert_eq!(parse(post), Some((Request::Publish { topic: b"a", data: b"hello" }, whole)));
        for end in 0..whole {
            assert_eq!(parse(&post[..end]), None);
        }
    }
}
