//! What holds while the server runs: complete and, once [`Config::check`] has passed, free of contradictions.
//!
//! Every default has its reason beside it. What was typed is in [`args`](crate::args). Nothing here reads the
//! environment, and nothing binds before the check: [`Server::bind`](crate::Server::bind) does it first.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::thread;
use std::time::Duration;

use ipnet::IpNet;

mod access;
mod check;
mod origin;
mod over_limit;
mod sink;
mod size;
mod slow;
mod tls;

pub use self::access::AccessConfig;
pub use self::check::ConfigError;
pub use self::origin::{AllowedOrigins, Origin, OriginError};
pub use self::over_limit::OverLimit;
pub use self::sink::SinkKind;
pub(crate) use self::size::Size;
pub use self::slow::{SlowPolicies, SlowPolicy, SlowRule, SlowRuleError};
pub use self::tls::TlsConfig;

/// Everything that [`Server::bind`](crate::Server::bind) needs.
///
/// ```
/// use sse_server::Config;
///
/// let config = Config { listen: vec!["127.0.0.1:0".parse()?], workers: 1, ..Config::default() };
/// config.check()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses to listen on, at least one; port 0 takes a free one.
    ///
    /// Default `127.0.0.1:8080`: only this machine, because without [keys](AccessConfig::keys) nobody has to say who they
    /// are.
    pub listen: Vec<SocketAddr>,

    /// Listen on addresses that other machines can reach, although everybody may publish and read.
    ///
    /// Default false. Meant for a server behind a proxy that authenticates, and for closed networks. Not needed where
    /// publishing needs a token, also if [reading](AccessConfig::anonymous_subscribe) does not.
    pub allow_anonymous_remote: bool,

    /// An address for [operations](crate::routes::operation_routes) alone; they are then nowhere else.
    ///
    /// Never over TLS, and nobody is asked who they are: who can reach it sees every counter, and can do nothing. Default
    /// `None`, which has them on every address: a load balancer asks for health where it sends the rest.
    pub operations: Option<SocketAddr>,

    /// Have [`operations`](Self::operations) on an address that other machines can reach, although everybody there sees
    /// who reads what.
    ///
    /// Default false. Meant for closed networks, in which the one who asks for metrics is another machine. No key makes
    /// it needless: operations never ask for a token.
    pub allow_remote_operations: bool,

    /// The certificate to speak TLS with, on every address but that for operations.
    ///
    /// Default `None`: in front of many servers there is a proxy that has one.
    pub tls: Option<TlsConfig>,

    /// What writes streams to their connections.
    ///
    /// Default [`SinkKind::Auto`]. The others are for comparison.
    pub sink: SinkKind,

    /// Threads that serve connections, 1 to 512.
    ///
    /// Default: one per available core. Each has its own event loop and its own subscribers, so more would
    /// only take turns.
    pub workers: usize,

    /// Connections that the process holds at most; `None` is as many as its file descriptors allow.
    ///
    /// Shared out evenly among the workers. Beyond it, clients wait in the backlog until a connection closes. A
    /// fiftieth is kept for what is not a stream; see [`HubConfig::max_streams`].
    /// Default `None`: each connection is a descriptor, and any smaller number would be a guess.
    pub max_connections: Option<usize>,

    /// Connections that one address holds at most; `None` is as many as there are.
    ///
    /// Further ones are closed when they are accepted. Addresses of [trusted proxies](HubConfig::trusted_proxies) have
    /// no limit; an IPv6 address counts as its /64. Default `None`: whole companies have one address.
    pub max_connections_per_address: Option<NonZeroUsize>,

    /// Connections that the kernel completes before the server accepts them, 1 to 65,535.
    ///
    /// Default 4,096, which is also Linux's own limit (`net.core.somaxconn`): after a restart everybody comes
    /// back at once, and a full backlog makes each of them wait at least a second.
    pub backlog: u32,

    /// How long a request head may take, from its first byte; a new connection also has this long to send it, and before
    /// that, as long for the handshake of TLS. 100 ms to 5 minutes.
    ///
    /// Default 5 s: two lost packets on a bad mobile network still fit in.
    pub request_head_timeout: Duration,

    /// Bytes of a request head at most, 1 KiB to 128 KiB.
    ///
    /// Default 64 KiB: the names of 64 topics fit in, at their longest and percent-encoded.
    pub max_head: usize,

    /// How long a connection may stay idle between requests; 0 closes after each. At most 1 hour.
    ///
    /// Default 15 s: a publisher that sends an event every few seconds keeps its connection. Open streams are
    /// not idle.
    pub keep_alive: Duration,

    /// How long a client may leave waiting what was written to it, before its connection is cut: within this time it
    /// has to take a few kilobytes, or all that there is. 1 second to 1 hour.
    ///
    /// Whatever it then misses, it gets when it comes back. Default 10 s, as NATS has it: longer than a handover between
    /// networks takes, and short enough that what stalled clients hold in memory stays little.
    pub write_timeout: Duration,

    /// What the routes need.
    pub hub: HubConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
            allow_anonymous_remote: false,
            operations: None,
            allow_remote_operations: false,
            tls: None,
            sink: SinkKind::default(),
            workers: available_workers(),
            max_connections: None,
            max_connections_per_address: None,
            backlog: 4096,
            request_head_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            write_timeout: Duration::from_secs(10),
            max_head: 64 * 1024,
            hub: HubConfig::default(),
        }
    }
}

