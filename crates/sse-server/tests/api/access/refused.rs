//! Tokens that are not good, one row each, and how a refusal looks.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;

fn base64(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// A token as it is, with one part put in place of another.
fn with_part(token: &str, index: usize, part: &str) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    parts[index] = part;
    parts.join(".")
}

/// Claims for everything, with one of them changed; `null` takes it away.
fn changed(name: &str, value: Value) -> Value {
    let mut claims = claims(&["*"], &["*"]);
    claims["aud"] = json!("us");
    claims["iss"] = json!("them");
    claims[name] = value;
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

#[test]
fn a_bad_token_is_refused_by_everything() {
    let server = TestServer::with(|config| {
        let access = &mut config.hub.access;
        access.keys = vec![key("hs256", SECRET), key("rs256", RSA_PUBLIC), key("es256", EC_PUBLIC)];
        access.audience = Some("us".to_owned());
        access.issuer = Some("them".to_owned());
    });
    let good = changed("sub", json!("somebody"));
    let genuine = token(&good);
    let hmac = |algorithm, secret| token_of(algorithm, &EncodingKey::from_secret(secret), &good);
    let unsigned = |alg: &str| with_part(&genuine, 0, &base64(format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#)));
    let without_signature = |alg: &str| with_part(&unsigned(alg), 2, "");
    let expired = |name| (name, token(&changed("exp", json!(now() - 1))), "token-expired");
    let invalid = |name, token: String| (name, token, "token-invalid");
    let flipped = {
        let (rest, last) = genuine.split_at(genuine.len() - 10);
        let byte = if last.starts_with('A') { "B" } else { "A" };
        format!("{rest}{byte}{}", &last[1..])
    };
    let root_claims = base64(changed("sub", json!("root")).to_string());
    let table = [
        invalid("alg none", without_signature("none")),
        invalid("alg None", without_signature("None")),
        invalid("alg nOnE with a signature", unsigned("nOnE")),
        invalid("no signature", with_part(&genuine, 2, "")),
        invalid("a public RSA key as an HMAC's secret", hmac(Algorithm::HS256, RSA_PUBLIC)),
        invalid("a public EC key as an HMAC's secret", hmac(Algorithm::HS256, EC_PUBLIC)),
        invalid("another algorithm of the family", hmac(Algorithm::HS512, SECRET)),
        invalid("RS256 in the header of an HMAC", unsigned("RS256")),
        invalid("ES256 in the header of an HMAC", unsigned("ES256")),
        invalid("another secret", hmac(Algorithm::HS256, OTHER_SECRET)),
        invalid("no secret", hmac(Algorithm::HS256, b"")),
        invalid("a signature with a bit changed", flipped),
        invalid("a signature cut short", genuine[..genuine.len() - 4].to_owned()),
        invalid("other claims under the signature", with_part(&genuine, 1, &root_claims)),
        expired("expired"),
        ("expired long ago", token(&changed("exp", json!(1))), "token-expired"),
        invalid("no exp", token(&changed("exp", Value::Null))),
        invalid("exp that is text", token(&changed("exp", json!("4102444800")))),
        invalid("exp before all time", token(&changed("exp", json!(-1)))),
        invalid("nbf in the future", token(&changed("nbf", json!(now() + 300)))),
        invalid("another audience", token(&changed("aud", json!("others")))),
        invalid("other audiences", token(&changed("aud", json!(["others", "more"])))),
        invalid("no audience", token(&changed("aud", Value::Null))),
        invalid("another issuer", token(&changed("iss", json!("somebody")))),
        invalid("no issuer", token(&changed("iss", Value::Null))),
        invalid("a grant that is no object", token(&changed("mercure", json!("*")))),
        invalid(
            "a grant that is no list",
            token(&changed("mercure", json!({"publish": "*", "subscribe": "*"}))),
        ),
        invalid("a grant of numbers", token(&changed("mercure", json!({"publish": [1], "subscribe": [1]})))),
        invalid("garbage", "garbage".to_owned()),
        invalid("dots", "..".to_owned()),
        invalid("many dots", ".".repeat(100)),
        invalid("four parts", format!("{genuine}.{genuine}")),
        invalid("not base64", with_part(&genuine, 0, "%%%")),
        invalid("padded", format!("{genuine}==")),
        invalid("a header that is not JSON", with_part(&genuine, 0, &base64("{"))),
        invalid("claims that are no object", with_part(&genuine, 1, &base64("[]"))),
        invalid("deep JSON", with_part(&genuine, 0, &base64("[".repeat(4000)))),
        invalid("oversized", format!("{genuine}{}", "A".repeat(8 * 1024))),
        invalid("bytes that are not text", "\u{e9}\u{e9}".to_owned()),
        invalid("two in one header", format!("{genuine} {genuine}")),
        invalid("two with a comma", format!("{genuine}, Bearer {genuine}")),
    ];
    for (name, token, slug) in &table {
        for (what, answer) in answers(&server, &[&bearer(token)]) {
            assert_eq!(answer.head.status, 401, "{name}, {what}: {answer:?}");
            let detail = answer.assert_problem(401, slug);
            assert!(!detail.is_empty(), "{name}, {what}");
            let challenge = answer.head.header("www-authenticate");
            assert_eq!(challenge, Some(r#"Bearer realm="sse", error="invalid_token""#), "{name}, {what}");
            assert!(!answer.text().contains(&token[..token.len().min(20)]), "{name}, {what}: {answer:?}");
        }
    }
    assert_eq!(server.metric("sse_events_published_total"), 0);
    assert_eq!(server.metric("sse_subscribers"), 0);

    // The same server takes a good one of each key.
    let rsa = token_of(Algorithm::RS256, &EncodingKey::from_rsa_pem(RSA).unwrap(), &good);
    let ec = token_of(Algorithm::ES256, &EncodingKey::from_ec_pem(EC).unwrap(), &good);
    for token in [genuine, rsa, ec] {
        server.post("/events/a", &[&bearer(&token)], "x").json();
        server.subscribe_with("/events/a", &[&bearer(&token)]);
    }
}

#[test]
fn without_a_token_nothing_is_said_of_errors() {
    let server = guarded();
    for headers in
        [&[][..], &["authorization: Basic dXNlcjpwYXNz"], &["authorization: Bearer"], &["cookie: a=b"]]
    {
        for (what, answer) in answers(&server, headers) {
            answer.assert_problem(401, "token-missing");
            assert_eq!(answer.head.header("www-authenticate"), Some(r#"Bearer realm="sse""#), "{what}");
        }
        let mut connection = server.connect();
        connection.send(head("HEAD /events/a", headers));
        let answer = connection.head();
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("last-event-id"), None);
    }
}

#[test]
fn two_tokens_are_refused_although_both_are_good() {
    let server = guarded();
    let (bearer, cookie) = (bearer(&root()), cookie(&root()));
    let own = "origin: http://test";
    for headers in [&[&*bearer, &*bearer][..], &[&*bearer, &*cookie, own], &[&*cookie, &*cookie, own]] {
        for (_, answer) in answers(&server, headers) {
            answer.assert_problem(400, "bad-request");
        }
    }
    let twice = format!("{cookie}; mercureAuthorization={}", root());
    server.post("/events/a", &[&twice, own], "x").assert_problem(400, "bad-request");
    assert_eq!(server.metric("sse_events_published_total"), 0);
}

#[test]
fn a_refused_publisher_is_told_before_its_body_is_read() {
    let server = guarded();
    let mut connection = server.connect();
    connection.send(head("POST /events/a", &["content-length: 10"]));
    connection.response().assert_problem(401, "token-missing");
}

#[test]
fn a_key_is_replaced_while_tokens_of_both_are_about() {
    let of = |secret: &[u8]| {
        bearer(&token_of(Algorithm::HS256, &EncodingKey::from_secret(secret), &claims(&["*"], &[])))
    };
    let (old, new) = (of(SECRET), of(OTHER_SECRET));
    let both = guarded_with(|config| config.access.keys.push(key("hs256", OTHER_SECRET)));
    both.post("/events/a", &[&old], "x").json();
    both.post("/events/a", &[&new], "x").json();
    let only_new = TestServer::with(|config| config.hub.access.keys = vec![key("hs256", OTHER_SECRET)]);
    only_new.post("/events/a", &[&old], "x").assert_problem(401, "token-invalid");
    only_new.post("/events/a", &[&new], "x").json();
}
