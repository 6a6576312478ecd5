//! One request over HTTP/2, from the client's head to the last byte of the answer.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use tokio::time::timeout;
use tracing::debug;

use super::body::Body;
use super::{Terms, head};
use crate::counters::Count;
use crate::transport::Connection;

/// Answers a request, unless the client takes it back: then the handler, or the body, is dropped where it is.
pub(super) async fn answer<A, B>(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    app: Rc<A>,
    terms: Terms,
) where
    A: Service<Request, Response = Response<B>, Error = Response<BoxBody>>,
    B: MessageBody,
{
    let (request, body) = request.into_parts();
    let body = Body::new(body);
    let head_only = request.method == http::Method::HEAD;
    if request.headers.get(http::header::EXPECT).is_some_and(|value| value == "100-continue") {
        let mut go_on = http::Response::new(());
        *go_on.status_mut() = http::StatusCode::CONTINUE;
        // Who cannot be told goes on without.
        let _ = respond.send_informational(go_on);
    }
    let stream = Rc::new(Connection::new(terms.peer));
    let Some(request) = head::request(&request, body.payload(), Rc::clone(&stream)) else {
        respond.send_reset(Reason::PROTOCOL_ERROR);
        return;
    };
    let answer = tokio::select! {
        answer = app.call(request) => answer,
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return,
    };
    let sent = match answer {
        Ok(response) => send(response, respond, head_only, &stream, &terms).await,
        Err(response) => send(response, respond, head_only, &stream, &terms).await,
    };
    match sent {
        Ok(()) => body.discard().await,
        Err(stopped) => {
            debug!(peer = stream.peer_for_log(), reason = %stopped, "stream broke off");
        }
    }
}

/// Why an answer was not sent to its end.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the body failed")]
    Body,
    #[error("the client left")]
    Left,
    #[error("the client gave no window for it")]
    Stalled,
    #[error("evicted")]
    Evicted,
}

impl From<h2::Error> for Stopped {
    fn from(_: h2::Error) -> Self {
        Self::Left
    }
}

async fn send<B: MessageBody>(
    response: Response<B>,
    mut respond: SendResponse<Bytes>,
    head_only: bool,
    connection: &Connection,
    terms: &Terms,
) -> Result<(), Stopped> {
    let (response, body) = response.into_parts();
    let size = body.size();
    let is_all = head_only || matches!(size, BodySize::None | BodySize::Sized(0));
    let mut stream = respond.send_response(head::response(response.head(), size), is_all)?;
    if is_all {
        return Ok(());
    }
    let sent = send_body(&mut stream, body, connection, terms).await;
    match sent {
        Err(Stopped::Body) => stream.send_reset(Reason::INTERNAL_ERROR),
        Err(Stopped::Evicted) => stream.send_reset(Reason::CANCEL),
        Err(Stopped::Stalled) => {
            terms.counters.one(Count::EvictedStalled);
            stream.send_reset(Reason::CANCEL);
        }
        Ok(()) | Err(Stopped::Left) => {}
    }
    sent
}

async fn send_body<B: MessageBody>(
    stream: &mut SendStream<Bytes>,
    body: B,
    connection: &Connection,
    terms: &Terms,
) -> Result<(), Stopped> {
    let mut body = pin!(body);
    loop {
        let piece = poll_fn(|cx| {
            // Otherwise a stream that has nothing to say would outlive its reader.
            if stream.poll_reset(cx).is_ready() {
                return Poll::Ready(Err(Stopped::Left));
            }
            if connection.is_evicted() {
                return Poll::Ready(Err(Stopped::Evicted));
            }
            connection.park_reader(cx);
            body.as_mut().poll_next(cx).map(Ok)
        });
        match piece.await? {
            Some(Ok(piece)) => {
                send_piece(stream, piece, connection, terms.limits.write).await?;
                if let Some(published) = connection.take_published() {
                    terms.counters.written_after(published.elapsed());
                }
            }
            Some(Err(_)) => return Err(Stopped::Body),
            None => return Ok(stream.send_data(Bytes::new(), true)?),
        }
    }
}

/// Sends a piece of a body, 16 KiB at most. It may wait so long for the client's window: nobody can take a stream's bytes
/// one by one, either.
async fn send_piece(
    stream: &mut SendStream<Bytes>,
    mut piece: Bytes,
    connection: &Connection,
    limit: Duration,
) -> Result<(), Stopped> {
    stream.reserve_capacity(piece.len());
    // Nearly always, so that a timer is for those who are slow.
    if stream.capacity() >= piece.len() {
        return Ok(stream.send_data(piece, false)?);
    }
    connection.blocked(piece.len());
    let all = async {
        while !piece.is_empty() {
            stream.reserve_capacity(piece.len());
            if stream.capacity() == 0 && poll_fn(|cx| stream.poll_capacity(cx)).await.transpose()?.is_none() {
                return Err(Stopped::Left);
            }
            let part = piece.len().min(stream.capacity());
            if part > 0 {
                stream.send_data(piece.split_to(part), false)?;
            }
        }
        Ok(())
    };
    let sent = timeout(limit, all).await.unwrap_or(Err(Stopped::Stalled));
    connection.unblocked();
    sent
}
