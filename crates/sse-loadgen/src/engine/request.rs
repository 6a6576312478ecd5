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
    head: Template,
    body: Template,
    plan: RequestPlan,
    url: Template,
}

/// Why a request cannot be made of what was given.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No URL.
    #[error("{0} is no URL: {1}")]
    Url(String, url::ParseError),
    /// Nothing that could be connected to.
    #[error("{0} has no host")]
    NoHost(String),
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
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path = format!("{path}?{query}");
        }
        let path = unescape(&path);
        let mut head = format!("{} {path} HTTP/1.1\r\nhost: {host}{port}\r\n", plan.method);
        let given = |name: &str| plan.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        for (name, value) in [
            ("accept", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("user-agent", concat!("sse-loadgen/", env!("CARGO_PKG_VERSION"))),
        ] {
            if !given(name) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for (name, value) in &plan.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Ok(Self {
            head: Template::parse(&head, PLACEHOLDERS)?,
            body: Template::parse(&plan.body, PLACEHOLDERS)?,
            plan: plan.clone(),
            url: Template::parse(&plan.url, PLACEHOLDERS)?,
        })
    }

    /// Appends the bytes of one client's request.
    pub fn render(&self, asker: &Asker<'_>, out: &mut Vec<u8>) {
        let values = Values { client: asker.client.into(), topic: asker.topic, ..Values::default() };
        self.head.render(&values, out);
        // U+000A and the like cannot be in an id that was decoded from a stream.
        if !asker.last_event_id.is_empty() {
            out.extend_from_slice(b"last-event-id: ");
            out.extend_from_slice(asker.last_event_id.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        let mut body = Vec::new();
        self.body.render(&values, &mut body);
        if !body.is_empty() {
            out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.append(&mut body);
    }
}

impl Request {
    /// Sends one client's request with another library.
    ///
    /// # Errors
    ///
    /// It has no answer.
    pub async fn send_with(
        &self,
        client: &reqwest::Client,
        asker: &Asker<'_>,
        resume: bool,
    ) -> reqwest::Result<reqwest::Response> {
        let values = Values { client: asker.client.into(), topic: asker.topic, ..Values::default() };
        let render = |template: &Template| {
            let mut out = Vec::new();
            template.render(&values, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let method = self.plan.method.parse().unwrap_or(reqwest::Method::GET);
        let mut request = client.request(method, render(&self.url)).header("accept", "text/event-stream");
        for (name, value) in &self.plan.headers {
            let value =
                Template::parse(value, PLACEHOLDERS).map_or_else(|_| value.clone(), |value| render(&value));
            request = request.header(name, value);
        }
        if resume && !asker.last_event_id.is_empty() {
            request = request.header("last-event-id", asker.last_event_id);
        }
        let body = render(&self.body);
        if body.is_empty() { request } else { request.body(body) }.send().await
    }
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
    fn what_cannot_be_asked_for_is_refused() {
        assert!(Request::new(&plan("nonsense")).is_err());
        assert!(Request::new(&plan("http://h/{{sequence}}")).is_err());
    }
}
