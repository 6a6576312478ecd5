//! What fuzzing has found worth keeping, once more on each run of the tests: every seed of `fuzz/corpus` through the
//! check that its target makes. Here they are compiled by the stable toolchain, all of them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../../../fuzz/checks/chunks.rs"]
mod chunks;
#[path = "../../sse-core/tests/decoded/mod.rs"]
mod decoded;
#[path = "../../../fuzz/checks/decoder.rs"]
mod decoder;
#[path = "../../../fuzz/checks/ids.rs"]
mod ids;
#[path = "../../../fuzz/checks/publish.rs"]
mod publish;
#[path = "../../sse-core/tests/reference/mod.rs"]
mod reference;
#[path = "../../../fuzz/checks/round_trip.rs"]
mod round_trip;
#[path = "../../../fuzz/checks/token.rs"]
mod token;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[test]
fn decoder() {
    replay("decoder", decoder::check);
}

#[test]
fn ids() {
    replay("ids", ids::check);
}

#[test]
fn publish() {
    replay("publish", publish::check);
}

#[test]
fn round_trip() {
    replay("round_trip", round_trip::check);
}

#[test]
fn token() {
    replay("token", token::check);
}

/// A test for each folder of the corpus, or its seeds would be kept for nothing.
#[test]
fn no_target_is_left_out() {
    let mut targets: Vec<_> =
        fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    targets.sort();
    assert_eq!(targets, ["decoder", "ids", "publish", "round_trip", "token"]);
}

fn replay(target: &str, check: fn(&[u8])) {
    let mut seeds = 0;
    for entry in fs::read_dir(corpus().join(target)).unwrap() {
        let entry = entry.unwrap();
        // What else is there, somebody's own search has left.
        if entry.file_name().to_string_lossy().starts_with("seed-") {
            let input = fs::read(entry.path()).unwrap();
            let outcome = catch_unwind(|| check(&input));
            assert!(outcome.is_ok(), "{} fails", entry.path().display());
            seeds += 1;
        }
    }
    assert!(seeds > 0);
}

fn corpus() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"))
}