/// The part of the configuration that comes along when the [routes](crate::routes()) are mounted elsewhere.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// An idle stream gets a comment this often. 100 ms to 1 hour.
    ///
    /// Default 15 s: below the shortest idle limits met on the way (30 s in some proxies, 60 s in nginx), with
    /// one heartbeat to spare. It is also how soon a peer that vanished is noticed, on top of TCP's 30 s.
    pub heartbeat: Duration,

    /// Shortest time after which a client reconnects. 100 ms to 30 minutes.
    ///
    /// Each stream is told a value between this and twice this, at random, so that clients that were cut
    /// together do not come back together. Default 3 s, as in Chromium.
    pub retry: Duration,

    /// Events that a topic retains at most, at least 1.
    ///
    /// Default 4,096: at 10 events per second nearly seven minutes, more than [`retain_age`](Self::retain_age).
    pub retain_events: usize,

    /// Bytes that a topic retains at most, as sent; no less than [`max_event`](Self::max_event).
    ///
    /// Default 1 MiB, so that a thousand busy topics fit in a gigabyte.
    pub retain_bytes: usize,

    /// Age at which a topic lets go of an event. At least 1 s.
    ///
    /// Default 5 minutes: who was away for longer, in a tunnel or asleep, wants the state and not the history.
    pub retain_age: Duration,

    /// How long a topic that has ended, or that nobody uses, is remembered; no less than
    /// [`retain_age`](Self::retain_age).
    ///
    /// A reader who returns to an ended topic is told to stop; once the topic is forgotten it would wait for
    /// events that never come. Default 10 minutes: twice as long as events are kept.
    pub forget_after: Duration,

    /// Bytes of one event, as sent, at most. 1 byte to 64 MiB.
    ///
    /// Default 1 MiB. Larger things are better published as a link.
    pub max_event: usize,

    /// What becomes of readers who fall behind, for every topic.
    ///
    /// Default: they are told what they have missed, and go on with what is retained.
    pub slow: SlowPolicies,

    /// How many events of a topic a reader may be behind, before it counts as having missed them, although they are
    /// still retained; `None` is as many as are retained.
    ///
    /// Default `None`: being behind costs the server nothing.
    pub max_lag: Option<NonZeroU64>,

    /// Topics of one subscription at most, 1 to 4,096.
    ///
    /// Default 64: serving one costs time for each of its topics, and the request head has to hold the names.
    pub max_topics_per_subscription: usize,

    /// Streams that are open at the same time at most; `None` is no limit.
    ///
    /// Who comes when there are as many is told, in a stream that ends at once, to come back later: browsers give
    /// up for good on an error. Default `None`, for which a [`Server`](crate::Server) puts what its connections
    /// allow, less a fiftieth: publishers and health checks must get through to a server that is full.
    pub max_streams: Option<usize>,

    /// Streams that are open for one address at the same time at most; `None` is no limit.
    ///
    /// The address is the client's, also behind [trusted proxies](Self::trusted_proxies); an IPv6 address counts as its
    /// /64. Default `None`: whole companies have one address.
    pub max_streams_per_address: Option<NonZeroUsize>,

    /// What subscribers are answered that are too many.
    pub over_limit: OverLimit,

    /// Proxies that are believed when they say, in `X-Forwarded-For`, whom they ask for.
    ///
    /// Default none: anybody can send that header.
    pub trusted_proxies: Vec<IpNet>,

    /// Topics that exist at the same time at most; `None` is no limit.
    ///
    /// Each that is new beyond it is refused, to publishers and to readers. Default 1,000,000, which take a gigabyte
    /// when they are empty: whoever may publish or read can make them.
    pub max_topics: Option<usize>,

    /// Bytes that all topics together take at most; `None` is no limit. At least
    /// [`retain_bytes`](Self::retain_bytes) and 1 MiB.
    ///
    /// When they would take more, the oldest events of all are let go of, and when that is not enough, publishing is
    /// refused for a while. Default 1 GiB.
    pub memory: Option<usize>,

    /// Bytes that the bodies of publishers may take while they are coming in, all together; no less than
    /// [`max_event`](Self::max_event).
    ///
    /// When there is no room, publishing is refused for a while. Default 64 MiB: 64 of the largest events at once.
    pub body_memory: usize,

    /// How long the body of one event may take. 100 ms to 1 hour.
    ///
    /// Not for a body that is an event stream: that may be silent for hours. Default 10 s: a megabyte at
    /// 1 Mbit/s takes 8 s.
    pub body_timeout: Duration,

    /// How long an `Idempotency-Key` makes a retry safe; 0 turns the keys off. At most 24 hours.
    ///
    /// Default 2 minutes, as in NATS JetStream: longer than clients go on retrying.
    pub idempotency_window: Duration,

    /// Sites whose pages may use the server from a browser.
    ///
    /// Default none: pages of the same origin need no permission, and others should be named.
    pub allow_origins: AllowedOrigins,

    /// Who may publish and read. Default: everybody.
    pub access: AccessConfig,

    /// How long the end of the server may take: for streams to get their last bytes, and for requests in
    /// progress. At most 1 hour.
    ///
    /// Default 10 s: long enough for a slow reader to take what is buffered, and well within the 30 s that
    /// orchestrators give before they kill.
    pub drain: Duration,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(3),
            retain_events: 4096,
            retain_bytes: 1024 * 1024,
            retain_age: Duration::from_secs(5 * 60),
            forget_after: Duration::from_secs(10 * 60),
            max_event: 1024 * 1024,
            slow: SlowPolicies::default(),
            max_lag: None,
            max_topics_per_subscription: 64,
            max_streams: None,
            max_streams_per_address: None,
            over_limit: OverLimit::default(),
            trusted_proxies: Vec::new(),
            max_topics: Some(1_000_000),
            memory: Some(1 << 30),
            body_memory: 64 << 20,
            body_timeout: Duration::from_secs(10),
            idempotency_window: Duration::from_secs(2 * 60),
            allow_origins: AllowedOrigins::default(),
            access: AccessConfig::default(),
            drain: Duration::from_secs(10),
        }
    }
}

fn available_workers() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get).min(check::MAX_WORKERS)
}
