//! A load tester for Server-Sent Events, in the making.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`pacer`] | when an event is planned |
//! | [`stamp`] | what an event says about itself |
//! | [`latency`] | how long something took, as a distribution |
//! | [`ledger`] | what a client was given, against what was published |

pub mod clock;
pub mod latency;
pub mod ledger;
pub mod pacer;
pub mod report;
pub mod schedule;
pub mod stamp;
