//! What cannot be seen from outside, or is not about the format: limits, errors, reuse of buffers.

use std::borrow::Cow;

use super::*;

/// Feeds all of `input` and returns what came of it, as text.
fn feed(decoder: &mut Decoder, mut input: &[u8]) -> Result<Vec<String>, DecodeError> {
    let mut seen = Vec::new();
    while let Some(item) = decoder.next(&mut input)? {
        seen.push(match item {
            Item::Comment(text) => format!("comment {text}"),
            Item::Event(Message { name, data, id, kept: None }) => format!("{name} {data} {id}"),
            Item::Event(Message { name, data, id, kept: Some(kept) }) => {
                format!("{kept}: {name} {data} {id}")
            }
            Item::Id(id) => format!("id {id}"),
            Item::Retry(delay) => format!("retry {delay:?}"),
        });
    }
    Ok(seen)
}

fn capacities(decoder: &Decoder) -> [usize; 4] {
    [
        decoder.lines.capacity(),
        decoder.block.capacity(),
        decoder.comment.capacity(),
        decoder.last_event_id.capacity(),
    ]
}

#[test]
fn item_is_complete_with_the_byte_that_ends_it() {
    let mut decoder = Decoder::default();
    assert_eq!(feed(&mut decoder, b":ok\r").unwrap(), ["comment ok"]);
    assert_eq!(feed(&mut decoder, b"data: a\rretry: 5\r").unwrap(), ["retry 5ms"]);
    assert_eq!(feed(&mut decoder, b"\r").unwrap(), ["message a "]);
}

#[test]
fn id_counts_from_the_blank_line_on() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, b"id: 1\n\nid: 2\ndata: x\n").unwrap();
    assert_eq!(decoder.last_event_id(), "1");
    assert_eq!(feed(&mut decoder, b"\n").unwrap(), ["message x 2"]);
    assert_eq!(decoder.last_event_id(), "2");
}

#[test]
fn limit_is_exact() {
    // Held at the most: the data with its line end, and the second line.
    let stream = b"data: 1234\nid: 567\n\n";
    let enough = "1234\n".len() + "id: 567".len();
    assert_eq!(feed(&mut Decoder::new(enough), stream).unwrap(), ["message 1234 567"]);
    assert_eq!(feed(&mut Decoder::new(enough - 1), stream), Err(DecodeError::TooLong { limit: enough - 1 }));
}

#[test]
fn limit_is_per_block() {
    let mut decoder = Decoder::new(16);
    for _ in 0..1000 {
        assert_eq!(feed(&mut decoder, b"data: 0123456789\n\n").unwrap(), ["message 0123456789 "]);
        assert_eq!(feed(&mut decoder, b"event: 012345678\n\n").unwrap(), [""; 0]);
    }
}

#[test]
fn limit_holds_for_every_part_of_a_block() {
    for endless in ["data: 123\n", "data\n", ":", "x", "id: 12", "event: 12", "data: ", "retry: 1"] {
        for size in [1, 2, 3, 7, 64] {
            let stream = endless.repeat(64);
            let mut decoder = Decoder::new(60);
            let outcome = stream.as_bytes().chunks(size).try_for_each(|chunk| {
                let outcome = feed(&mut decoder, chunk).map(|_| ());
                assert!(decoder.buffered() <= 60);
                outcome
            });
            assert_eq!(outcome, Err(DecodeError::TooLong { limit: 60 }), "{endless:?} by {size}");
        }
    }
}

#[test]
fn error_stays_until_reset() {
    let mut decoder = Decoder::new(8);
    feed(&mut decoder, b"id: 1\n\n").unwrap();
    for input in [&b"data: 123"[..], b"\n\n", b"", b"data: 1\n\n"] {
        assert_eq!(feed(&mut decoder, input), Err(DecodeError::TooLong { limit: 8 }));
        assert_eq!(decoder.buffered(), 0);
    }
    assert_eq!(capacities(&decoder)[..3], [0, 0, 0]);
    decoder.reset();
    assert_eq!(feed(&mut decoder, b"data: 1\n\n").unwrap(), ["message 1 1"]);
}

