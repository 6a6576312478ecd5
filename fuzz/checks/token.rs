//! Any bytes in the place of a token: no panic, and nothing that was not signed is good for anything.
//!
//! Input: one byte for the place, then what is sent there. Signed by us, it is a header and, behind a NUL, claims: so the
//! search gets past the signature.

use std::sync::LazyLock;
use std::time::SystemTime;

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use sse_server::HubConfig;
use sse_server::access::{Access, Key};

const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";

static ACCESS: LazyLock<Access> = LazyLock::new(|| {
    let mut config = HubConfig::default();
    for algorithm in ["hs256", "hs512"] {
        let secret = SECRET.repeat(2);
        let secret = if algorithm == "hs256" { SECRET } else { &secret };
        let key = Key::new(algorithm.parse().expect("it is known"), secret).expect("it is long enough");
        config.access.keys.push(key);
    }
    config.access.token_in_url = true;
    Access::new(&config)
});

pub(crate) fn check(input: &[u8]) {
    let Some((place, sent)) = input.split_first() else { return };
    match place % 5 {
        0 => assert!(ACCESS.verify(sent).is_err(), "nobody has signed this"),
        1 => in_header("authorization", &[b"Bearer ", sent].concat()),
        2 => in_header("cookie", &[b"mercureAuthorization=", sent].concat()),
        3 => in_query(sent),
        _ => {
            if let Ok(token) = ACCESS.verify(&signed(sent)) {
                assert!(token.expires > SystemTime::UNIX_EPOCH);
            }
        }
    }
}

fn in_header(name: &'static str, value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let request =
        TestRequest::default().method(Method::POST).append_header((HeaderName::from_static(name), value));
    assert!(ACCESS.token(&request.to_http_request()).is_err());
}

fn in_query(query: &[u8]) {
    let Ok(query) = std::str::from_utf8(query) else { return };
    let target = format!("/events/a?access_token={query}");
    // Not a target that a request could have.
    if target.parse::<actix_web::http::Uri>().is_err() {
        return;
    }
    assert!(ACCESS.token(&TestRequest::with_uri(&target).to_http_request()).is_err());
}

fn signed(sent: &[u8]) -> Vec<u8> {
    let mut parts = sent.splitn(2, |&byte| byte == 0).map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let message = format!("{header}.{claims}");
    let signature = sign(message.as_bytes(), &EncodingKey::from_secret(SECRET), Algorithm::HS256);
    format!("{message}.{}", signature.expect("any secret signs")).into_bytes()
}
