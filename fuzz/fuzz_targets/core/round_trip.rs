//! Fuzzes `checks/round_trip.rs`.

#![no_main]

#[path = "../../../crates/sse-core/tests/decoded/mod.rs"]
mod decoded;
#[path = "../../checks/round_trip.rs"]
mod round_trip;

libfuzzer_sys::fuzz_target!(|input: &[u8]| round_trip::check(input));
