//! Fuzzes `checks/publish.rs`.

#![no_main]

#[path = "../../checks/chunks.rs"]
mod chunks;
#[path = "../../../crates/sse-core/tests/decoded/mod.rs"]
mod decoded;
#[path = "../../checks/publish.rs"]
mod publish;

libfuzzer_sys::fuzz_target!(|input: &[u8]| publish::check(input));

/// No search for leaks: each topic is kept for a while, which would start one on every input, and the router gives away
/// the names in its patterns for good.
#[unsafe(no_mangle)]
extern "C" fn __lsan_is_turned_off() -> std::ffi::c_int {
    1
}
