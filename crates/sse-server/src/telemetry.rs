//! Logging: what is written, and what must not be.
//!
//! Lines go to stderr; stdout is for the person who starts the server. At `info` the server says when it
//! starts and ends and what ended early; at `debug`, the life of every connection and every request.
//!
//! A log is read by people and programs that trust it, so what a client sent is written only through
//! [`Target`], and values of headers and query parameters are not written at all.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _};

use actix_web::http::Uri;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line, for programs
    Json,
    /// One line of text, for people
    Text,
}

/// How to log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Form of the lines.
    pub format: LogFormat,
    /// Directives of `tracing-subscriber`, such as `info` or `info,sse_server=debug`.
    pub filter: String,
}

/// Starts logging for the whole process.
///
/// # Errors
///
/// If the filter cannot be parsed.
///
/// # Panics
///
/// If logging was started before.
pub fn init(settings: &LogSettings) -> Result<(), ParseError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&settings.filter)?)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.init(),
    }
    Ok(())
}

/// The directives themselves, if they are well-formed: for the command line.
pub(crate) fn parse_filter(directives: &str) -> Result<String, ParseError> {
    filter(directives).map(|_| directives.to_owned())
}

/// actix reports every malformed request as an error of ours, and its own start beside ours. Both only show if
/// asked for by name: of two directives for a target, the later one holds.
fn filter(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("actix_http::h1=off,actix_server=warn,h2=warn,{directives}"))
}

/// A request target as it may be logged: the path, with everything that is not printable ASCII escaped, cut
/// after [`Target::MAX_BYTES`]; of the query only that there is one, because it may hold a token.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a>(pub &'a Uri);

impl Target<'_> {
    /// Bytes of the path that are logged. Enough for a topic's name.
    pub const MAX_BYTES: usize = 160;
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path().as_bytes();
        let shown = &path[..path.len().min(Self::MAX_BYTES)];
        write!(f, "{}", shown.escape_ascii())?;
        if shown.len() < path.len() {
            f.write_char('…')?;
        }
        if self.0.query().is_some() {
            f.write_str("?…")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_keeps_its_secrets() {
        let uri = "/events/news?access_token=hunter2".parse().unwrap();
        assert_eq!(Target(&uri).to_string(), "/events/news?…");
    }

    #[test]
    fn a_target_cannot_forge_a_field() {
        let uri: Uri = "/events/\"x\"".parse().unwrap();
        assert_eq!(Target(&uri).to_string(), r#"/events/\"x\""#);
    }

    #[test]
    fn a_long_target_is_cut() {
        let uri: Uri = format!("/{}", "a".repeat(5000)).parse().unwrap();
        assert_eq!(Target(&uri).to_string().chars().count(), Target::MAX_BYTES + 1);
    }

    #[test]
    fn what_is_typed_wins_over_what_is_built_in() {
        let typed = filter("info,actix_http::h1=trace").unwrap().to_string();
        assert!(typed.contains("actix_http::h1=trace") && !typed.contains("h1=off"), "{typed}");
        assert!(filter("info").unwrap().to_string().contains("actix_http::h1=off"));
        assert!(filter("=,=").is_err());
    }
}
