//! What a run found, and the ways to show it.
//!
//! [`summary`] is the whole result as one value, which is also the JSON report. Everything else is made from it and from
//! nothing else: so a table, a page or a gate can be made from a JSON file of last week as well.

pub mod summary;

pub use self::summary::Summary;
