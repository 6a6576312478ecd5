//! Tokens: what is asked for them, which are refused and how, and that what they opened ends with them.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sse_server::access::Key;

use crate::http::{Response, head, post};
use crate::server::TestServer;

mod ends;
mod pages;
mod refused;
mod rights;
mod url;

const SECRET: &[u8] = b"a secret that is only for tests: 1";
const OTHER_SECRET: &[u8] = b"a secret that is only for tests: 2";
const RSA: &[u8] = include_bytes!("../keys/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("../keys/rsa.pub.pem");
const EC: &[u8] = include_bytes!("../keys/ec256.pem");
const EC_PUBLIC: &[u8] = include_bytes!("../keys/ec256.pub.pem");

fn key(algorithm: &str, bytes: &[u8]) -> Key {
    Key::new(algorithm.parse().unwrap(), bytes).unwrap()
}

/// A server that takes tokens signed with `SECRET`.
pub(crate) fn guarded() -> TestServer {
    guarded_with(|_| {})
}

fn guarded_with(change: impl FnOnce(&mut sse_server::HubConfig)) -> TestServer {
    TestServer::with(|config| {
        config.hub.access.keys.push(key("hs256", SECRET));
        change(&mut config.hub);
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Claims that hold for ten minutes.
pub(crate) fn claims(publish: &[&str], subscribe: &[&str]) -> Value {
    json!({"exp": now() + 600, "mercure": {"publish": publish, "subscribe": subscribe}})
}

pub(crate) fn token(claims: &Value) -> String {
    token_of(Algorithm::HS256, &EncodingKey::from_secret(SECRET), claims)
}

fn token_of(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

/// A token for everything.
fn root() -> String {
    token(&claims(&["*"], &["*"]))
}

pub(crate) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

fn cookie(token: &str) -> String {
    format!("cookie: a=b; mercureAuthorization={token}")
}

/// The answers to everything that needs a token, with these headers.
fn answers(server: &TestServer, headers: &[&str]) -> Vec<(&'static str, Response)> {
    let event_stream = [headers, &["content-type: text/event-stream"]].concat();
    [
        ("publish", post("/events/a", headers, "x")),
        ("ingest", post("/events/a", &event_stream, "data: x\n\n")),
        ("ingest for several", post("/events", &event_stream, "topic: a\ndata: x\n\n")),
        ("end", head("DELETE /events/a", headers).into_bytes()),
        ("subscribe", head("GET /events/a", headers).into_bytes()),
        ("subscribe to several", head("GET /events?topic=a&topic=b", headers).into_bytes()),
    ]
    .map(|(name, request)| (name, server.request(request)))
    .into()
}
