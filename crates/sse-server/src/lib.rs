//! An SSE hub: publish an event once over HTTP; every subscriber gets it, in order, over plain `EventSource`;
//! who drops off resumes where it was, and who misses something is told exactly what.
//!
//! # The way of an event through this crate
//!
//! ```text
//!   main ── args ──▶ config ──▶ server ── listener ──▶ actix-server: accepts, one thread per worker
//!                                 │
//!                                 ▼
//!   socket ◀──▶ transport ◀──▶ actix-http ──▶ routes ──▶ handlers ──▶ hub ──▶ sse-core: Broadcaster
//!      ▲           ▲                            │                              │
//!      │           │                            └─▶ negotiate, error           ▼
//!      │           └───────────────────────── stream/body ◀────────── segment of this worker
//!      └───────────────────────────────────── stream/socket ◀──────────────┘
//! ```
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`args`], [`config`] | what was typed; what holds: validated, with the reason of every default |
//! | [`server`], [`listener`], `transport` | the composition and its end; sockets and their options; what actix leaves open on a connection |
//! | [`tls`] | the certificate, and how it is read anew |
//! | [`mod@routes`], `cors`, `handlers` | the HTTP surface; who may use it from a page; one file for each thing to ask for |
//! | `openapi` | the HTTP surface as a document for machines |
//! | [`access`] | who may publish and read: signed tokens |
//! | [`hub`], `worker` | what all workers share; a worker's segment |
//! | `stream`, `streams` | what a reader is told, through actix or by a socket of its own; all streams of a worker |
//! | `sockets` | what the system says of sockets that have left actix |
//! | `client`, `per_address`, `bodies` | whose request it is; what an address may have; what all unfinished bodies may |
//! | `counters`, `survey` | what was done, and how the readers get on |
//! | `position`, [`negotiate`], `query`, `percent` | what a request says |
//! | `control`, [`error`] | what the hub itself says: on a stream, and as `application/problem+json` |
//! | `idempotency` | retries that publish once |
//! | [`signal`], [`limits`], [`telemetry`] | the operating system's side of the binary |
//!
//! # Start a server
//!
//! ```no_run
//! use sse_server::{Config, Server, Shutdown};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind(Config::default())?;
//! println!("listening on {:?}", server.local_addrs());
//! server.run_until(async {
//!     tokio::signal::ctrl_c().await.ok();
//!     Shutdown::graceful()
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```

pub mod access;
pub mod args;
mod bodies;
mod client;
pub mod config;
mod control;
mod cors;
mod counters;
pub mod error;
mod handlers;
pub mod hub;
mod idempotency;
pub mod limits;
pub mod listener;
pub mod negotiate;
mod openapi;
mod per_address;
mod percent;
mod position;
mod query;
pub mod routes;
pub mod server;
pub mod signal;
mod small_file;
mod sockets;
mod stream;
mod streams;
mod survey;
pub mod telemetry;
pub mod tls;
mod transport;
mod worker;

pub use config::{Config, ConfigError, HubConfig, SinkKind};
pub use error::{Problem, ProblemKind};
pub use hub::Hub;
pub use routes::{event_routes, operation_routes, routes};
pub use server::{BindError, Ended, Server, Shutdown};
pub use tls::{TlsError, TlsReloader};
