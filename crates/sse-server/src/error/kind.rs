//! The list of all problems: what clients may rely on.

use actix_web::http::StatusCode;

/// What went wrong, in a form that does not change between versions.
///
/// The `type` of the answer is `/problems/<slug>`. More kinds may come; an unknown `type` means what its
/// status means (RFC 9457 section 3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The request is wrong in a way that no other kind names.
    BadRequest,
    /// The body did not come in time, or paused for too long.
    BodyTimeout,
    /// The event has more bytes than one event may have.
    EventTooLarge,
    /// The same `Idempotency-Key` came with another event.
    IdempotencyMismatch,
    /// The event's name or data cannot be sent as an event stream.
    InvalidEvent,
    /// A query parameter is unknown, repeated or has a value that it cannot have.
    InvalidQuery,
    /// The name of a topic is empty, too long or has characters that it cannot have.
    InvalidTopic,
    /// The resource does not have this method; `Allow` lists those it has.
    MethodNotAllowed,
    /// `Accept` excludes `text/event-stream`, the only thing there is.
    NotAcceptable,
    /// There is nothing at this path.
    NotFound,
    /// The token is good, but not for this.
    NotGranted,
    /// A page of an origin that was not allowed wants to publish or to end a topic, or has sent a cookie.
    OriginForbidden,
    /// The server can not take it now, because some limit is reached: try again after `Retry-After`.
    Overloaded,
    /// The server is ending: a publisher should try again, elsewhere or after `Retry-After`.
    ShuttingDown,
    /// The topic has ended, and takes no more events.
    TopicEnded,
    /// The token has expired, or did so while the body was coming in: a new one is needed.
    TokenExpired,
    /// The token is not one that is good here.
    TokenInvalid,
    /// This needs a token, and there is none.
    TokenMissing,
    /// The subscription asks for more topics than one subscription may have.
    TooManyTopics,
    /// The body has a content type, or an encoding, that the server does not take.
    UnsupportedMediaType,
}

impl ProblemKind {
    /// Every kind, for documentation and for tests.
    pub const ALL: [Self; 20] = [
        Self::BadRequest,
        Self::BodyTimeout,
        Self::EventTooLarge,
        Self::IdempotencyMismatch,
        Self::InvalidEvent,
        Self::InvalidQuery,
        Self::InvalidTopic,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::NotFound,
        Self::NotGranted,
        Self::OriginForbidden,
        Self::Overloaded,
        Self::ShuttingDown,
        Self::TopicEnded,
        Self::TokenExpired,
        Self::TokenInvalid,
        Self::TokenMissing,
        Self::TooManyTopics,
        Self::UnsupportedMediaType,
    ];

    /// The last part of the `type`.
    pub fn slug(self) -> &'static str {
        self.row().1
    }

    /// The `type`: a full path, so that it means the same for every request (RFC 9457 section 3.1.1).
    pub fn type_uri(self) -> String {
        format!("/problems/{}", self.slug())
    }

    /// The status code of the answer.
    pub fn status(self) -> StatusCode {
        self.row().0
    }

    /// A short sentence that is the same every time.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadRequest => (S::BAD_REQUEST, "bad-request", "The request is not valid"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body-timeout", "The body did not come in time"),
            Self::EventTooLarge => (S::PAYLOAD_TOO_LARGE, "event-too-large", "The event is too large"),
            Self::IdempotencyMismatch => {
                (S::UNPROCESSABLE_ENTITY, "idempotency-mismatch", "The key was used for another event")
            }
            Self::InvalidEvent => (S::BAD_REQUEST, "invalid-event", "The event is not valid"),
            Self::InvalidQuery => (S::BAD_REQUEST, "invalid-query", "The query is not valid"),
            Self::InvalidTopic => (S::BAD_REQUEST, "invalid-topic", "The name of the topic is not valid"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "The resource does not have this method")
            }
            Self::NotAcceptable => {
                (S::NOT_ACCEPTABLE, "not-acceptable", "Only text/event-stream is available here")
            }
            Self::NotFound => (S::NOT_FOUND, "not-found", "There is nothing here"),
            Self::NotGranted => (S::FORBIDDEN, "not-granted", "The token does not grant this"),
            Self::OriginForbidden => {
                (S::FORBIDDEN, "origin-forbidden", "Pages of this origin may not do this")
            }
            // 503 and 409 go to publishers. A subscriber must never see them: EventSource gives up for good on
            // every status but 200 (WHATWG HTML section 9.2.3).
            Self::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded", "The server is full"),
            Self::ShuttingDown => (S::SERVICE_UNAVAILABLE, "shutting-down", "The server is ending"),
            Self::TopicEnded => (S::CONFLICT, "topic-ended", "The topic has ended"),
            // EventSource gives up for good on these. A stream says that its token expires (`sse.expired`) before a
            // reader would get one, so that there is time for a new token.
            Self::TokenExpired => (S::UNAUTHORIZED, "token-expired", "The token has expired"),
            Self::TokenInvalid => (S::UNAUTHORIZED, "token-invalid", "The token is not valid"),
            Self::TokenMissing => (S::UNAUTHORIZED, "token-missing", "This needs a token"),
            Self::TooManyTopics => (S::BAD_REQUEST, "too-many-topics", "Too many topics in one subscription"),
            Self::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The type of the body is not supported")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_slug_of_its_own() {
        let slugs: HashSet<_> = ProblemKind::ALL.into_iter().map(ProblemKind::slug).collect();
        assert_eq!(slugs.len(), ProblemKind::ALL.len());
        let valid = |slug: &&str| slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(slugs.iter().all(valid), "{slugs:?}");
    }

    #[test]
    fn every_kind_is_an_error() {
        for kind in ProblemKind::ALL {
            assert!(kind.status().is_client_error() || kind.status().is_server_error(), "{kind:?}");
        }
    }
}
