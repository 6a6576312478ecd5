//! What a run found, and the ways to show it.
//!
//! [`summary`] is the whole result as one value, which is also the JSON report. Everything else is made from it and from
//! nothing else: so a table, a page or a gate can be made from a JSON file of last week as well.
//!
//! | module | what it makes of a summary |
//! | --- | --- |
//! | [`metrics`] | the figures that gates and graphs name |
//! | [`findings`] | what a reader should know |
//! | [`gate`] | whether `--fail` holds |
//! | [`outcome`] | the one line that matters, and the exit code |
//! | [`mod@table`] | text for a terminal |
//! | [`html`] | a page for a browser and for paper |
//! | [`hgrm`] | text for the public HDR plotter |
//! | [`schema`] | what the JSON may look like |

pub mod findings;
#[cfg(test)]
mod fixture;
pub mod gate;
pub mod hgrm;
pub mod html;
pub mod metrics;
pub mod outcome;
mod reading;
pub mod schema;
pub mod summary;
pub mod table;
pub(crate) mod units;

pub use self::summary::Summary;
