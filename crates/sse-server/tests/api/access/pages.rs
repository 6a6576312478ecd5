//! Pages in browsers: cookies, and whose page may use them.

use sse_server::config::AllowedOrigins;

use super::*;

const PAGE: &str = "origin: https://page.example";

fn naming_one() -> TestServer {
    guarded_with(|config| {
        config.allow_origins = AllowedOrigins::These(vec!["https://page.example".parse().unwrap()]);
    })
}

#[test]
fn a_page_that_is_allowed_uses_its_visitors_cookie() {
    let server = naming_one();
    let cookie = cookie(&root());
    // `test` is what all requests here call the server.
    for from in [PAGE, "origin: https://test", "origin: http://test", "referer: https://page.example/x"] {
        server.post("/events/a", &[&cookie, from], "x").json();
        let stream = server.subscribe_with("/events/a", &[&cookie, from]);
        if from == PAGE {
            assert_eq!(stream.head.header("access-control-allow-origin"), Some("https://page.example"));
            assert_eq!(stream.head.header("access-control-allow-credentials"), Some("true"));
        }
    }
    // A browser that reads from its page's own origin says nothing of it.
    server.subscribe_with("/events/a", &[&cookie]);
}

#[test]
fn another_page_does_not() {
    for server in [naming_one(), guarded()] {
        let cookie = cookie(&root());
        for from in [
            "origin: https://evil.example",
            "origin: null",
            "referer: https://evil.example/",
            "referer: null",
        ] {
            for (what, answer) in answers(&server, &[&cookie, from]) {
                assert_eq!(answer.head.status, 403, "{from}, {what}");
                answer.assert_problem(403, "origin-forbidden");
            }
        }
        let answer = server.post("/events/a", &[&cookie], "x");
        answer.assert_problem(403, "origin-forbidden");
        assert_eq!(server.metric("sse_events_published_total"), 0);
    }
}

#[test]
fn that_every_page_may_read_does_not_lend_it_cookies() {
    let server = guarded_with(|config| config.allow_origins = AllowedOrigins::Any);
    for (_, answer) in answers(&server, &[&cookie(&root()), PAGE]) {
        answer.assert_problem(403, "origin-forbidden");
        assert_eq!(answer.head.header("access-control-allow-credentials"), None);
    }
    // A token of its own is another matter: no browser adds that by itself.
    server.post("/events/a", &[&bearer(&root()), PAGE], "x").json();
}

#[test]
fn a_page_is_shown_why_it_was_refused() {
    let answer = naming_one().request(head("GET /events/a", &[PAGE]));
    answer.assert_problem(401, "token-missing");
    assert_eq!(answer.head.header("access-control-allow-origin"), Some("https://page.example"));
}

#[test]
fn the_cookie_has_the_name_that_is_configured() {
    let server = guarded_with(|config| config.access.cookie = "__Host-hub".to_owned());
    let request = |name| head("HEAD /events/a", &[&format!("cookie: {name}={}", root())]);
    for (name, status) in [("__Host-hub", 200), ("mercureAuthorization", 401)] {
        let mut connection = server.connect();
        connection.send(request(name));
        assert_eq!(connection.head().status, status, "{name}");
    }
}
