//! A small histogram that travels as text.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize, de, ser};

/// Grows with the longest that it holds.
#[derive(Clone, Debug)]
pub(super) struct Coded(Histogram<u32>);

impl Coded {
    pub(super) fn record(&mut self, value: u64) {
        self.0.record(value).expect("it grows");
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("it grows");
    }

    pub(super) fn histogram(&self) -> &Histogram<u32> {
        &self.0
    }
}

impl Default for Coded {
    fn default() -> Self {
        Self(Histogram::new(2).expect("two digits are allowed"))
    }
}

impl Serialize for Coded {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).map_err(ser::Error::custom)?;
        BASE64_STANDARD.encode(bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Coded {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)?;
        let read: Histogram<u32> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(de::Error::custom)?;
        let mut coded = Self::default();
        coded.0.add(&read).map_err(de::Error::custom)?;
        Ok(coded)
    }
}
