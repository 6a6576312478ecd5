//! A load tester for Server-Sent Events: how late was each event, was any lost, and was it the tester?
//!
//! The program's own parts, as a library so that they can be tested and measured one by one.
//!
//! ```text
//! args ─▶ load ─▶ coordinator ─┬─ plan, watch, publisher
//!                              └─ worker processes: engine ─▶ account ─▶ record
//!                 report ◀──────── records, added up
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`args`], [`load`], [`scenario`] | what was typed, and what it means |
//! | [`coordinator`] | the run as a whole: phases, workers, the result |
//! | [`worker`] | a process that holds clients, and what is said to it |
//! | [`engine`] | what opens streams and reads them: [`engine::raw`] and [`engine::reqwest`] |
//! | [`account`], [`ledger`] | what a client is owed, and was given |
//! | [`record`], [`latency`] | what adds up, and is merged without loss |
//! | [`publisher`], [`pacer`], [`schedule`], [`stamp`], [`template`] | which event is sent when, and what it says of itself |
//! | [`report`] | the result as a value, and as table, page, JSON and exit code |
//! | [`flood`] | one topic at millions of deliveries a second, on an engine of its own |
//! | [`host`], [`plan`], [`doctor`], [`watch`] | what this machine allows, and what the server costs |
//! | [`serve`], [`calibrate`] | a server to test against, and the ceiling of the machine |
//! | [`terminal`], [`failure`], [`clock`] | what is seen while it runs, why there is no report, what time it is |

pub mod account;
pub mod args;
pub mod calibrate;
mod chunked;
pub mod clock;
pub mod coordinator;
pub mod doctor;
pub mod engine;
pub mod failure;
pub mod flood;
pub mod host;
pub mod latency;
pub mod ledger;
pub mod load;
pub mod pacer;
pub mod plan;
pub mod publisher;
pub mod record;
pub mod report;
pub mod scenario;
pub mod schedule;
pub mod serve;
pub mod stamp;
pub mod template;
pub mod terminal;
pub mod watch;
pub mod worker;
