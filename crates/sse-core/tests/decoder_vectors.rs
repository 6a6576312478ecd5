//! The format by example: every vector of `data/vectors.json`, whole, byte by byte and in chunks of two bytes.

mod decoded;

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

use crate::decoded::{Decoded, Outcome, decode};

const ROOM: usize = 64 * 1024;

/// `data/vectors.json`, which says itself what its fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: Vec<String>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    input: Bytes,
    #[serde(default)]
    any_line_end: bool,
    items: Vec<Expected>,
    last_event_id: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Part {
    Hex { hex: String },
    Repeat { repeat: String, times: usize },
    Text(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Expected {
    Comment(Bytes),
    Event {
        #[serde(default = "message")]
        name: String,
        data: String,
        #[serde(default)]
        id: String,
    },
    Id(String),
    RetryMs(u64),
}

#[test]
fn every_vector_at_every_chunking() {
    for vector in vectors() {
        let expected = vector.outcome();
        for stream in vector.streams() {
            for size in [stream.len().max(1), 1, 2] {
                let outcome = decode(stream.chunks(size), ROOM);
                assert_eq!(
                    outcome,
                    expected,
                    "{}, in chunks of {size}: {:?}",
                    vector.name,
                    String::from_utf8_lossy(&stream)
                );
            }
        }
    }
}

#[test]
fn names_are_unique() {
    let vectors = vectors();
    let names: HashSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(names.len(), vectors.len());
}

fn vectors() -> Vec<Vector> {
    let file: File = serde_json::from_str(include_str!("data/vectors.json")).expect("the file is as it says");
    file.vectors
}

fn message() -> String {
    "message".to_owned()
}

impl Vector {
    /// The input as it stands or, if line ends make no difference, with each of the three.
    fn streams(&self) -> Vec<Vec<u8>> {
        let stream = self.input.decode();
        if !self.any_line_end {
            return vec![stream];
        }
        let text = String::from_utf8(stream).expect("such an input is text");
        assert!(!text.contains('\r'), "{}: write LF, and the others are made from it", self.name);
        ["\n", "\r\n", "\r"].map(|end| text.replace('\n', end).into_bytes()).to_vec()
    }

    fn outcome(&self) -> Outcome {
        let items = self.items.iter().map(Expected::decoded).collect();
        Outcome { items, last_event_id: self.last_event_id.clone(), error: None }
    }
}

impl Expected {
    fn decoded(&self) -> Decoded {
        match self {
            Self::Comment(text) => {
                Decoded::Comment(String::from_utf8(text.decode()).expect("what comes out is text"))
            }
            Self::Event { name, data, id } => {
                Decoded::Event { name: name.clone(), data: data.clone(), id: id.clone(), kept: None }
            }
            Self::Id(id) => Decoded::Id(id.clone()),
            Self::RetryMs(millis) => Decoded::Retry(Duration::from_millis(*millis)),
        }
    }
}

impl Bytes {
    fn decode(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Parts(parts) => parts.iter().flat_map(Part::decode).collect(),
        }
    }
}

impl Part {
    fn decode(&self) -> Vec<u8> {
        match self {
            Self::Hex { hex } => hex
                .split_whitespace()
                .map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits"))
                .collect(),
            Self::Repeat { repeat, times } => repeat.repeat(*times).into_bytes(),
            Self::Text(text) => text.clone().into_bytes(),
        }
    }
}
