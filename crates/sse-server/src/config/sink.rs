//! How streams leave the server.

use clap::ValueEnum;

/// What writes a stream to its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SinkKind {
    /// The socket's segment where it can: plain HTTP/1.1 and 1.0. Over TLS, the body.
    #[default]
    Auto,
    /// A body that the HTTP library polls, as any other answer: about 11 KiB for each stream.
    Body,
    /// The segment: the socket leaves the HTTP library once the head is written, and costs a few hundred bytes.
    Socket,
}
