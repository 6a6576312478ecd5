//! The HTTP surface over real sockets: what a client may send, and what it gets, byte for byte.
//!
//! The server under test is the one that `main` runs: [`Server::bind`](sse_server::Server::bind), on a free port.
//! Nothing here sleeps in order to wait: a test awaits what the server says, and [`http::BOUND`] ends a wait in vain.
//!
//! | module | what it asks |
//! | --- | --- |
//! | `matrix` | does each kind of request get its answer: methods, versions, negotiation, CORS, malformed heads? |
//! | `publish` | what becomes an event, what is refused, and what a retry does |
//! | `access` | who may: tokens, cookies, and what ends when they do |
//! | `ingest` | a body that is itself a stream of events |
//! | `operations` | what operators are told, and what limits do |
//! | `tls`, `operations_address` | the same over TLS and HTTP/2; an address for operators alone |
//! | `subscribe` | what a reader is given, from the first byte to the last |
//! | `dashboard` | does it show what there is? |
//! | `openapi` | is the description of all this the truth? |
//!
//! Streams are written by their sockets' segments here, where they can be; `api_on_bodies` is the same over bodies that
//! actix polls.
//!
//! `server` starts and stops; `http` and `stream` are a client of our own that is stricter than any real one.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

pub(crate) mod http;
pub(crate) mod server;
pub(crate) mod stream;

pub(crate) mod access;
mod dashboard;
mod ingest;
mod matrix;
mod openapi;
pub(crate) mod operations;
mod operations_address;
mod publish;
mod subscribe;
mod tls;
