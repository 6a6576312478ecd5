//! Listeners that speak TLS: the handshake, and then the protocol that it agreed on.
//!
//! A handshake that stalls is a future with a deadline: it costs its connection, and nobody else waits for it.

use std::rc::Rc;
use std::sync::Arc;

use actix_http::Request;
use actix_http::error::DispatchError;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, fn_factory, fn_service};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::http::{Shared, application, http1};
use super::http2;
use crate::tls::{self, TlsReloader};
use crate::transport::{Carry, Wire};

/// What TLS holds of a connection's answers before it has the transport wait, in bytes: one full record. rustls' own
/// limit is four times that.
const SEND_BUFFER: usize = 16 * 1024;

/// Serves the applications that `app` makes on the connections of one listener. Call it once per worker, on the
/// worker's thread.
pub(crate) fn service<A, S, B>(
    app: impl Fn() -> A,
    shared: Shared,
    tls: TlsReloader,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    A: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<Request, Config = AppConfig, Error = Error, InitError = ()> + 'static,
    S::Future: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Response: Into<actix_http::Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let over_http1 = http1::<Carry<TlsStream<Wire>>, _, B>(application(app()), &shared);
    let over_http2 = application::<S, B>(app());
    fn_factory(move || {
        let (over_http1, over_http2) = (over_http1.new_service(()), over_http2.new_service(()));
        let (shared, tls) = (shared.clone(), tls.clone());
        async move {
            let (over_http1, over_http2) = (Rc::new(over_http1.await?), Rc::new(over_http2.await?));
            Ok(fn_service(move |io: TcpStream| {
                let (over_http1, over_http2) = (Rc::clone(&over_http1), Rc::clone(&over_http2));
                let (shared, tls) = (shared.clone(), tls.clone());
                async move {
                    let open = shared.enter(io.peer_addr().ok()).await?;
                    let Some(io) = handshake(io, &tls, &shared).await else { return Ok(()) };
                    if io.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
                        let peer = io.get_ref().0.peer();
                        let terms = http2::Terms {
                            peer,
                            limits: shared.limits,
                            counters: Arc::clone(&shared.counters),
                        };
                        http2::serve(io, over_http2, terms, shared.stopping.notified()).await;
                        drop(open);
                        return Ok(());
                    }
                    over_http1.call(shared.transport(Carry::new(io), open, None)).await
                }
            }))
        }
    })
}

/// The stream, if the client and we agree in time. Who waits for a handshake when the server ends need not wait longer.
async fn handshake(io: TcpStream, tls: &TlsReloader, shared: &Shared) -> Option<TlsStream<Wire>> {
    let peer = io.peer_addr().ok().map(tracing::field::display);
    let acceptor = TlsAcceptor::from(tls.in_force());
    let io = Wire::new(io, Arc::clone(&shared.counters));
    let accepted = acceptor.accept_with(io, |session| session.set_buffer_limit(Some(SEND_BUFFER)));
    let accepted = tokio::select! {
        accepted = timeout(shared.limits.head, accepted) => accepted,
        () = shared.stopping.notified() => return None,
    };
    match accepted {
        Ok(Ok(io)) => return Some(io),
        Ok(Err(error)) => debug!(peer, %error, "no TLS: closing"),
        Err(_) => debug!(peer, "TLS handshake took too long: closing"),
    }
    None
}
