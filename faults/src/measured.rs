//! The figures of a run, for `cargo xtask faults` to collect.

use std::fmt::Display;

/// Prints one line `measured: FAULT | TEXT`. The text has no line end in it.
#[expect(clippy::print_stdout, reason = "this is how a test hands its figures to xtask")]
pub fn measured(fault: &str, text: impl Display) {
    // The test harness has begun a line of its own.
    println!("\nmeasured: {fault} | {text}");
}
