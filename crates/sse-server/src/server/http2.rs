//! HTTP/2 (RFC 9113) for the same application, over any byte stream.
//!
//! The protocol is the `h2` crate's. actix-http has a service over it too, but one that lets a client open any number of
//! streams, does not notice a stream that the client closes before there is something to send on it, waits for a window
//! without a limit, and has no `GOAWAY`. On a server of long streams each of these is a promise broken, so what drives the
//! connection is here.
//!
//! | what the client does | what happens |
//! | --- | --- |
//! | opens more than [`STREAMS`] streams | the rest wait on its side; who does not wait is refused |
//! | closes a stream, as a closed tab does | its body is dropped at once |
//! | takes too little of a stream | the stream is reset after the time limit for writes, as for HTTP/1.1 |
//! | reads nothing at all, or is gone | no answer to a ping: the connection ends after [`PING_EVERY`] + [`PING_PATIENCE`] |
//! | asks for nothing | `GOAWAY` after the keep-alive time, as for HTTP/1.1 |
//!
//! When the server ends, each connection gets `GOAWAY` and lasts until its streams have ended.

use std::cell::Cell;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::body::{BoxBody, MessageBody};
use bytes::Bytes;
use h2::server::Builder;
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::debug;

use crate::counters::Counters;
use crate::transport::Limits;

mod answer;
mod body;
mod head;
#[cfg(test)]
mod tests;

/// Streams that a client may have open at once on one connection. As many as Chromium ever opens; a proxy that carries
/// more readers opens more connections.
const STREAMS: u32 = 256;

/// Bytes of request bodies that a client may send before a handler has read them: of one stream, and of all together. A
/// handler that does not read must not hold up the others.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes of one stream that wait for the socket. With [`STREAMS`] it bounds what a client can make the server keep.
const SEND_BUFFER: usize = 16 * 1024;

/// A client is asked for a sign of life this often, and has so long to give it. Together no longer than what TCP waits
/// for an acknowledgement; a connection that is closed to writing cannot carry the ping, and ends the same way.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_PATIENCE: Duration = Duration::from_secs(15);

/// What holds for a connection.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) peer: Option<SocketAddr>,
    pub(super) limits: Limits,
    pub(super) counters: Arc<Counters>,
}

/// Serves one connection until it has ended. `stopping` asks it to, in good order.
pub(super) async fn serve<T, A, B>(io: T, app: Rc<A>, terms: Terms, stopping: impl Future<Output = ()>)
where
    T: AsyncRead + AsyncWrite + Unpin,
    A: Service<Request, Response = Response<B>, Error = Response<BoxBody>> + 'static,
    A::Future: 'static,
    B: MessageBody + 'static,
{
    let Terms { peer, limits, .. } = terms;
    let log = Log::opened(peer);
    let Ok(Ok(mut connection)) = timeout(limits.head, builder(limits).handshake::<_, Bytes>(io)).await else {
        debug!(peer = log.peer(), "no HTTP/2 preface in time: closing");
        return;
    };

    let usage = Rc::new(Usage::default());
    let mut silent = pin!(silence(connection.ping_pong()));
    let mut unused = pin!(usage.unused_for(limits.keep_alive));
    let mut stopping = pin!(stopping);
    let mut leaving = false;
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            () = &mut silent => {
                debug!(peer = log.peer(), "no answer to a ping: closing");
                return;
            }
            () = async { tokio::select! { () = &mut unused => {} () = &mut stopping => {} } }, if !leaving => {
                leaving = true;
                connection.graceful_shutdown();
                continue;
            }
        };
        match accepted {
            Some(Ok((request, respond))) => {
                let in_use = Rc::clone(&usage).enter();
                let answered = answer::answer(request, respond, Rc::clone(&app), terms.clone());
                spawn_local(async move {
                    answered.await;
                    drop(in_use);
                });
            }
            Some(Err(error)) => {
                debug!(peer = log.peer(), %error, "connection failed");
                return;
            }
            None => return,
        }
    }
}

fn builder(limits: Limits) -> Builder {
    let mut builder = h2::server::Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    builder
}

/// Ready when a ping was not answered.
async fn silence(pings: Option<PingPong>) {
    let Some(mut pings) = pings else { return pending().await };
    loop {
        sleep(PING_EVERY).await;
        match timeout(PING_PATIENCE, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection says itself how it ended.
            Ok(Err(_)) => return pending().await,
            Err(_) => return,
        }
    }
}

/// How many requests are in progress, bodies of answers included.
#[derive(Debug)]
struct Usage {
    requests: Cell<usize>,
    /// When the last one ended.
    since: Cell<Instant>,
}

impl Default for Usage {
    fn default() -> Self {
        Self { requests: Cell::new(0), since: Cell::new(Instant::now()) }
    }
}

impl Usage {
    fn enter(self: Rc<Self>) -> InUse {
        self.requests.set(self.requests.get() + 1);
        InUse(self)
    }

    /// Ready once there has been no request for this long.
    async fn unused_for(&self, limit: Duration) {
        loop {
            let until = if self.requests.get() > 0 { Instant::now() } else { self.since.get() } + limit;
            sleep_until(until).await;
            if self.requests.get() == 0 && self.since.get().elapsed() >= limit {
                return;
            }
        }
    }
}

/// One request in progress.
struct InUse(Rc<Usage>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.requests.set(self.0.requests.get() - 1);
        self.0.since.set(Instant::now());
    }
}

/// The lines in the log that a connection over HTTP/1.1 has too.
struct Log {
    peer: Option<SocketAddr>,
    opened: Instant,
}

impl Log {
    fn opened(peer: Option<SocketAddr>) -> Self {
        let log = Self { peer, opened: Instant::now() };
        debug!(peer = log.peer(), "HTTP/2 connection opened");
        log
    }

    fn peer(&self) -> Option<impl tracing::Value> {
        self.peer.map(tracing::field::display)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        debug!(peer = self.peer(), seconds = self.opened.elapsed().as_secs_f32(), "HTTP/2 connection closed");
    }
}
