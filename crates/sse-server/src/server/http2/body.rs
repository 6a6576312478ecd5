//! The body of a request: read by a handler, and what that leaves over, by us.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::stream;
use h2::RecvStream;
use tokio::time::timeout;

/// How long the rest of a body is read after an answer that did not wait for it. Some clients take the answer for lost if
/// the stream is reset behind it, although it is all there (RFC 9113 section 8.1).
const LINGER: Duration = Duration::from_secs(1);

/// See the module. Clones share it.
#[derive(Clone)]
pub(super) struct Body(Rc<RefCell<RecvStream>>);

impl Body {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self(Rc::new(RefCell::new(stream)))
    }

    /// For a handler.
    pub(super) fn payload(&self) -> Payload {
        if self.0.borrow().is_end_stream() {
            return Payload::None;
        }
        let body = self.clone();
        let chunks = stream::poll_fn(move |cx| {
            let chunk = body.poll(cx);
            chunk.map_err(|error| PayloadError::Incomplete(Some(io::Error::other(error))))
        });
        Payload::Stream { payload: Box::pin(chunks) }
    }

    /// Reads to the end, within the bounds of [`LINGER`].
    pub(super) async fn discard(&self) {
        let rest = async { while let Some(Ok(_)) = poll_fn(|cx| self.poll(cx)).await {} };
        // In time or not: it was read out of courtesy.
        let _ = timeout(LINGER, rest).await;
    }

    /// What is read makes room for more.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        let mut stream = self.0.borrow_mut();
        let chunk = ready!(stream.poll_data(cx));
        Poll::Ready(chunk.map(|chunk| {
            let chunk = chunk?;
            stream.flow_control().release_capacity(chunk.len())?;
            Ok(chunk)
        }))
    }
}