#[test]
fn reset_keeps_the_position_and_nothing_else() {
    let mut decoder = Decoder::default();
    for unfinished in
        [&b"id: 2\nevent: e\ndata: lost\n"[..], b"data: lost\nda", b"\r", b"\xEF\xBB", b":c\nid"]
    {
        feed(&mut decoder, b"id: 1\n\n").unwrap();
        feed(&mut decoder, unfinished).unwrap();
        decoder.reset();
        assert_eq!(decoder.buffered(), 0);
        assert_eq!(feed(&mut decoder, b"\n").unwrap(), [""; 0]);
        decoder.reset();
        let stream = b"\xEF\xBB\xBFdata: a\n\n";
        assert_eq!(feed(&mut decoder, stream).unwrap(), ["message a 1"], "{unfinished:?}");
        decoder.reset();
    }
}

#[test]
fn at_rest_is_behind_what_stands_for_itself() {
    let mut decoder = Decoder::default();
    assert!(!decoder.is_at_rest(), "a byte order mark may still come");
    for (bytes, at_rest) in [
        ("\n", true),
        ("data: 1\n", false),
        ("\n", true),
        ("id:\n", false),
        ("\n", true),
        (":comment\nretry: 1\n", true),
        ("data: 1\r\r", false),
        ("\n", true),
        ("x", false),
    ] {
        feed(&mut decoder, bytes.as_bytes()).unwrap();
        assert_eq!(decoder.is_at_rest(), at_rest, "{bytes:?}");
    }
}

#[test]
fn grown_buffers_are_used_again() {
    let mut decoder = Decoder::default();
    let blocks = b":comment\nretry: 1\nid: 12345\nevent: name\ndata: one\ndata: two\n\nid: 9\n\n";
    feed(&mut decoder, blocks).unwrap();
    // In chunks too, for the line that is cut needs a buffer of its own.
    blocks.chunks(5).for_each(|chunk| drop(feed(&mut decoder, chunk).unwrap()));
    let grown = capacities(&decoder);
    for chunk in blocks.repeat(100).chunks(5) {
        feed(&mut decoder, chunk).unwrap();
        assert_eq!(capacities(&decoder), grown);
    }
}

#[test]
fn one_more_field_is_kept_if_asked_for() {
    let stream = b"topic: lost\ntopic:  a:b \ndata: 1\nTopic: no\n\ndata: 2\n\ntopic\ndata: 3\n\ntopic: x\n\ndata: 4\n\n";
    let kept = [" a:b : message 1 ", "message 2 ", ": message 3 ", "message 4 "];
    assert_eq!(feed(&mut Decoder::default().keeping("topic"), stream).unwrap(), kept);
    let plain = ["message 1 ", "message 2 ", "message 3 ", "message 4 "];
    assert_eq!(feed(&mut Decoder::default(), stream).unwrap(), plain);
    assert_eq!(feed(&mut Decoder::default().keeping("data"), stream).unwrap(), plain);
}

#[test]
fn what_is_kept_counts_and_is_forgotten_with_its_block() {
    let mut decoder = Decoder::new(16).keeping("topic");
    feed(&mut decoder, b"\ntopic\n").unwrap();
    assert!(!decoder.is_at_rest(), "an empty value is a value");
    feed(&mut decoder, b"topic: 12345\n").unwrap();
    assert_eq!(decoder.buffered(), 5);
    assert_eq!(feed(&mut decoder, b"data: 123456"), Err(DecodeError::TooLong { limit: 16 }));
    assert_eq!(capacities(&decoder)[..3], [0, 0, 0]);
    decoder.reset();
    assert_eq!(
        feed(&mut decoder, b"topic: a\ndata: 1\n\n").unwrap(),
        ["a: message 1 "],
        "after an error, too"
    );
    feed(&mut decoder, b"topic: lost\n").unwrap();
    decoder.reset();
    assert_eq!(feed(&mut decoder, b"data: 2\n\n").unwrap(), ["message 2 "]);
}

#[test]
fn valid_text_is_borrowed() {
    let mut decoder = Decoder::default();
    let item = decoder.next(&mut &b"event: \xC3\xA9\ndata: \xC3\xA9\n\n"[..]).unwrap();
    let Some(Item::Event(Message { name: Cow::Borrowed("é"), data: Cow::Borrowed("é"), .. })) = item else {
        panic!("{item:?}");
    };
}

#[test]
fn debug_shows_no_content() {
    let mut decoder = Decoder::new(64);
    feed(&mut decoder, b"data: secret\n").unwrap();
    let text = format!("{decoder:?}");
    assert!(text.contains("buffered: 7") && !text.contains("secret"), "{text}");
}
