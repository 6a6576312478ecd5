//! A named stream of events: its log, whether it has ended, and which segments have a subscriber for it.
//!
//! One lock per topic guards all three. That it covers both taking a sequence and appending makes the order of the
//! log the order of the sequences, and lets a reader that loaded the broadcaster's head before it took the lock rely
//! on finding every frame of this topic up to that head: whoever took such a sequence did so under this lock.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::Duration;

use smallvec::SmallVec;
use thiserror::Error;

use crate::log::Log;
use crate::mailbox::Mailbox;
use crate::sync::{Arc, Mutex};

/// The longest topic name, in bytes.
pub const MAX_TOPIC: usize = 256;

/// A topic's name: 1 to [`MAX_TOPIC`] bytes of UTF-8 without control characters. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicName(std::sync::Arc<str>);

impl TopicName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicName {
    type Err = TopicNameError;

    fn from_str(text: &str) -> Result<Self, TopicNameError> {
        if text.is_empty() {
            return Err(TopicNameError::Empty);
        }
        if text.len() > MAX_TOPIC {
            return Err(TopicNameError::TooLong { length: text.len() });
        }
        if let Some(found) = text.chars().find(|c| c.is_control()) {
            return Err(TopicNameError::Character { found });
        }
        Ok(Self(text.into()))
    }
}

impl Hash for TopicName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a topic's name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicNameError {
    /// It holds a control character.
    #[error("a topic may not hold the control character U+{:04X}", u32::from(*.found))]
    Character {
        /// The first such character.
        found: char,
    },
    /// It has no characters.
    #[error("a topic needs a name of 1 to {MAX_TOPIC} bytes, this one is empty")]
    Empty,
    /// It is longer than [`MAX_TOPIC`].
    #[error("a topic's name may be {MAX_TOPIC} bytes long at most, this one has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: TopicName,
    pub(crate) state: Mutex<TopicState>,
}

/// What a topic's lock guards.
#[derive(Debug)]
pub(crate) struct TopicState {
    pub(crate) log: Log,
    pub(crate) phase: Phase,
    /// When it last was published to, ended or left by its last reader, in the broadcaster's time.
    pub(crate) used: Duration,
    attached: SmallVec<[Attached; 1]>,
}

/// A topic's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Events may be published.
    Live,
    /// No more events; what is retained can still be read.
    Ended,
    /// No longer in the map of topics: whoever got hold of it must look its name up again.
    Forgotten,
}

/// A segment that has at least one subscriber for the topic.
#[derive(Debug)]
struct Attached {
    mailbox: Arc<Mailbox>,
    feed: usize,
    /// Whether the segment has been told of something new and has not yet come for it.
    marked: bool,
}

/// Wakers that are owed a wake once the locks are released.
pub(crate) type Wakes = SmallVec<[std::task::Waker; 4]>;

impl Topic {
    pub(crate) fn new(name: TopicName, unknown: u64, now: Duration) -> Self {
        let state =
            TopicState { log: Log::new(unknown), phase: Phase::Live, used: now, attached: SmallVec::new() };
        Self { name, state: Mutex::new(state) }
    }
}

impl TopicState {
    /// Tells every segment that has a subscriber here, each once until it comes. The number of those segments is the
    /// whole cost.
    pub(crate) fn mark(&mut self, wakes: &mut Wakes) {
        for attached in self.attached.iter_mut().filter(|attached| !attached.marked) {
            attached.marked = true;
            wakes.extend(attached.mailbox.mark(attached.feed));
        }
    }

    /// The segment has come: the next [`mark`](Self::mark) is to be told again. To be called before it reads, under
    /// the same lock, or an event between the two would reach nobody.
    pub(crate) fn unmark(&mut self, mailbox: &Arc<Mailbox>) {
        if let Some(attached) = self.attached.iter_mut().find(|a| Arc::ptr_eq(&a.mailbox, mailbox)) {
            attached.marked = false;
        }
    }

    pub(crate) fn attach(&mut self, mailbox: &Arc<Mailbox>, feed: usize) {
        self.attached.push(Attached { mailbox: Arc::clone(mailbox), feed, marked: false });
    }

    pub(crate) fn detach(&mut self, mailbox: &Arc<Mailbox>, now: Duration) {
        self.attached.retain(|attached| !Arc::ptr_eq(&attached.mailbox, mailbox));
        self.used = now;
    }

    pub(crate) fn has_readers(&self) -> bool {
        !self.attached.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_printable() {
        assert_eq!("".parse::<TopicName>(), Err(TopicNameError::Empty));
        assert_eq!("x".repeat(257).parse::<TopicName>(), Err(TopicNameError::TooLong { length: 257 }));
        for name in ["a", "chat/room 1", "Grüße", &"x".repeat(256), "sse.gap"] {
            assert_eq!(name.parse::<TopicName>().unwrap().as_str(), name);
        }
        for found in ['\0', '\r', '\n', '\u{7F}', '\u{85}'] {
            assert_eq!(format!("a{found}").parse::<TopicName>(), Err(TopicNameError::Character { found }));
        }
    }
}
