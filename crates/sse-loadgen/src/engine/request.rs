//! What a client asks for: one of the run's requests, with this client's numbers in it.

use url::Url;

use crate::template::{Name, Template, TemplateError, Values};
use crate::worker::orders::RequestPlan;

/// What may stand in a subscriber's request.
pub const PLACEHOLDERS: &[Name] = &[Name::Client, Name::Topic];

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The client's number.
    pub client: u32,
    /// The topic's number.
    pub topic: u32,
    /// Empty if there was none.
    pub last_event_id: &'a str,
}

/// A request as a template of its bytes.
#[derive(Clone, Debug)]
pub struct Request {
    method: reqwest::Method,
    url: Template,
    /// The request line, and the headers that are always the same.
    head: Template,
    /// Those of the request, as given or as every request has them.
    headers: Vec<(String, Template)>,
    /// Where to begin, if it was given: until a stream has brought an id of its own.
    position: Option<Template>,
    body: Template,
}

const LAST_EVENT_ID: &str = "last-event-id";

/// Why a request cannot be made of what was given.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No URL.
    #[error("{0} is no URL: {1}")]
    Url(String, url::ParseError),
    /// Nothing that could be connected to.
    #[error("{0} has no host")]
    NoHost(String),
    /// No method.
    #[error("{0:?} is no method, such as GET or POST")]
    Method(String),
    /// What is worked out from the rest.
    #[error("the header {0} is set by the request itself")]
    Header(String),
    /// A placeholder.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Request {
    /// Everything but the numbers and the last id, which are filled in for each.
    ///
    /// # Errors
    ///
    /// The URL is none, or a placeholder is unknown.
    pub fn new(plan: &RequestPlan) -> Result<Self, RequestError> {
        let url = parse(&plan.url)?;
        let host = url.host_str().ok_or_else(|| RequestError::NoHost(plan.url.clone()))?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let method: reqwest::Method =
            plan.method.parse().map_err(|_| RequestError::Method(plan.method.clone()))?;
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path = format!("{path}?{query}");
        }
        let mut headers = Vec::new();
        let mut position = None;
        for (name, value) in &plan.headers {
            let value = Template::parse(value, PLACEHOLDERS)?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" | "transfer-encoding" => return Err(RequestError::Header(name.clone())),
                LAST_EVENT_ID => position = Some(value),
                _ => headers.push((name.clone(), value)),
            }
        }
        let host = format!("{host}{port}");
        for (name, value) in [
            ("accept", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("user-agent", concat!("sse-loadgen/", env!("CARGO_PKG_VERSION"))),
        ] {
            if !plan.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), Template::parse(value, PLACEHOLDERS)?));
            }
        }
        let is_host = |name: &str| name.eq_ignore_ascii_case("host");
        let mut head = format!("{method} {} HTTP/1.1\r\n", unescape(&path));
        if !plan.headers.iter().any(|(name, _)| is_host(name)) {
            head.push_str(&format!("host: {host}\r\n"));
        }
        Ok(Self {
            method,
            url: Template::parse(&plan.url, PLACEHOLDERS)?,
            head: Template::parse(&head, PLACEHOLDERS)?,
            headers,
            position,
            body: Template::parse(&plan.body, PLACEHOLDERS)?,
        })
    }

    /// Appends the bytes of one client's request.
    pub fn render(&self, asker: &Asker<'_>, out: &mut Vec<u8>) {
        let values = asker.values();
        self.head.render(&values, out);
        for (name, value) in &self.headers {
            header(out, name, |out| value.render(&values, out));
        }
        match &self.position {
            // U+000A and the like cannot be in an id that was decoded from a stream.
            _ if !asker.last_event_id.is_empty() => {
                header(out, LAST_EVENT_ID, |out| out.extend_from_slice(asker.last_event_id.as_bytes()));
            }
            Some(position) => header(out, LAST_EVENT_ID, |out| position.render(&values, out)),
            None => {}
        }
        let mut body = Vec::new();
        self.body.render(&values, &mut body);
        if !body.is_empty() {
            out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.append(&mut body);
    }

    /// Sends one client's request with another library.
    ///
    /// # Errors
    ///
    /// It has no answer.
    pub async fn send_with(
        &self,
        client: &reqwest::Client,
        asker: &Asker<'_>,
    ) -> reqwest::Result<reqwest::Response> {
        let render = |template: &Template| {
            let mut out = Vec::new();
            template.render(&asker.values(), &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let mut request = client.request(self.method.clone(), render(&self.url));
        for (name, value) in &self.headers {
            request = request.header(name, render(value));
        }
        match &self.position {
            _ if !asker.last_event_id.is_empty() => {
                request = request.header(LAST_EVENT_ID, asker.last_event_id);
            }
            Some(position) => request = request.header(LAST_EVENT_ID, render(position)),
            None => {}
        }
        let body = render(&self.body);
        if body.is_empty() { request } else { request.body(body) }.send().await
    }
}

impl Asker<'_> {
    fn values(&self) -> Values<'_> {
        Values { client: self.client.into(), topic: self.topic, ..Values::default() }
    }
}

