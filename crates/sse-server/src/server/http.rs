//! HTTP/1.1 over our own transport: what actix's `HttpServer` does for a listener, with [`Transport`] in
//! between.
//!
//! `HttpServer` cannot wrap the socket; the services that it is made of are generic over it.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpMessage, HttpService, KeepAlive, Protocol, Request, Response};
use actix_server::GracefulShutdownSignal;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::AppConfig;
use ipnet::IpNet;
use tokio::net::TcpStream;
use tracing::{Level, debug, enabled};

use crate::counters::{Count, Counters};
use crate::telemetry::Target;
use crate::transport::{
    Connection, Departures, Limits, LookAhead, OpenConnections, OpenGuard, Plain, Transport,
};
use crate::{Config, SinkKind, client};

/// How long a connection is read on after an answer that did not wait for the whole body, so that the client
/// sees the answer before it sees a reset (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(1);

/// What all connections of a server share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(super) limits: Limits,
    keep_alive: KeepAlive,
    open: OpenConnections,
    /// Addresses without a limit.
    proxies: Arc<[IpNet]>,
    pub(super) counters: Arc<Counters>,
    pub(super) stopping: GracefulShutdownSignal,
    /// Whether streams' sockets leave actix.
    depart: bool,
}

impl Shared {
    /// `stopping` closes idle connections, and says `Connection: close` on the others.
    pub(crate) fn new(
        config: &Config,
        open: OpenConnections,
        counters: Arc<Counters>,
        stopping: GracefulShutdownSignal,
    ) -> Self {
        let head = config.request_head_timeout;
        // The transport keeps the time. actix keeps it for the first head only, by a clock that ticks twice a
        // second, and starts a connection's idle time anew whenever its task wakes.
        let (keep_alive, idle) = if config.keep_alive.is_zero() {
            (KeepAlive::Disabled, head)
        } else {
            (KeepAlive::Os, config.keep_alive)
        };
        let head_bytes = config.max_head;
        let limits = Limits { head, keep_alive: idle, write: config.write_timeout, head_bytes };
        let proxies = config.hub.trusted_proxies.as_slice().into();
        let depart = config.sink != SinkKind::Body;
        Self { limits, keep_alive, open, proxies, counters, stopping, depart }
    }

    /// Counts an accepted connection, when there is room for it, unless its address has as many as it may have or too many
    /// wait already. Cancel safe.
    ///
    /// # Errors
    ///
    /// It has. The connection is to be dropped without a word: who has so many is not to cost a read and a write as well.
    pub(super) async fn enter(&self, peer: Option<SocketAddr>) -> Result<OpenGuard, DispatchError> {
        self.counters.one(Count::Accepted);
        let counted = peer.map(|peer| peer.ip()).filter(|peer| !client::is_trusted(*peer, &self.proxies));
        self.open.enter(counted).await.map_err(|refused| {
            debug!(peer = peer.map(tracing::field::display), ?refused, "connection closed at once");
            self.counters.one(Count::RejectedConnection);
            DispatchError::Io(io::ErrorKind::ConnectionRefused.into())
        })
    }

    /// What an HTTP/1.1 service takes.
    pub(super) fn transport<T: LookAhead>(
        &self,
        io: T,
        open: OpenGuard,
        departures: Option<Departures>,
    ) -> (Transport<T>, Protocol, Option<SocketAddr>) {
        let transport = Transport::new(io, self.limits, open, departures, Arc::clone(&self.counters));
        let peer = transport.connection().peer();
        (transport, Protocol::Http1, peer)
    }
}

/// Serves `app` on the connections of one plain listener. Call it once per worker, on the worker's thread.
pub(crate) fn service<S, B>(
    app: impl IntoServiceFactory<S, Request> + 'static,
    shared: Shared,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::Future: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let http1 = http1(application(app), &shared);
    let departures = shared.depart.then(|| Departures::new(shared.limits.write));
    let stays = departures.clone();
    let wrap = fn_service(move |io: TcpStream| {
        let (shared, departures) = (shared.clone(), departures.clone());
        async move {
            let io = Plain::new(io);
            let open = shared.enter(io.peer()).await?;
            Ok(shared.transport(io, open, departures))
        }
    });
    apply_fn_factory(wrap.and_then(http1), move |io, served: &_| {
        let served = Service::call(served, io);
        let stays = stays.clone();
        async move {
            let ended = served.await;
            if let Some(departures) = stays {
                departures.stay().await;
            }
            ended
        }
    })
}

/// What an HTTP service calls for each request: the application, seen from outside of actix-web.
pub(super) fn application<S, B>(
    app: impl IntoServiceFactory<S, Request> + 'static,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<B>,
    Error = Response<BoxBody>,
    InitError = S::InitError,
    Future: 'static,
    Service: Service<Request, Future: 'static> + 'static,
>
where
    S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
    S::Future: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    // Only actix-web can make any other AppConfig. It is for building absolute URLs, and nothing here does.
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    let app = app.map_err(|error| Response::from(error.error_response()));
    apply_fn_factory(app, |request: Request, service: &_| answer(request, service))
}

/// HTTP/1.1 over a transport.
pub(super) fn http1<T, A, B>(app: A, shared: &Shared) -> HttpService<Transport<T>, A, B>
where
    T: LookAhead + 'static,
    A: ServiceFactory<Request, Config = (), Response = Response<B>, Error = Response<BoxBody>> + 'static,
    A::InitError: fmt::Debug,
    A::Future: 'static,
    <A::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let stopping = shared.stopping.clone();
    HttpService::build()
        .keep_alive(shared.keep_alive)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGER)
        // Otherwise a stream whose client has gone lives on until a write fails.
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .on_connect_ext(|transport: &Transport<T>, data| {
            data.insert(Rc::clone(transport.connection()));
        })
        .finish(app)
}

/// Outermost of all: tells the transport when a request has begun and when it is answered.
fn answer<S, B, E>(request: Request, app: &S) -> impl Future<Output = Result<Response<B>, E>> + use<S, B, E>
where
    S: Service<Request, Error = E>,
    S::Response: Into<Response<B>>,
{
    let connection = Connection::of_request(&request);
    let in_progress = connection.as_ref().map(|connection| connection.begin_request(request.headers()));
    let line = enabled!(Level::DEBUG).then(|| (request.method().clone(), request.uri().clone()));
    let answer = app.call(request);
    async move {
        let answer = answer.await.map(Into::into);
        drop(in_progress);
        if let (Some((method, uri)), Ok(answer)) = (line, &answer) {
            let peer = connection.and_then(|connection| connection.peer()).map(tracing::field::display);
            debug!(peer, %method, target = %Target(&uri), status = answer.status().as_u16(), "request answered");
        }
        answer
    }
}
