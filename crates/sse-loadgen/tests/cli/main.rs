//! The program as people run it: what it says of servers whose every fault is known, and of everything that goes wrong.

#![allow(clippy::unwrap_used, reason = "in a test, what goes wrong is to be seen at once")]

mod bad_input;
mod exact;
mod flood;
mod interrupts;
mod odd_streams;
mod peer;
mod program;
mod scenarios;
mod server;
mod trust;
