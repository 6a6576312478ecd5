//! Fuzzes `checks/decoder.rs`.

#![no_main]

#[path = "../../checks/chunks.rs"]
mod chunks;
#[path = "../../../crates/sse-core/tests/decoded/mod.rs"]
mod decoded;
#[path = "../../checks/decoder.rs"]
mod decoder;
#[path = "../../../crates/sse-core/tests/reference/mod.rs"]
mod reference;

libfuzzer_sys::fuzz_target!(|input: &[u8]| decoder::check(input));