fn header(out: &mut Vec<u8>, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    value(out);
    out.extend_from_slice(b"\r\n");
}

/// Reads a URL that may have placeholders.
///
/// # Errors
///
/// It is none.
pub fn parse(text: &str) -> Result<Url, RequestError> {
    Url::parse(text).map_err(|error| RequestError::Url(text.to_owned(), error))
}

/// Braces are escaped in paths by the URL standard; those of placeholders must not be.
fn unescape(path: &str) -> String {
    path.replace("%7B%7B", "{{").replace("%7D%7D", "}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(url: &str) -> RequestPlan {
        RequestPlan {
            url: url.to_owned(),
            method: "GET".to_owned(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    fn rendered(plan: &RequestPlan, last_event_id: &str) -> String {
        let mut out = Vec::new();
        Request::new(plan).unwrap().render(&Asker { client: 12, topic: 3, last_event_id }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_and_the_last_id_are_filled_in() {
        let text = rendered(&plan("http://[::1]:81/t/{{topic}}?c={{client}}"), "a-7");
        assert!(text.starts_with("GET /t/3?c=12 HTTP/1.1\r\nhost: [::1]:81\r\n"), "{text}");
        assert!(text.ends_with("last-event-id: a-7\r\n\r\n"), "{text}");
        assert!(!rendered(&plan("http://h/"), "").contains("last-event-id"));
    }

    #[test]
    fn a_body_has_its_length_and_headers_can_be_replaced() {
        let headers = vec![("Accept".to_owned(), "*/*".to_owned())];
        let plan = RequestPlan {
            method: "POST".to_owned(),
            body: "{\"n\":{{client}}}".to_owned(),
            headers,
            ..plan("http://h/x")
        };
        let text = rendered(&plan, "");
        assert!(text.contains("\r\nAccept: */*\r\n") && !text.contains("accept: text"), "{text}");
        assert!(text.ends_with("content-length: 8\r\n\r\n{\"n\":12}"), "{text}");
    }

    #[test]
    fn a_given_position_or_host_is_sent_once() {
        let headers = vec![
            ("Last-Event-ID".to_owned(), "earliest".to_owned()),
            ("Host".to_owned(), "t{{topic}}.example".to_owned()),
        ];
        let plan = RequestPlan { headers, ..plan("http://h/x") };
        let (first, next) = (rendered(&plan, ""), rendered(&plan, "7"));
        assert!(first.contains("last-event-id: earliest\r\n") && !next.contains("earliest"), "{first}{next}");
        assert!(next.contains("last-event-id: 7\r\n"), "{next}");
        assert!(first.contains("Host: t3.example\r\n") && !first.contains("host: h"), "{first}");
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        assert!(Request::new(&plan("nonsense")).is_err());
        assert!(Request::new(&plan("http://h/{{sequence}}")).is_err());
        assert!(Request::new(&RequestPlan { method: "GE T".to_owned(), ..plan("http://h/") }).is_err());
        let headers = vec![("Content-Length".to_owned(), "3".to_owned())];
        assert!(Request::new(&RequestPlan { headers, ..plan("http://h/") }).is_err());
    }
}
