//! What a subscriber is answered who is one too many.

use clap::ValueEnum;

/// What a subscriber is answered when a limit is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OverLimit {
    /// 200, when to come back, and the end of the stream. A browser's `EventSource` does that by itself; after an error
    /// it would give up for good.
    #[default]
    Soft,
    /// 503 with `Retry-After`. For clients that know what to do with it, and for proxies that have another server to ask.
    Hard,
}
