//! What the server did, counted: the truth that a load tester's findings are held against.

use serde::Serialize;

/// What became of every event on its way to every subscriber of its topic.
///
/// Each such pair is counted in `delivered`, `dropped` or, for the time being, `pending`; what is in `duplicated`,
/// `reordered`, `corrupted` or `delayed` suffered that and was delivered all the same. A pair is decided when the
/// subscriber is served, so one that is slow is counted later. What was given to a connection that broke before its
/// client read it counts as delivered: a server cannot know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Written, in whatever state, late or not; a second copy does not count again.
    pub delivered: u64,
    /// Never written; also what was held back until the connection or the server ended.
    pub dropped: u64,
    /// Written twice.
    pub duplicated: u64,
    /// Written behind a later event.
    pub reordered: u64,
    /// Written with a byte of the data changed.
    pub corrupted: u64,
    /// Written on its own, when the delay was over.
    pub delayed: u64,
    /// Of the delayed: those that a later event had overtaken whole. A reader of the stream sees these as reordered.
    pub overtaken: u64,
    /// Held back at this moment: each is going to be reordered, delayed or dropped.
    pub pending: u64,
    /// Subscribers that were disconnected because they fell behind all that is retained.
    pub evicted: u64,
}
