//! What a request asks for.

use url::form_urlencoded;

use super::answer::Refusal;
use super::request::Request;
use super::tokens::Plan;
use super::topic::Start;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action<'a> {
    Subscribe { topic: &'a str, start: Start },
    Publish { topic: &'a str, data: &'a str },
    Tokens(Plan),
    Counts,
    Cut(How),
}

/// How streams are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The connection ends in the middle of the body, as when a server crashes.
    Fin,
    /// The same, by a reset.
    Rst,
    /// The body ends, and the connection with it, as when a server is restarted in good order.
    End,
}

/// The name of a topic is taken as it stands in the path: one that is written in another way is another topic.
pub(super) fn route<'a>(request: &Request<'a>) -> Result<Action<'a>, Refusal> {
    if let Some(topic) = request.path.strip_prefix("/events/")
        && !topic.is_empty()
        && !topic.contains('/')
    {
        return match request.method {
            "GET" => Ok(Action::Subscribe { topic, start: start(request.last_event_id) }),
            "POST" => {
                let data = str::from_utf8(request.body).map_err(|_| Refusal::NOT_UTF8)?;
                Ok(Action::Publish { topic, data })
            }
            _ => Err(Refusal::method("GET, POST")),
        };
    }
    let query = form_urlencoded::parse(request.query.as_bytes());
    match (request.path, request.method) {
        ("/tokens", "GET" | "POST") => Plan::parse(query).map(Action::Tokens).map_err(Refusal::bad),
        ("/tokens", _) => Err(Refusal::method("GET, POST")),
        ("/faults", "GET") => Ok(Action::Counts),
        ("/faults", _) => Err(Refusal::method("GET")),
        ("/cut", "POST") => how(request.query).map(Action::Cut),
        ("/cut", _) => Err(Refusal::method("POST")),
        _ => Err(Refusal::NOT_FOUND),
    }
}

fn start(last_event_id: Option<&[u8]>) -> Start {
    match last_event_id {
        None | Some(b"") => Start::Now,
        Some(b"earliest") => Start::Earliest,
        Some(id) if id.iter().all(u8::is_ascii_digit) => {
            let id = str::from_utf8(id).ok().and_then(|id| id.parse().ok());
            id.map_or(Start::Unknown, Start::After)
        }
        Some(_) => Start::Unknown,
    }
}

fn how(query: &str) -> Result<How, Refusal> {
    match query {
        "" | "how=fin" => Ok(How::Fin),
        "how=rst" => Ok(How::Rst),
        "how=end" => Ok(How::End),
        _ => Err(Refusal::HOW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(method: &'a str, path: &'a str, body: &'a [u8]) -> Request<'a> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request { method, path, query, last_event_id: None, keep_alive: true, body, len: 0 }
    }

    #[test]
    fn every_path_has_its_methods() {
        let topic = "a";
        for (method, path, expected) in [
            ("GET", "/events/a", Ok(Action::Subscribe { topic, start: Start::Now })),
            ("POST", "/events/a?x=1", Ok(Action::Publish { topic, data: "body" })),
            ("DELETE", "/events/a", Err(Refusal::method("GET, POST"))),
            ("GET", "/events/", Err(Refusal::NOT_FOUND)),
            ("GET", "/events/a/b", Err(Refusal::NOT_FOUND)),
            ("GET", "/", Err(Refusal::NOT_FOUND)),
            ("GET", "/faults", Ok(Action::Counts)),
            ("POST", "/faults", Err(Refusal::method("GET"))),
            ("POST", "/cut", Ok(Action::Cut(How::Fin))),
            ("POST", "/cut?how=rst", Ok(Action::Cut(How::Rst))),
            ("POST", "/cut?how=end", Ok(Action::Cut(How::End))),
            ("POST", "/cut?how=now", Err(Refusal::HOW)),
            ("GET", "/cut", Err(Refusal::method("POST"))),
            ("PUT", "/tokens", Err(Refusal::method("GET, POST"))),
        ] {
            assert_eq!(route(&request(method, path, b"body")), expected, "{method} {path}");
        }
        assert!(matches!(route(&request("POST", "/tokens?n=3", b"{}")), Ok(Action::Tokens(_))));
        assert_eq!(route(&request("GET", "/tokens?n=x", b"")).unwrap_err().status, "400 Bad Request");
        assert_eq!(route(&request("POST", "/events/a", b"\xff")), Err(Refusal::NOT_UTF8));
    }

    #[test]
    fn positions_are_ids_of_ours_or_unknown() {
        for (id, expected) in [
            ("", Start::Now),
            ("0", Start::After(0)),
            ("42", Start::After(42)),
            ("earliest", Start::Earliest),
            ("+1", Start::Unknown),
            ("k3v9x0ab-7", Start::Unknown),
            ("99999999999999999999999", Start::Unknown),
        ] {
            assert_eq!(start(Some(id.as_bytes())), expected, "{id}");
        }
        assert_eq!(start(None), Start::Now);
    }
}
