//! All of `api`, with streams in bodies that actix polls, as they are over TLS.

#[path = "../api/main.rs"]
mod api;

use api::{access, http, operations, server, stream};
