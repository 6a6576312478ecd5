//! What holds for every stream: chunks do not matter, the standard's own steps give the same, nothing exceeds the
//! limit, and what was encoded comes back.

mod decoded;
mod reference;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sse_core::{DecodeError, Decoder, Epoch, Event, EventId, Frame, Item, MAX_NAME, RESERVED_PREFIX};

use crate::decoded::{Decoded, Outcome, decode, decode_with};

const ROOM: usize = 1 << 20;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn chunks_do_not_matter(stream in stream(), cuts in cuts(), limit in limit()) {
        let whole = decode([&stream[..]], limit);
        prop_assert_eq!(&decode(chunks(&stream, &cuts), limit), &whole);
        prop_assert_eq!(&decode(stream.chunks(1), limit), &whole);
    }

    #[test]
    fn agrees_with_the_standard_taken_literally(stream in stream(), cuts in cuts()) {
        prop_assert_eq!(decode(chunks(&stream, &cuts), ROOM), reference::decode(&stream));
    }

    /// A field that is kept is that of the block, and changes nothing else.
    #[test]
    fn a_field_more_is_a_field_more(stream in stream(), cuts in cuts(), limit in limit()) {
        let keeping = |limit| Decoder::new(limit).keeping("x");
        let kept = decode_with(keeping(ROOM), chunks(&stream, &cuts), ROOM);
        prop_assert_eq!(&kept, &reference::decode_keeping(&stream, Some("x")));
        let mut rest = kept;
        for item in &mut rest.items {
            if let Decoded::Event { kept, .. } = item {
                *kept = None;
            }
        }
        prop_assert_eq!(rest, decode([&stream[..]], ROOM));
        let whole = decode_with(keeping(limit), [&stream[..]], limit);
        prop_assert_eq!(decode_with(keeping(limit), stream.chunks(1), limit), whole);
    }

    /// At rest, a decoder keeps nothing but the position: any other that is told it may go on.
    #[test]
    fn at_rest_another_may_go_on(stream in stream(), cuts in cuts()) {
        for chunks in [chunks(&stream, &cuts), stream.chunks(1).collect::<Vec<_>>()] {
            let mut other = Decoder::new(ROOM);
            prop_assert_eq!(other.next(&mut &b"id: other\n\n: rest\n"[..]), Ok(Some(Item::Id("other"))));
            prop_assert_eq!(other.next(&mut &b": rest\n"[..]), Ok(Some(Item::Comment(" rest".into()))));
            let (mut decoder, mut items) = (Decoder::new(ROOM), Vec::new());
            for mut chunk in chunks {
                while let Some(item) = decoder.next(&mut chunk).unwrap() {
                    items.push(Decoded::from(item));
                }
                if decoder.is_at_rest() {
                    other.resume_at(decoder.last_event_id());
                    std::mem::swap(&mut decoder, &mut other);
                }
            }
            prop_assert_eq!(items, decode([&stream[..]], ROOM).items);
        }
    }

    #[test]
    fn limit_only_ever_cuts_short(stream in stream(), limit in limit()) {
        let unlimited = decode([&stream[..]], ROOM);
        let Outcome { items, error, .. } = decode([&stream[..]], limit);
        prop_assert_eq!(&items[..], &unlimited.items[..items.len()]);
        if longest_block(&stream) <= limit {
            prop_assert_eq!(error, None);
        }
        match error {
            None => prop_assert_eq!(items.len(), unlimited.items.len()),
            Some(error) => prop_assert_eq!(error, DecodeError::TooLong { limit }),
        }
    }

    #[test]
    fn what_was_encoded_comes_back(events in prop::collection::vec((name(), text()), 0..5), cuts in cuts()) {
        let epoch = Epoch::random();
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for (sequence, (name, data)) in (1..).zip(&events) {
            let id = EventId { epoch, sequence };
            let frame = Frame::encode(&Event::new(name.as_deref(), data).unwrap());
            stream.extend_from_slice(&frame.to_bytes(Some(&id)));
            expected.push(Decoded::Event {
                name: name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "message".to_owned()),
                data: data.replace("\r\n", "\n").replace('\r', "\n"),
                id: id.to_string(),
                kept: None,
            });
        }
        for outcome in [decode(chunks(&stream, &cuts), ROOM), decode(stream.chunks(1), ROOM)] {
            prop_assert_eq!(outcome.items, &expected[..]);
            prop_assert_eq!(outcome.error, None);
        }
    }
}

/// Small streams dense with everything that a decoder could get wrong, and with whole events in between, so that
/// what came before a mistake is seen to matter.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&[u8]> = vec![
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\r",
        b"\r\n\r\n",
        b":",
        b": ",
        b" ",
        b"data",
        b"data:",
        b"data: ",
        b"event:",
        b"event: ",
        b"id",
        b"id:",
        b"id: ",
        b"retry:",
        b"retry: ",
        b"Data:",
        b"data:x\n\n",
        b"id:1\n\n",
        b"event:e\ndata\r\r",
        b"1",
        b"+1",
        b"18446744073709551616",
        b"x",
        b"x: ",
        b"\nx:y\n",
        b"\0",
        b"\xEF\xBB\xBF",
        b"\xEF\xBB",
        b"\xEF",
        b"\xBF",
        b"\xE2\x82\xAC",
        b"\xE2\x82",
        b"\xF0\x9F\x98\x80",
        b"\xF0\x9F",
        b"\xC0\x80",
        b"\xFF",
    ];
    let token = prop_oneof![9 => select(tokens).prop_map(<[u8]>::to_vec), 1 => any::<u8>().prop_map(|byte| vec![byte])];
    let mark = prop_oneof![4 => Just(&b""[..]), 1 => Just(&b"\xEF\xBB\xBF"[..])];
    (mark, prop::collection::vec(token, 0..40)).prop_map(|(mark, tokens)| [mark, &tokens.concat()].concat())
}

fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![0..64_usize, Just(ROOM)]
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..12)
}

/// Cuts may coincide: an empty chunk must do no harm.
fn chunks<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect()
}

/// The most that the lines of one block come to, without their ends.
fn longest_block(stream: &[u8]) -> usize {
    let one_char_per_byte: String = stream.iter().copied().map(char::from).collect();
    let text = one_char_per_byte.replace("\r\n", "\n").replace('\r', "\n");
    text.split("\n\n").map(|block| block.replace('\n', "").chars().count()).max().unwrap_or(0)
}

fn name() -> impl Strategy<Value = Option<String>> {
    let allowed = "any name that a publisher may give";
    let name = "[^\\p{Cc}\\p{Cf}]{0,12}"
        .prop_filter(allowed, |name| name.len() <= MAX_NAME && !name.starts_with(RESERVED_PREFIX));
    prop::option::of(prop_oneof![
        name,
        select(vec!["", " ", " a ", ":", "data: x", "message"]).prop_map(String::from)
    ])
}

/// Any text, often with line ends in every order.
fn text() -> impl Strategy<Value = String> {
    let pieces =
        select(vec!["\r", "\n", "\r\n", " ", ":", "data: ", "id: 1", "\0", "\u{FEFF}", "\u{2028}", "x", "€"]);
    prop_oneof![any::<String>(), prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())]
}
