//! One request over HTTP/2, from the client's head to the last byte of the answer.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use tracing::{debug, info};

use super::body::Body;
use super::{Terms, head};
use crate::counters::Count;
use crate::transport::{Connection, Stall};

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
    let connection = Rc::new(Connection::new(terms.peer, false));
    let Some(request) = head::request(&request, body.payload(), Rc::clone(&connection)) else {
        respond.send_reset(Reason::PROTOCOL_ERROR);
        return;
    };
    let answer = tokio::select! {
        answer = app.call(request) => answer,
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return,
    };
    let sender = Sender { connection, terms };
    let sent = match answer {
        Ok(response) => sender.send(response, respond, head_only).await,
        Err(response) => sender.send(response, respond, head_only).await,
    };
    match sent {
        Ok(()) => body.discard().await,
        Err(reason) => debug!(peer = sender.connection.peer_for_log(), %reason, "stream broke off"),
    }
}

/// Why an answer was not sent to its end.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the body failed")]
    Body,
    #[error("the client left")]
    Left,
    /// Who evicted it has said why.
    #[error("evicted")]
    Evicted,
    #[error("the client takes too little")]
    Stalled,
}

impl From<h2::Error> for Stopped {
    fn from(_: h2::Error) -> Self {
        Self::Left
    }
}

/// Sends an answer, and tells those who watch for slow readers how that goes.
struct Sender {
    connection: Rc<Connection>,
    terms: Terms,
}

impl Sender {
    async fn send<B: MessageBody>(
        &self,
        response: Response<B>,
        mut respond: SendResponse<Bytes>,
        head_only: bool,
    ) -> Result<(), Stopped> {
        let (response, body) = response.into_parts();
        let size = body.size();
        let is_all = head_only || matches!(size, BodySize::None | BodySize::Sized(0));
        let mut stream = respond.send_response(head::response(response.head(), size), is_all)?;
        if is_all {
            return Ok(());
        }
        let sent = self.send_body(&mut stream, body).await;
        match sent {
            Err(Stopped::Body) => stream.send_reset(Reason::INTERNAL_ERROR),
            Err(Stopped::Evicted | Stopped::Stalled) => stream.send_reset(Reason::CANCEL),
            Ok(()) | Err(Stopped::Left) => {}
        }
        sent
    }

    async fn send_body<B: MessageBody>(
        &self,
        stream: &mut SendStream<Bytes>,
        body: B,
    ) -> Result<(), Stopped> {
        let mut body = pin!(body);
        loop {
            let piece = poll_fn(|cx| {
                // Otherwise a stream that has nothing to say would outlive its reader.
                if stream.poll_reset(cx).is_ready() {
                    return Poll::Ready(Err(Stopped::Left));
                }
                self.unless_evicted(cx)?;
                body.as_mut().poll_next(cx).map(Ok)
            });
            match piece.await? {
                Some(Ok(piece)) => self.send_piece(stream, piece).await?,
                Some(Err(_)) => return Err(Stopped::Body),
                None => return Ok(stream.send_data(Bytes::new(), true)?),
            }
        }
    }

    /// Returns when all of the piece has a place in the client's window.
    async fn send_piece(&self, stream: &mut SendStream<Bytes>, mut piece: Bytes) -> Result<(), Stopped> {
        let mut stall = None;
        let mut sent = 0;
        while !piece.is_empty() {
            stream.reserve_capacity(piece.len());
            let part = piece.len().min(stream.capacity());
            if part > 0 {
                stream.send_data(piece.split_to(part), false)?;
                sent += part as u64;
                continue;
            }
            self.connection.blocked(piece.len());
            // Made only now, so that a timer is for those who are slow.
            let stall = stall.get_or_insert_with(|| Stall::begin(self.terms.limits.write));
            let window = poll_fn(|cx| {
                self.unless_evicted(cx)?;
                if stall.poll(cx, || sent).is_ready() {
                    return Poll::Ready(Err(self.stalled(piece.len())));
                }
                stream.poll_capacity(cx).map(|window| window.transpose()?.ok_or(Stopped::Left))
            });
            window.await?;
        }
        if stall.is_some() {
            self.connection.unblocked();
        }
        if let Some(published) = self.connection.take_published() {
            self.terms.counters.written_after(published.elapsed());
        }
        Ok(())
    }

    /// Has this task woken when somebody evicts the stream.
    fn unless_evicted(&self, cx: &Context<'_>) -> Result<(), Stopped> {
        if self.connection.is_evicted() {
            return Err(Stopped::Evicted);
        }
        self.connection.park_reader(cx);
        Ok(())
    }

    fn stalled(&self, unsent: usize) -> Stopped {
        info!(peer = self.connection.peer_for_log(), unsent, "client takes too little: closing its stream");
        self.terms.counters.one(Count::EvictedStalled);
        Stopped::Stalled
    }
}
