//! What parses as an id, an epoch or a topic's name is exactly what may be one, and prints as the same text.
//!
//! Input: text, up to what is none. Its first sixteen bytes, text or not, are an id as well: eight of the epoch, eight
//! of the sequence.

use sse_core::{Epoch, EventId, MAX_TOPIC, TopicName};

pub(crate) fn check(input: &[u8]) {
    let text = input.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    assert_eq!(text.parse::<Epoch>().is_ok(), is_epoch(text));
    assert_eq!(text.parse::<EventId>().is_ok(), is_id(text));
    assert_eq!(text.parse::<TopicName>().is_ok(), is_topic(text));
    if let Ok(epoch) = text.parse::<Epoch>() {
        assert_eq!((epoch.as_str(), epoch.to_string().as_str()), (text, text));
    }
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(topic) = text.parse::<TopicName>() {
        assert_eq!((topic.as_str(), topic.to_string().as_str()), (text, text));
    }
    if let Some(([epoch, sequence], _)) = input.as_chunks::<8>().0.split_first_chunk::<2>() {
        check_printed(*epoch, u64::from_le_bytes(*sequence));
    }
}

/// What is printed goes through a header, a URL and CORS as it is, and comes back as the same.
fn check_printed(epoch: [u8; 8], sequence: u64) {
    const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    let epoch: String =
        epoch.iter().map(|byte| char::from(ALPHANUMERIC[usize::from(*byte) % ALPHANUMERIC.len()])).collect();
    let id = EventId { epoch: epoch.parse().expect("it is one by construction"), sequence };
    let text = id.to_string();
    assert_eq!(text.parse(), Ok(id));
    assert!(text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
}

fn is_epoch(text: &str) -> bool {
    text.len() == 8 && text.chars().all(|character| character.is_ascii_alphanumeric())
}

fn is_id(text: &str) -> bool {
    let is_sequence = |text: &str| text.parse::<u64>().is_ok_and(|sequence| sequence.to_string() == text);
    text.split_once('-').is_some_and(|(epoch, sequence)| is_epoch(epoch) && is_sequence(sequence))
}

fn is_topic(text: &str) -> bool {
    (1..=MAX_TOPIC).contains(&text.len()) && !text.contains(char::is_control)
}
