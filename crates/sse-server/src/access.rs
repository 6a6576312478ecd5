//! Who may publish and read: tokens that are signed (JWT, RFC 7519), as in the Mercure protocol.
//!
//! Without a key nothing here is in force, and everybody may do everything. With one, publishing and ending need a
//! token that grants the topic, and reading one that grants every topic of the subscription:
//!
//! ```json
//! { "mercure": { "publish": ["news"], "subscribe": ["news", "weather"] }, "exp": 1800000000 }
//! ```
//!
//! `"*"` is every topic, anything else is one topic's exact name: URI templates are not expanded, so a name that looks
//! like one grants the topic of that name. An empty list, or none, grants nothing. `exp` is required, because what a
//! token has opened lasts no longer than the token; `nbf` is checked if it is there.
//!
//! | file | what it is for |
//! | --- | --- |
//! | `key` | a key and the one algorithm that it is for |
//! | `token` | is this token genuine, in force, and meant for us? |
//! | `grant` | which topics it is good for |
//! | `sent` | where in a request it comes from: header, cookie, URL |
//! | `expiry` | when that which it opened has to end |
//!
//! The cryptography is the library's. What a client sent is never logged and never repeated in an answer.

use actix_web::HttpRequest;
use sse_core::TopicName;

use crate::config::AllowedOrigins;
use crate::{HubConfig, Problem, ProblemKind};

mod expiry;
mod grant;
pub(crate) mod key;
mod sent;
mod token;

pub(crate) use self::expiry::Expiry;
pub use self::grant::{Grant, Topics};
pub use self::key::{Algorithm, Key, KeyError};
pub(crate) use self::sent::PARAMETER;
pub use self::token::{Token, TokenError};

use self::token::Verifier;

/// The judge of requests. Made once for a hub.
#[derive(Debug)]
pub struct Access {
    /// One for each key; none lets everybody do everything.
    verifiers: Vec<Verifier>,
    anonymous_subscribe: bool,
    cookie: String,
    token_in_url: bool,
    origins: AllowedOrigins,
}

impl Access {
    /// The judge that a configuration describes.
    #[must_use]
    pub fn new(config: &HubConfig) -> Self {
        let access = &config.access;
        Self {
            verifiers: access.keys.iter().map(|key| Verifier::new(key, access)).collect(),
            anonymous_subscribe: access.anonymous_subscribe,
            cookie: access.cookie.clone(),
            token_in_url: access.token_in_url,
            origins: config.allow_origins.clone(),
        }
    }

    /// Whether publishing needs a token.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        !self.verifiers.is_empty()
    }

    /// Whether this request may publish to this topic and end it, and for how long.
    pub(crate) fn publishing(&self, request: &HttpRequest, topic: &TopicName) -> Result<Expiry, Problem> {
        if !self.is_in_force() {
            return Ok(Expiry::never());
        }
        let token = self.token(request)?;
        judge(&token.grant.publish, topic)?;
        Ok(Expiry::at(token.expires))
    }

    /// To which topics this request may publish, and for how long: for one that names them as it goes, each of which is
    /// to be [judged](judge) then.
    pub(crate) fn publishing_several(&self, request: &HttpRequest) -> Result<(Topics, Expiry), Problem> {
        if !self.is_in_force() {
            return Ok((Topics::All, Expiry::never()));
        }
        let token = self.token(request)?;
        if token.grant.publish == Topics::default() {
            return Err(Problem::new(ProblemKind::NotGranted)
                .with_detail("the token's mercure.publish does not have any topic"));
        }
        Ok((token.grant.publish, Expiry::at(token.expires)))
    }

    /// Whether this request may read all of these topics, and for how long.
    pub(crate) fn subscribing(&self, request: &HttpRequest, topics: &[TopicName]) -> Result<Expiry, Problem> {
        // Not even looked at where none is needed: nobody is to be kept out by a token that has run out.
        if !self.is_in_force() || self.anonymous_subscribe {
            return Ok(Expiry::never());
        }
        let token = self.token(request)?;
        if !topics.iter().all(|topic| token.grant.subscribe.cover(topic)) {
            return Err(Problem::new(ProblemKind::NotGranted).with_detail(
                "the token's mercure.subscribe does not have every topic of this subscription",
            ));
        }
        Ok(Expiry::at(token.expires).jittered())
    }

    /// The query parameter that may hold a token.
    pub(crate) fn parameter(&self) -> Option<&'static str> {
        (self.is_in_force() && self.token_in_url).then_some(PARAMETER)
    }

    /// The token of a request, if it is good.
    ///
    /// # Errors
    ///
    /// A problem with status 400 (two tokens), 401 (none, or a bad one) or 403 (a cookie from a page that may not use
    /// it).
    pub fn token(&self, request: &HttpRequest) -> Result<Token, Problem> {
        let Some(sent) = sent::find(self, request)? else {
            return Err(Problem::new(ProblemKind::TokenMissing)
                .with_detail("send it as 'Authorization: Bearer', or in the cookie that is configured"));
        };
        self.verify(&sent).map_err(|error| {
            let kind = match error {
                TokenError::Expired => ProblemKind::TokenExpired,
                _ => ProblemKind::TokenInvalid,
            };
            Problem::new(kind).with_detail(error.to_string())
        })
    }

    /// What a token says, if one of the keys has signed it and it is in force.
    ///
    /// At most one signature is checked for each key of the algorithm that the token names: up to a millisecond in all.
    ///
    /// # Errors
    ///
    /// [`TokenError`], of which nothing is learned about the keys.
    pub fn verify(&self, token: &[u8]) -> Result<Token, TokenError> {
        token::verify(&self.verifiers, token)
    }
}

/// Whether what was granted for publishing has this topic.
pub(crate) fn judge(granted: &Topics, topic: &TopicName) -> Result<(), Problem> {
    if granted.cover(topic) { Ok(()) } else { Err(not_granted()) }
}

fn not_granted() -> Problem {
    Problem::new(ProblemKind::NotGranted).with_detail("the token's mercure.publish does not have this topic")
}
