//! The clock that everything is measured by: `CLOCK_MONOTONIC`, in nanoseconds, which all processes of a machine share.
//!
//! The standard library's `Instant` is the same clock, but cannot be sent to another process or stamped on an event.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since some fixed moment before the machine was up. About 25 ns, no system call.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (now.tv_sec.cast_unsigned(), now.tv_nsec.cast_unsigned());
    seconds * 1_000_000_000 + nanos
}
