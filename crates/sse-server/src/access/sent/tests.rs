//! Where a token is found, and that nothing that is sent in its place does harm.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use proptest::prelude::*;

use super::*;
use crate::HubConfig;
use crate::access::Key;
use crate::config::AllowedOrigins;

fn access(token_in_url: bool) -> Access {
    let mut config = HubConfig {
        allow_origins: AllowedOrigins::These(vec!["https://page.example".parse().unwrap()]),
        ..HubConfig::default()
    };
    config.access.keys.push(Key::new("hs256".parse().unwrap(), &[7; 32]).unwrap());
    config.access.token_in_url = token_in_url;
    Access::new(&config)
}

fn found(target: &str, headers: &[(&str, &str)]) -> Result<Option<String>, ProblemKind> {
    let mut request = TestRequest::with_uri(target);
    for header in headers {
        request = request.append_header(*header);
    }
    let request = request.to_http_request();
    let access = access(true);
    let token = find(&access, &request).map_err(|problem| problem.kind())?;
    Ok(token.map(|token| String::from_utf8(token.into_owned()).unwrap()))
}

#[test]
fn a_token_is_found_wherever_it_may_be() {
    for (target, header, value) in [
        ("/", "authorization", "Bearer tok"),
        ("/", "authorization", "bearer   tok"),
        ("/", "cookie", "mercureAuthorization=tok"),
        ("/", "cookie", "a=b; mercureAuthorization=tok; c=d"),
        ("/", "cookie", "xmercureAuthorization=1;mercureAuthorization=tok;mercureAuthorization2=2"),
        ("/?access_token=tok", "accept", "*/*"),
        ("/?topic=a&access%5Ftoken=t%6Fk", "accept", "*/*"),
    ] {
        assert_eq!(found(target, &[(header, value)]), Ok(Some("tok".to_owned())), "{target} {value}");
    }
}

#[test]
fn what_is_no_token_is_none() {
    for (target, header, value) in [
        ("/", "authorization", "Basic dXNlcjpwYXNz"),
        ("/", "authorization", "tok"),
        ("/", "authorization", "Bearer"),
        ("/", "cookie", "mercureauthorization=tok"),
        ("/", "cookie", "mercureAuthorization="),
        ("/", "cookie", "mercureAuthorization"),
        ("/", "cookie", "; ;=;"),
        ("/?access_token=", "accept", "*/*"),
    ] {
        assert_eq!(found(target, &[(header, value)]), Ok(None), "{target} {value}");
    }
}

#[test]
fn two_tokens_are_one_too_many() {
    let bearer = ("authorization", "Bearer a");
    let cookie = ("cookie", "mercureAuthorization=a");
    for (target, headers) in [
        ("/", &[bearer, bearer][..]),
        ("/", &[bearer, ("authorization", "Basic x")]),
        ("/", &[bearer, cookie]),
        ("/", &[cookie, cookie]),
        ("/", &[("cookie", "mercureAuthorization=a; mercureAuthorization=b")]),
        ("/?access_token=a", &[bearer]),
        ("/?access_token=a", &[cookie]),
        ("/?access_token=a&access_token=a", &[]),
    ] {
        assert_eq!(found(target, headers), Err(ProblemKind::BadRequest), "{target} {headers:?}");
    }
}

#[test]
fn a_cookie_that_writes_says_whose_page_it_is_from() {
    let judge = |method: Method, header: Option<(&str, &str)>| {
        let mut request = TestRequest::default().method(method).append_header(("host", "hub.example"));
        request = request.append_header(("cookie", "mercureAuthorization=t"));
        if let Some(header) = header {
            request = request.append_header(header);
        }
        find(&access(false), &request.to_http_request()).map(|_| ()).map_err(|problem| problem.kind())
    };
    for (header, allowed) in [
        (("origin", "https://hub.example"), true),
        (("origin", "https://page.example"), true),
        (("referer", "https://hub.example/some/page?x=y"), true),
        (("referer", "https://page.example/"), true),
        (("origin", "https://evil.example"), false),
        (("origin", "null"), false),
        (("origin", "https://hub.example.evil.example"), false),
        (("referer", "https://evil.example/https://page.example/"), false),
        (("referer", "https://page.example.evil.example/"), false),
        (("referer", "https://page.example@evil.example/"), false),
        (("referer", "about:blank"), false),
        (("referer", ""), false),
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let expected = if allowed { Ok(()) } else { Err(ProblemKind::OriginForbidden) };
            assert_eq!(judge(method.clone(), Some(header)), expected, "{method} {header:?}");
        }
    }
    assert_eq!(judge(Method::GET, None), Ok(()), "as browsers read from their own origin");
    assert_eq!(judge(Method::POST, None), Err(ProblemKind::OriginForbidden));
}

proptest! {
    #[test]
    fn nothing_in_a_header_does_harm(
        authorization in prop::collection::vec(any::<u8>(), 0..64),
        cookie in prop::collection::vec(any::<u8>(), 0..64),
        bearer in any::<bool>(),
        named in any::<bool>(),
        referer in prop::collection::vec(any::<u8>(), 0..32),
    ) {
        let authorization = [if bearer { &b"Bearer "[..] } else { b"" }, &authorization].concat();
        let cookie = [if named { &b"mercureAuthorization="[..] } else { b"" }, &cookie].concat();
        let mut request = TestRequest::default().method(Method::POST);
        for (name, value) in [("authorization", authorization), ("cookie", cookie), ("referer", referer)] {
            // The rest never gets past the parser of requests.
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request = request.append_header((HeaderName::from_static(name), value));
            }
        }
        let verdict = access(true).token(&request.to_http_request());
        prop_assert!(verdict.is_err(), "{verdict:?}");
    }

    #[test]
    fn nothing_in_a_query_does_harm(query in "[ -~]{0,40}", named in any::<bool>()) {
        let name = if named { "access_token=" } else { "" };
        let uri: Result<Uri, _> = format!("/?{name}{query}").parse();
        prop_assume!(uri.is_ok());
        let request = TestRequest::with_uri(&format!("/?{name}{query}")).to_http_request();
        prop_assert!(access(true).token(&request).is_err());
    }
}
