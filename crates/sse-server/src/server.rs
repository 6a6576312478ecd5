//! The server as a whole: bound, running, ended.
//!
//! `main` and tests take the same path: [`Server::bind`] with a [`Config`], on port 0 if need be, then
//! [`Server::run_until`] with whatever says when to end. Several servers can run in one process.

use std::future::{Future, pending};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, web};
use tokio::time::sleep;
use tracing::{info, warn};

pub(crate) mod http;
mod http2;
mod secure;
mod shutdown;
#[cfg(test)]
mod tests;

use self::http::Shared;
pub use self::shutdown::{Ended, Shutdown};
use crate::listener::listen;
use crate::tls::{TlsError, TlsReloader};
use crate::transport::OpenConnections;
use crate::{Config, ConfigError, Hub, error, event_routes, limits, operation_routes, routes};

/// What streams get on top of the drain time to write their last bytes.
const DRAIN_GRACE: Duration = Duration::from_secs(2);

/// The part of all connections that streams leave to others.
const STREAMS_LEAVE: usize = 50;

/// A server that is bound and not running yet: clients that connect wait in the backlog.
#[derive(Debug)]
pub struct Server {
    config: Config,
    hub: Hub,
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    operations: Option<(SocketAddr, TcpListener)>,
    tls: Option<TlsReloader>,
    connections: usize,
    /// Connections for which there would be files besides.
    spare: usize,
}

/// Why a server cannot start. The message is one line, and says what would help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The configuration contradicts itself, or would be unsafe.
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// The operating system does not let the server listen on an address.
    #[error("cannot listen on {address}: {reason}{}", hint(.reason))]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the operating system says. Part of the message, so not its source as well.
        reason: io::Error,
    },

    /// There is no certificate to speak TLS with.
    #[error(transparent)]
    Tls(#[from] TlsError),

    /// Not even one connection for each worker.
    #[error("the limit of {open_files} open files is too low for {workers} workers: raise it (`ulimit -n`)")]
    TooFewFiles {
        /// The limit as it is.
        open_files: u64,
        /// As configured.
        workers: usize,
    },
}

impl Server {
    /// Checks the configuration, then binds all its addresses, or none.
    ///
    /// Needs no runtime, and returns at once.
    ///
    /// # Errors
    ///
    /// [`BindError`]: nothing is bound then.
    pub fn bind(config: Config) -> Result<Self, BindError> {
        config.check()?;
        let (connections, possible) = max_connections(&config)?;
        let spare = possible - connections;
        let tls = config.tls.clone().map(TlsReloader::load).transpose()?;

        let bind = |address| {
            let bound =
                listen(address, config.backlog).and_then(|listener| Ok((listener.local_addr()?, listener)));
            bound.map_err(|reason| BindError::Listen { address, reason })
        };
        let bound = config.listen.iter().map(|&address| bind(address)).collect::<Result<Vec<_>, _>>()?;
        let (addresses, listeners) = bound.into_iter().unzip();
        let operations = config.operations.map(bind).transpose()?;

        let mut hub = config.hub.clone();
        // Also where there is but one connection: whoever asks for that wants a stream.
        let streams = (connections - (connections / STREAMS_LEAVE).max(1)).max(1);
        hub.max_streams = Some(hub.max_streams.map_or(streams, |most| most.min(streams)));
        Ok(Self { hub: Hub::new(hub)?, config, listeners, addresses, operations, tls, connections, spare })
    }

    /// The addresses that the server is bound to, in the order of [`Config::listen`], with real ports.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The address for operations, with its real port, if [they have one of their own](Config::operations).
    pub fn operations_addr(&self) -> Option<SocketAddr> {
        self.operations.as_ref().map(|(address, _)| *address)
    }

    /// Has the certificate read anew, before or while the server runs; `None` without [TLS](Config::tls).
    pub fn tls_reloader(&self) -> Option<TlsReloader> {
        self.tls.clone()
    }

    /// The state behind the routes: publish and subscribe without HTTP.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Serves until `shutdown` completes and the server has then ended.
    ///
    /// In good order means: the hub ends its streams, no more connections are accepted, idle ones are closed,
    /// and requests in progress are answered. It takes as long as the last connection, and no longer than the
    /// configured drain time and two seconds; what is still open then is cut.
    ///
    /// Runs on any Tokio runtime with I/O and timers, current-thread included, or in an actix system; blocks
    /// the calling thread for the moment that it takes the workers to start. Connections are served on the
    /// workers' own threads, so a busy or blocked caller slows down only the end, and
    /// accepting where all connections are taken.
    ///
    /// Not cancel safe: dropping the future cuts every connection.
    ///
    /// # Errors
    ///
    /// If a thread or an event loop cannot be made.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub async fn run_until(self, shutdown: impl Future<Output = Shutdown>) -> io::Result<Ended> {
        let Self { config, hub, listeners, addresses: _, operations, tls, connections, spare } = self;
        let open = OpenConnections::new(connections, spare, config.max_connections_per_address);
        hub.opened(&open);

