//! The run as a whole: it plans, starts the workers, leads them through the phases, and puts together what they saw.
//!
//! ```text
//! preflight ─▶ connect ─▶ settle ─▶ warm-up ─▶ measure ─▶ drain ─▶ account ─▶ close
//! ```
//!
//! Publishes on a thread of its own, and does nothing else that takes time while it is measured.

mod course;
mod crew;
mod gathered;
mod health;
mod observed;
mod preflight;
mod progress;
mod summarise;
pub(crate) mod target;

pub use self::course::conduct;
pub use self::crew::WORKER_COMMAND;
pub use self::progress::{Now, Progress, Second, Silent, Stage};
