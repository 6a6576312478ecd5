//! `sse-loadgen`: a load tester for Server-Sent Events. Not written yet.
//!
//! It will open tens of thousands of streams against any SSE endpoint, measure how late each event was from the moment
//! it was planned to be published, and prove for every client that nothing was lost, duplicated or reordered.

use std::process::ExitCode;

#[allow(clippy::print_stderr, reason = "it is a program, and this is all that it has to say so far")]
fn main() -> ExitCode {
    eprintln!("sse-loadgen: not written yet; it will measure latency, loss and order of SSE endpoints");
    ExitCode::from(70)
}