        let mut builder = actix_server::Server::build()
            .workers(config.workers)
            .max_concurrent_connections(connections / config.workers)
            .disable_signals()
            // Never the one that decides: the time limit is below.
            .shutdown_timeout((config.hub.drain + 2 * DRAIN_GRACE).as_secs());
        let shared = Shared::new(
            &config,
            open.clone(),
            Arc::clone(hub.counters()),
            builder.graceful_shutdown_signal(),
        );
        // actix makes the services once per worker, on its thread; all that workers share is in the hub.
        let with_operations = operations.is_none();
        for listener in listeners {
            let (hub, shared) = (hub.clone(), shared.clone());
            let app = move || {
                let app = App::new().default_service(web::to(error::not_found));
                if with_operations { app.configure(routes(&hub)) } else { app.configure(event_routes(&hub)) }
            };
            builder = match tls.clone() {
                None => builder.listen("http", listener, move || http::service(app(), shared.clone()))?,
                Some(tls) => builder.listen("https", listener, move || {
                    secure::service(app.clone(), shared.clone(), tls.clone())
                })?,
            };
        }
        let operations = operations.map(|(_, listener)| operate(&config, &hub, listener)).transpose()?;
        let mut operating = pin!(async {
            match operations {
                Some(operations) => operations.await,
                None => pending().await,
            }
        });
        let running = builder.run();
        let handle = running.handle();
        let mut running = Box::pin(running);
        // Sockets that have left actix are not in its own limit.
        let mut pausing = pin!(async {
            loop {
                open.full().await;
                handle.pause().await;
                open.room().await;
                handle.resume().await;
            }
        });

        let shutdown = tokio::select! {
            stopped = &mut running => return stopped.map(|()| Ended::Drained),
            stopped = &mut operating => return stopped.map(|()| Ended::Drained),
            () = &mut pausing => unreachable!("it goes on for ever"),
            shutdown = shutdown => shutdown,
        };

        hub.drain();
        // Closes the listeners as soon as `running` is polled.
        drop(handle.stop(true));
        let too_late = async {
            tokio::select! {
                () = sleep(config.hub.drain + DRAIN_GRACE) => {}
                () = shutdown.at_once() => {}
            }
        };
        tokio::select! {
            stopped = &mut running => stopped?,
            // To the last, so that the drain can be watched.
            stopped = &mut operating => stopped?,
            // actix itself would look once a second.
            () = open.none_left() => {}
            () = too_late => {}
        }

        let connections = open.count();
        // Closes the listeners if that is still to be done, and cuts what is open.
        drop(running);
        if connections == 0 {
            info!("ended: all connections had closed");
            return Ok(Ended::Drained);
        }
        warn!(connections, "ended: connections were cut");
        Ok(Ended::Cut { connections })
    }
}

/// Serves operations, on a thread and with connections of their own: whoever asks how a server gets on that is full, or
/// ends, has to be answered.
fn operate(config: &Config, hub: &Hub, listener: TcpListener) -> io::Result<actix_server::Server> {
    let builder = actix_server::Server::build()
        .workers(1)
        .max_concurrent_connections(limits::OPERATIONS)
        .disable_signals();
    let shared = Shared::new(
        config,
        OpenConnections::new(limits::OPERATIONS, 0, None),
        Arc::clone(hub.counters()),
        builder.graceful_shutdown_signal(),
    );
    let hub = hub.clone();
    let service = move || {
        let app = App::new().configure(operation_routes(&hub));
        http::service(app.default_service(web::to(error::not_found)), shared.clone())
    };
    Ok(builder.listen("operations", listener, service)?.run())
}

/// As many connections as configured, unless there are too few files for them; and for how many there are files.
fn max_connections(config: &Config) -> Result<(usize, usize), BindError> {
    let open_files = limits::open_files();
    let Some(possible) = limits::connections_within(open_files, config.workers) else {
        let open_files = open_files.unwrap_or(u64::MAX);
        return Err(BindError::TooFewFiles { open_files, workers: config.workers });
    };
    match config.max_connections {
        Some(wanted) if wanted > possible => {
            warn!(
                wanted,
                possible, open_files, "fewer connections than configured: too few open files are allowed"
            );
            Ok((possible, possible))
        }
        Some(wanted) => Ok((wanted, possible)),
        None => Ok((possible, possible)),
    }
}

/// What helps against the usual reasons.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => ": choose another port, or find who has it with `ss -ltnp`",
        io::ErrorKind::AddrNotAvailable => {
            ": this machine has no such address (`ip address` lists those it has)"
        }
        io::ErrorKind::PermissionDenied => ": ports below 1024 need CAP_NET_BIND_SERVICE, others do not",
        _ => "",
    }
}
