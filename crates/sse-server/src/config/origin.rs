//! The sites whose pages may use the server from a browser (CORS).
//!
//! Which headers that means is for the routes.

use std::fmt;
use std::str::FromStr;

use actix_web::http::Uri;

/// Who may read answers across origins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Nobody: no CORS header is ever sent.
    #[default]
    None,
    /// Everybody, without credentials.
    Any,
    /// These, compared byte for byte.
    These(Vec<Origin>),
}

impl AllowedOrigins {
    /// True if this origin is one of those that were named, and may therefore use cookies.
    pub fn names(&self, origin: &[u8]) -> bool {
        matches!(self, Self::These(_)) && self.allows(origin)
    }

    /// True if a page with this `Origin` header may read the answer.
    pub fn allows(&self, origin: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::These(origins) => origins.iter().any(|allowed| allowed.as_str().as_bytes() == origin),
        }
    }
}

/// An origin as browsers send it: scheme, host in lower case, and the port unless it is the scheme's own
/// (RFC 6454 section 6.2).
///
/// ```
/// use sse_server::config::Origin;
///
/// assert!("https://example.org".parse::<Origin>().is_ok());
/// assert!("https://example.org/".parse::<Origin>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The text, as in the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an origin that a browser would send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an origin as browsers send it, such as {suggestion}")]
pub struct OriginError {
    suggestion: String,
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Takes only what a browser would send: anything else would be allowed and never match.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        match serialized(text) {
            Some(origin) if origin == text => Ok(Self(origin)),
            Some(suggestion) => Err(OriginError { suggestion }),
            None => Err(OriginError { suggestion: "https://example.org or http://localhost:3000".into() }),
        }
    }
}

/// What a browser would make of `text`, if it is a web address at all.
fn serialized(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
    let own_port = if scheme == "https" { 443 } else { 80 };
    Some(match uri.port_u16().filter(|&port| port != own_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_browsers_send() {
        for text in ["https://a.example", "http://localhost:3000", "http://[::1]:8080"] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn suggests_what_a_browser_would_send_instead() {
        for (text, suggestion) in [
            ("https://a.example/", "https://a.example"),
            ("https://a.example/page?x", "https://a.example"),
            ("https://a.example:443", "https://a.example"),
            ("http://a.example:80", "http://a.example"),
            ("HTTPS://A.example", "https://a.example"),
            ("https://user@a.example", "https://a.example"),
        ] {
            let message = text.parse::<Origin>().unwrap_err().to_string();
            assert!(message.ends_with(&format!("such as {suggestion}")), "{text}: {message}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_web_address() {
        for text in
            ["", "null", "a.example", "a.example:80", "file:///tmp", "ws://a.example", "https://", "//a"]
        {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_exact_origin_is_allowed() {
        let these = AllowedOrigins::These(vec!["https://a.example".parse().unwrap()]);
        assert!(these.allows(b"https://a.example"));
        for other in ["https://a.example:8443", "http://a.example", "https://b.a.example", "null", ""] {
            assert!(!these.allows(other.as_bytes()), "{other}");
        }
        assert!(AllowedOrigins::Any.allows(b"null"));
        assert!(these.names(b"https://a.example") && !these.names(b"null"));
        assert!(!AllowedOrigins::Any.names(b"https://a.example"));
        assert!(!AllowedOrigins::None.allows(b"https://a.example"));
    }
}
