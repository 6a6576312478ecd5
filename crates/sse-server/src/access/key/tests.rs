//! What is a key, and what only looks like one.

use super::*;

const RSA: &[u8] = include_bytes!("../../../tests/keys/rsa.pub.pem");
const RSA_1024: &[u8] = include_bytes!("../../../tests/keys/rsa-1024.pub.pem");
const RSA_PRIVATE: &[u8] = include_bytes!("../../../tests/keys/rsa.pem");
const EC_256: &[u8] = include_bytes!("../../../tests/keys/ec256.pub.pem");
const EC_384: &[u8] = include_bytes!("../../../tests/keys/ec384.pub.pem");
const EC_PRIVATE: &[u8] = include_bytes!("../../../tests/keys/ec256.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../../tests/keys/certificate.pem");

fn key(algorithm: &str, bytes: &[u8]) -> Result<Key, KeyError> {
    Key::new(algorithm.parse().unwrap(), bytes)
}

#[test]
fn public_keys_are_of_the_sort_that_was_named() {
    for algorithm in ["rs256", "rs384", "rs512", "ps256", "ps384", "ps512"] {
        assert_eq!(key(algorithm, RSA).unwrap().algorithm().to_string(), algorithm);
        assert!(key(algorithm, EC_256).is_err(), "{algorithm}");
    }
    assert!(key("es256", EC_256).is_ok() && key("es384", EC_384).is_ok());
    for (algorithm, pem) in [("es256", EC_384), ("es384", EC_256), ("es256", RSA)] {
        let named = algorithm.parse().unwrap();
        assert_eq!(key(algorithm, pem).unwrap_err(), KeyError::NotAPublicKey { algorithm: named });
    }
}

#[test]
fn what_is_no_public_key_is_refused() {
    for (algorithm, pem) in [("rs256", RSA_PRIVATE), ("es256", EC_PRIVATE)] {
        assert_eq!(key(algorithm, pem).unwrap_err(), KeyError::Private);
    }
    let garbage: &[u8] = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    for pem in [CERTIFICATE, garbage, b"", b"\xFF"] {
        assert!(matches!(key("es256", pem), Err(KeyError::NotAPublicKey { .. })), "{pem:?}");
        assert!(matches!(key("rs256", pem), Err(KeyError::NotAPublicKey { .. })), "{pem:?}");
    }
    assert_eq!(key("rs256", RSA_1024).unwrap_err(), KeyError::RsaTooShort { bits: 1024 });
}

#[test]
fn a_secret_is_no_shorter_than_its_hash() {
    for (algorithm, least) in [("hs256", 32), ("hs384", 48), ("hs512", 64)] {
        assert!(key(algorithm, &vec![b'a'; least]).is_ok());
        let short = vec![b'a'; least - 1];
        let refused =
            KeyError::SecretTooShort { algorithm: algorithm.parse().unwrap(), bytes: least - 1, least };
        assert_eq!(key(algorithm, &short).unwrap_err(), refused);
        let with_line_end = [&short[..], b"\n"].concat();
        assert_eq!(key(algorithm, &with_line_end).unwrap_err(), refused);
    }
}

#[test]
fn a_public_key_is_no_secret() {
    assert!(matches!(key("hs256", RSA), Err(KeyError::SecretIsPem { .. })));
    assert!(matches!(key("hs256", &[b"\n ", EC_256].concat()), Err(KeyError::SecretIsPem { .. })));
}

#[test]
fn a_line_end_belongs_to_a_secret_of_any_bytes_but_not_to_one_of_text() {
    let bytes = |raw: &[u8]| key("hs256", raw).unwrap().material().try_get_as_bytes().unwrap().to_vec();
    let text = [b'a'; 32];
    for end in ["", "\n", "\r\n"] {
        assert_eq!(bytes(&[&text, end.as_bytes()].concat()), text);
    }
    let random = [[0x80; 31].as_slice(), b"\n"].concat();
    assert_eq!(bytes(&random), random);
}

#[test]
fn nothing_shows_a_secret() {
    let key = key("hs256", &[b'z'; 40]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(hs256)");
    let config = crate::HubConfig {
        access: crate::config::AccessConfig { keys: vec![key], ..Default::default() },
        ..Default::default()
    };
    let shown = format!("{:?} {config:?}", crate::Hub::new(config.clone()).unwrap());
    assert!(!shown.contains("zzz") && !shown.contains("122, 122"), "{shown}");
}

#[test]
fn there_is_no_algorithm_none() {
    for text in ["none", "None", "", "hs257", "eddsa", "hs256 "] {
        assert_eq!(text.parse::<Algorithm>(), Err(KeyError::UnknownAlgorithm), "{text}");
    }
    assert_eq!("HS256".parse::<Algorithm>(), "hs256".parse::<Algorithm>());
}
