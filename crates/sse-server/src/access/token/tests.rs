//! Tokens that are hard to make with a client's library, and the arithmetic of their times. What a server answers to
//! each sort of bad token is among the tests of its HTTP surface.

use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::super::grant::Topics;
use super::*;

const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";

/// Signs whatever is given for a header and claims.
fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", base64(header), base64(claims));
    let signature = sign(message.as_bytes(), &EncodingKey::from_secret(SECRET), Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn judge(token: &str, config: &AccessConfig) -> Result<Token, TokenError> {
    let key = Key::new("hs256".parse().unwrap(), SECRET).unwrap();
    verify(&[Verifier::new(&key, config)], token.as_bytes())
}

fn claims(claims: &Value) -> Result<Token, TokenError> {
    judge(&signed(r#"{"alg":"HS256"}"#, &claims.to_string()), &AccessConfig::default())
}

fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

#[test]
fn a_good_token_says_until_when_and_for_what() {
    let exp = now() + 60;
    let token =
        claims(&json!({"exp": exp, "mercure": {"publish": ["*"], "payload": 1}, "sub": "x"})).unwrap();
    assert_eq!(token.expires, SystemTime::UNIX_EPOCH + Duration::from_secs(exp));
    assert_eq!(token.grant, Grant { publish: Topics::All, subscribe: Topics::default() });
    assert_eq!(claims(&json!({"exp": exp})).unwrap().grant, Grant::default());
    assert_eq!(claims(&json!({"exp": exp, "mercure": null})).unwrap().grant, Grant::default());
}

#[test]
fn times_are_numbers_of_any_size() {
    for exp in [json!(now() as f64 + 60.5), json!(u64::from(u32::MAX) + 1), json!(1e17)] {
        assert!(claims(&json!({ "exp": exp })).is_ok(), "{exp}");
    }
    for (exp, expected) in [
        (json!(now()), TokenError::Expired),
        (json!(now() - 1), TokenError::Expired),
        (json!(0), TokenError::Expired),
        (json!(u64::MAX), TokenError::NoExpiry),
        (json!(1e300), TokenError::NoExpiry),
        (json!(-1), TokenError::NoExpiry),
        (json!("4102444800"), TokenError::Malformed),
        (Value::Null, TokenError::NoExpiry),
    ] {
        assert_eq!(claims(&json!({ "exp": exp })), Err(expected), "{exp}");
    }
    let with_nbf = |nbf: Value| claims(&json!({"exp": now() + 600, "nbf": nbf}));
    assert!(with_nbf(json!(now() + LEEWAY - 1)).is_ok(), "made by a clock that is ahead of ours");
    assert_eq!(with_nbf(json!(now() + 60)), Err(TokenError::NotYet));
    assert_eq!(with_nbf(json!("soon")), Err(TokenError::Malformed));
}

#[test]
fn a_header_does_not_choose_how_it_is_checked() {
    let good = json!({"exp": now() + 60}).to_string();
    let of = |header: &str| judge(&signed(header, &good), &AccessConfig::default());
    assert!(of(r#"{"alg":"HS256","kid":"any","typ":"at+jwt","jku":"https://evil.example/keys"}"#).is_ok());
    for (header, expected) in [
        (r#"{"alg":"HS512"}"#, TokenError::Algorithm),
        (r#"{"alg":"RS256"}"#, TokenError::Algorithm),
        (r#"{"alg":"none"}"#, TokenError::Malformed),
        (r#"{"alg":"hs256"}"#, TokenError::Malformed),
        (r#"{"alg":["HS256"]}"#, TokenError::Malformed),
        (r#"{"alg":"none","alg":"HS256"}"#, TokenError::Malformed),
        (r#"{"typ":"JWT"}"#, TokenError::Malformed),
        (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, TokenError::Critical),
        (r#"{"alg":"HS256","crit":[]}"#, TokenError::Critical),
        ("", TokenError::Malformed),
        ("[]", TokenError::Malformed),
    ] {
        assert_eq!(of(header), Err(expected), "{header}");
    }
}

#[test]
fn claims_that_are_there_twice_are_not_guessed_at() {
    let exp = now() + 60;
    let twice = format!(r#"{{"exp":{exp},"exp":{exp},"mercure":{{}}}}"#);
    assert_eq!(
        judge(&signed(r#"{"alg":"HS256"}"#, &twice), &AccessConfig::default()),
        Err(TokenError::Malformed)
    );
}

#[test]
fn who_made_it_for_whom_is_asked_if_it_is_configured() {
    let us = AccessConfig {
        audience: Some("us".to_owned()),
        issuer: Some("them".to_owned()),
        ..AccessConfig::default()
    };
    let of = |aud: Value, iss: Value| {
        let claims = json!({"exp": now() + 60, "aud": aud, "iss": iss});
        judge(&signed(r#"{"alg":"HS256"}"#, &claims.to_string()), &us)
    };
    assert!(of(json!("us"), json!("them")).is_ok());
    assert!(of(json!(["others", "us"]), json!("them")).is_ok());
    for aud in [json!("US"), json!(["others"]), json!([]), json!(1), Value::Null] {
        assert_eq!(of(aud.clone(), json!("them")), Err(TokenError::Audience), "{aud}");
    }
    for iss in [json!("others"), json!(1), Value::Null] {
        assert_eq!(of(json!("us"), iss.clone()), Err(TokenError::Issuer), "{iss}");
    }
    assert!(claims(&json!({"exp": now() + 60, "aud": "others", "iss": "others"})).is_ok(), "not asked");
}
