//! Where events are published: a URL with placeholders in its path and query, and nowhere else.

use std::str::FromStr;

use thiserror::Error;
use url::Url;

use crate::template::{Name, Template, TemplateError};

/// What an event's number can stand for in a URL or a header. Not the stamp: it may be long.
pub(super) const IN_HEAD: &[Name] = &[Name::Topic, Name::Sequence, Name::Number, Name::Planned];

/// A URL to publish to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) https: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// As it stands in `Host`.
    pub(super) authority: String,
    /// Path and query.
    pub(super) path: Template,
}

/// Why nothing can be published there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// It is no URL at all.
    #[error("{0:?} is no URL like http://host:port/path")]
    Malformed(String),
    /// It is neither of the two.
    #[error("{0}:// is not supported, only http:// and https:// are")]
    Scheme(String),
    /// The same connections are used for all events.
    #[error("no placeholder can stand before the path of the URL")]
    PlaceholderInHost,
    /// It would end up in logs.
    #[error("credentials in the URL are not supported: give them as a header, Authorization: Basic …")]
    Credentials,
    /// Not a character of URLs.
    #[error("{0:?} in the URL has to be percent-encoded")]
    Character(char),
    /// A placeholder is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let malformed = || TargetError::Malformed(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(TargetError::Scheme(scheme.to_owned())),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains("{{") {
            return Err(TargetError::PlaceholderInHost);
        }
        let url = Url::parse(&format!("{scheme}://{authority}/")).map_err(|_| malformed())?;
        if authority.contains('@') {
            return Err(TargetError::Credentials);
        }
        let host = url.host_str().ok_or_else(malformed)?;
        Ok(Self {
            https,
            // A resolver wants an IPv6 address without its brackets.
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().ok_or_else(malformed)?,
            authority: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            path: path_template(path)?,
        })
    }
}

impl Target {
    /// The whole of it.
    pub(super) fn url(&self) -> Template {
        let mut url = Template::default();
        url.push_text(if self.https { "https://" } else { "http://" });
        url.push_text(&self.authority);
        url.push(&self.path);
        url
    }
}

fn path_template(path: &str) -> Result<Template, TargetError> {
    let (path, _fragment) = path.split_once('#').unwrap_or((path, ""));
    let template = Template::parse(path, IN_HEAD)?;
    let foreign = |character: &char| !character.is_ascii_graphic() || matches!(character, '"' | '<' | '>');
    if let Some(character) = template.texts().flat_map(str::chars).find(foreign) {
        return Err(TargetError::Character(character));
    }
    if path.starts_with('/') {
        return Ok(template);
    }
    let mut rooted = Template::default();
    rooted.push_text("/");
    rooted.push(&template);
    Ok(rooted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Values;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, host, port, authority, url) in [
            ("http://hub/a?b=c#d", "hub", 80, "hub", "http://hub/a?b=c"),
            ("HTTPS://Hub.example", "hub.example", 443, "hub.example", "https://hub.example/"),
            ("http://127.0.0.1:8080?x", "127.0.0.1", 8080, "127.0.0.1:8080", "http://127.0.0.1:8080/?x"),
            ("http://[::1]:81/{{topic}}", "::1", 81, "[::1]:81", "http://[::1]:81/7"),
        ] {
            let target: Target = text.parse().unwrap();
            let mut out = Vec::new();
            target.url().render(&Values { topic: 7, ..Values::default() }, &mut out);
            assert_eq!((&*target.host, target.port, &*target.authority), (host, port, authority), "{text}");
            assert_eq!(String::from_utf8(out).unwrap(), url);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("hub:80/a", r#""hub:80/a" is no URL like http://host:port/path"#),
            ("http:///a", r#""http:///a" is no URL like http://host:port/path"#),
            ("http://hub:99999/", r#""http://hub:99999/" is no URL like http://host:port/path"#),
            ("ftp://hub/", "ftp:// is not supported, only http:// and https:// are"),
            ("http://{{topic}}.hub/", "no placeholder can stand before the path of the URL"),
            (
                "http://me:secret@hub/",
                "credentials in the URL are not supported: give them as a header, Authorization: Basic …",
            ),
            ("http://hub/a b", "' ' in the URL has to be percent-encoded"),
            (
                "http://hub/{{stamp}}",
                "{{stamp}} cannot stand here: {{topic}}, {{sequence}}, {{number}}, {{planned}} can",
            ),
        ] {
            assert_eq!(text.parse::<Target>().unwrap_err().to_string(), error);
        }
    }
}
