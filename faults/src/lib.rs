//! What may go wrong around a hub, done to the release binary over real sockets.
//!
//! The faults are numbered as in `docs/reliability.md`, which says what is promised for each; a test is named after its
//! fault. Every test ends alike: whoever survived can account for every event ([`e2e::account`]), and what the fault has
//! cost the server is bounded and given back ([`Baseline`]). A test prints its figures with [`measured()`].
//!
//! The server, the proxy and the checker are those of the end-to-end tests. What is here are clients on bare sockets, for
//! no library can be made to misbehave as these do.
//!
//! No test passes because something took long or short enough by luck: each waits for a condition, and what it holds
//! against a clock is a bound that the server promises, with room for a busy machine.

mod baseline;
mod body;
mod crowd;
pub mod drain;
mod measured;
mod namespace;
mod socket;
mod source;
mod subscriber;

pub use self::baseline::{Baseline, Load, Share, metric};
pub use self::body::Body;
pub use self::crowd::{all_at_once, each, open_many};
pub use self::measured::measured;
pub use self::namespace::Cable;
pub use self::socket::{close_by_reset, connect, exchange, until_closed};
pub use self::source::Source;
pub use self::subscriber::Subscriber;
