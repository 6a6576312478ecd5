//! What was typed: the flags and `SSE_*` variables of the binary, and their help.
//!
//! Only syntax is judged here, by clap, which exits with 2. What the values mean together is
//! [`Config::check`](crate::Config::check)'s to judge. No I/O but the reading of keys, so every flag can be tested.

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Parser;
use clap::builder::BoolishValueParser;
use ipnet::IpNet;

use crate::config::{
    AccessConfig, AllowedOrigins, OverLimit, SinkKind, Size, SlowPolicies, SlowPolicy, SlowRule, TlsConfig,
};
use crate::telemetry::{self, LogFormat, LogSettings};
use crate::{Config, HubConfig};

mod key;
#[cfg(test)]
mod tests;
mod value;

pub use self::key::{KeyArg, KeyArgError, KeyArgSyntax};
use self::value::{OriginArg, Span};

/// An SSE hub: publish an event once over HTTP, every EventSource gets it, in order, and resumes where it was.
///
/// Every flag can also be set as an environment variable, shown beside it; a flag wins over its variable.
/// Times are written as 1500ms, 15s, 5m or 1h30m; sizes as 64KiB or 1MiB, or in bytes.
#[derive(Clone, Debug, Parser)]
#[command(name = "sse-server", version, after_long_help = EXAMPLES, max_term_width = 100)]
pub struct Args {
    /// Address to listen on; repeat it, or separate with commas, for more than one
    ///
    /// Port 0 takes a free port, which the first line of output names. Only this machine by default, because
    /// without --jwt-key everybody may publish and read.
    #[arg(long, help_heading = "Network", env = "SSE_LISTEN", value_name = "IP:PORT", value_delimiter = ',')]
    #[arg(default_values_t = Config::default().listen, value_parser = value::parse_address)]
    pub listen: Vec<SocketAddr>,

    /// Listen where other machines can reach it, although everybody there may publish and read
    ///
    /// For a server behind a proxy that authenticates, or in a closed network such as a container's. Not needed with
    /// --jwt-key. The variable is 1, true or yes; or 0, false or no.
    #[arg(long, help_heading = "Network", env = "SSE_ALLOW_ANONYMOUS_REMOTE")]
    // Not the parser that takes every unknown word for a yes: a slip of the pen must not open the server.
    #[arg(value_parser = BoolishValueParser::new())]
    pub allow_anonymous_remote: bool,

    /// Address for /livez, /readyz, /metrics and /slow alone, which are then on none of the others
    ///
    /// Always plain HTTP, and open to everybody who can reach it: choose an address that only operators can.
    /// /openapi.json stays with /events, as it is for those who use the server.
    #[arg(long, help_heading = "Network", env = "SSE_OPERATIONS", value_name = "IP:PORT")]
    #[arg(value_parser = value::parse_address)]
    pub operations: Option<SocketAddr>,

    /// Have --operations where other machines can reach it, although everybody there sees who reads what
    ///
    /// For a closed network, in which the one who asks for metrics is another machine. No token is asked for there, with
    /// --jwt-key either. The variable is 1, true or yes; or 0, false or no.
    #[arg(long, help_heading = "Network", env = "SSE_ALLOW_REMOTE_OPERATIONS")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub allow_remote_operations: bool,

    /// Certificate to speak TLS with, on every address of --listen: HTTP/2 and HTTP/1.1
    ///
    /// In PEM, with those of its authorities behind it. SIGHUP has this file and the key's read anew; open streams stay.
    #[arg(long, help_heading = "Network", env = "SSE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM and not encrypted
    #[arg(long, help_heading = "Network", env = "SSE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// What writes streams to their connections: `auto` is the best that there is for each
    #[arg(long, help_heading = "Network", env = "SSE_SINK", value_enum, default_value_t = SinkKind::default())]
    pub sink: SinkKind,

    /// Threads that serve connections
    ///
    /// As many as there are cores by default: each runs an event loop of its own.
    #[arg(long, help_heading = "Network", env = "SSE_WORKERS", value_name = "N", default_value_t = Config::default().workers)]
    pub workers: usize,

    /// Connections at most, of the whole process [default: what the limit of open files allows]
    ///
    /// The limit of open files is raised as far as it may be, and some are kept in reserve. Clients beyond the
    /// maximum wait until a connection closes.
    #[arg(long, help_heading = "Network", env = "SSE_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,

    /// Connections of one address at most [default: no limit]
    ///
    /// Further ones are closed when they are accepted. Not for trusted proxies. An IPv6 address counts as its /64.
    #[arg(long, help_heading = "Network", env = "SSE_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N")]
    #[arg(value_parser = value::parse_count::<NonZeroUsize>)]
    pub max_connections_per_address: Option<NonZeroUsize>,

    /// Open streams at most [default: 98 % of all connections]
    ///
    /// Who comes when there are as many is told to come back later. The rest is for publishers and health checks, which
    /// have to get through to a server that is full.
    #[arg(long, help_heading = "Network", env = "SSE_MAX_STREAMS", value_name = "N")]
    pub max_streams: Option<usize>,

    /// Open streams of one address at most [default: no limit]
    ///
    /// Who has as many is told to come back later. Behind a trusted proxy, the address is the client's.
    #[arg(long, help_heading = "Network", env = "SSE_MAX_STREAMS_PER_ADDRESS", value_name = "N")]
    #[arg(value_parser = value::parse_count::<NonZeroUsize>)]
    pub max_streams_per_address: Option<NonZeroUsize>,

    /// What subscribers are answered that are too many: soft or hard
    ///
    /// soft: 200, when to come back, and the end of the stream; a browser then does. hard: 503 with Retry-After, after
    /// which a browser gives up.
    #[arg(long, help_heading = "Network", env = "SSE_OVER_LIMIT", value_name = "ANSWER")]
    #[arg(value_enum, default_value_t = OverLimit::default())]
    pub over_limit: OverLimit,

    /// Proxy, or network of them, that is believed in X-Forwarded-For; repeatable
    ///
    /// As in 10.0.0.0/8 or 127.0.0.1/32. None by default: anybody can send that header.
    #[arg(
        long,
        help_heading = "Network",
        env = "SSE_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = value::parse_network
    )]
    pub trusted_proxy: Vec<IpNet>,

    /// Connections that may wait to be accepted
    ///
    /// After a restart all clients come back at once. The kernel's own limit is net.core.somaxconn.
    #[arg(long, help_heading = "Network", env = "SSE_BACKLOG", value_name = "N", default_value_t = Config::default().backlog)]
    pub backlog: u32,

    /// Time for a request head to arrive
    ///
    /// Also for its first byte, on a new connection, and before that for the handshake of TLS. Long enough for lost packets on a bad mobile network.
    #[arg(long, help_heading = "Network", env = "SSE_REQUEST_HEAD_TIMEOUT", value_name = "TIME")]
    #[arg(default_value_t = Span(Config::default().request_head_timeout))]
    pub request_head_timeout: Span,

    /// Bytes of a request head at most
    ///
    /// The names of many topics, or a large token, take room in it. KB and MB are powers of 1000, KiB and MiB of 1024.
    #[arg(long, help_heading = "Network", env = "SSE_MAX_HEAD", value_name = "SIZE")]
    #[arg(default_value_t = Size(Config::default().max_head))]
    pub max_head: Size,

    /// Time that a connection may be idle between requests; 0s closes it after each
    ///
    /// Open streams are not idle: they last.
    #[arg(long, help_heading = "Network", env = "SSE_KEEP_ALIVE", value_name = "TIME")]
    #[arg(default_value_t = Span(Config::default().keep_alive))]
    pub keep_alive: Span,

    /// Time for a client to take a few kilobytes of what is waiting for it
    ///
    /// Who takes less is cut, and gets the rest when it comes back. Long enough for a handover between networks.
    #[arg(long, help_heading = "Network", env = "SSE_WRITE_TIMEOUT", value_name = "TIME")]
    #[arg(default_value_t = Span(Config::default().write_timeout))]
    pub write_timeout: Span,

    /// Interval of the comments that keep an idle stream open
    ///
    /// Shorter than the idle limit of every proxy on the way: many have 30s or 60s.
    #[arg(long, help_heading = "Streams", env = "SSE_HEARTBEAT", value_name = "TIME")]
    #[arg(default_value_t = Span(HubConfig::default().heartbeat))]
    pub heartbeat: Span,

    /// Shortest time after which clients reconnect; each is told a random one, up to twice as long
    ///
    /// Random, so that clients which were cut together do not come back together. 3s is Chromium's own.
    #[arg(long, help_heading = "Streams", env = "SSE_RETRY", value_name = "TIME")]
    #[arg(default_value_t = Span(HubConfig::default().retry))]
    pub retry: Span,

    /// What becomes of readers who fall behind: gap, latest or disconnect
    ///
    /// gap: they are told what they have missed and go on with the oldest event that is retained. latest: they are told
    /// and go on with the newest. disconnect: their stream ends, and they are told when they come back.
    #[arg(long, help_heading = "Streams", env = "SSE_SLOW_POLICY", value_name = "POLICY")]
    #[arg(value_enum, default_value_t = SlowPolicy::default())]
    pub slow_policy: SlowPolicy,

    /// What becomes of readers of one topic who fall behind; repeatable
    ///
    /// As in prices=latest, or prices/*=latest for all topics that begin with prices/. The first that fits holds.
    #[arg(
        long,
        help_heading = "Streams",
        env = "SSE_SLOW_POLICY_FOR",
        value_name = "TOPIC=POLICY",
        value_delimiter = ','
    )]
    pub slow_policy_for: Vec<SlowRule>,

    /// Events that a reader may be behind [default: as many as are retained]
    ///
    /// Beyond that it counts as having missed them, although they are still there.
    #[arg(long, help_heading = "Streams", env = "SSE_MAX_LAG", value_name = "N")]
    #[arg(value_parser = value::parse_count::<NonZeroU64>)]
    pub max_lag: Option<NonZeroU64>,

    /// Topics of one subscription at most
    ///
    /// Each topic of a subscription costs time whenever it is served.
    #[arg(long, help_heading = "Streams", env = "SSE_MAX_TOPICS_PER_SUBSCRIPTION", value_name = "N")]
    #[arg(default_value_t = HubConfig::default().max_topics_per_subscription)]
    pub max_topics_per_subscription: usize,

    /// Site whose pages may use the server, or * for all; repeatable
    ///
    /// Written as browsers do: `https://example.org`, without a path. None by default: pages of the server's own
    /// origin need no permission.
    #[arg(
        long,
        help_heading = "Streams",
        env = "SSE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub allow_origin: Vec<OriginArg>,

    /// Key that tokens are checked with: its algorithm, and where it is; repeatable
    ///
    /// Asks for a token (JWT) with the claim "mercure": {"publish": [...], "subscribe": [...]}, lists of topics or "*",
    /// and with "exp". hs256, hs384, hs512: the file is the secret, as many random bytes as the hash or more. rs256 to
    /// rs512, ps256 to ps512, es256, es384: a public key in PEM. As hs256:env:NAME, the key is in the variable NAME.
    /// While a key is replaced, name both.
    #[arg(
        long,
        help_heading = "Access",
        env = "SSE_JWT_KEY",
        value_name = "ALGORITHM:FILE",
        value_delimiter = ','
    )]
    pub jwt_key: Vec<KeyArg>,

    /// What the claim "aud" of every token has to name
    ///
    /// Set it if the key signs for other services too. Not looked at by default.
    #[arg(long, help_heading = "Access", env = "SSE_JWT_AUDIENCE", value_name = "NAME")]
    pub jwt_audience: Option<String>,

    /// What the claim "iss" of every token has to be
    ///
    /// Set it if several share the key. Not looked at by default.
    #[arg(long, help_heading = "Access", env = "SSE_JWT_ISSUER", value_name = "NAME")]
    pub jwt_issuer: Option<String>,

    /// Name of the cookie that may hold a token
    ///
    /// For EventSource, which cannot send headers. A cookie counts only from pages of the server's own origin and of
    /// those that --allow-origin names; * names none. The default is the Mercure protocol's.
    #[arg(long, help_heading = "Access", env = "SSE_JWT_COOKIE", value_name = "NAME")]
    #[arg(default_value_t = AccessConfig::default().cookie)]
    pub jwt_cookie: String,

    /// Reading needs no token, publishing does
    ///
    /// For what is public anyway: whoever can reach the server can read every topic.
    #[arg(long, help_heading = "Access", env = "SSE_ANONYMOUS_SUBSCRIBE")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub anonymous_subscribe: bool,

    /// Take tokens from ?access_token= too
    ///
    /// URLs end up in logs of proxies and in histories, so this is for clients that can send neither header nor cookie,
    /// with tokens that expire in minutes. The server itself does not log them.
    #[arg(long, help_heading = "Access", env = "SSE_ALLOW_TOKEN_IN_URL")]
    #[arg(value_parser = BoolishValueParser::new())]
    pub allow_token_in_url: bool,

    /// Events that a topic retains for those who return
    ///
    /// At 10 events per second, the default is nearly seven minutes.
    #[arg(long, help_heading = "Topics", env = "SSE_RETAIN_EVENTS", value_name = "N")]
    #[arg(default_value_t = HubConfig::default().retain_events)]
    pub retain_events: usize,

    /// Bytes that a topic retains
    ///
    /// Per topic: a thousand busy topics take a thousand times as much. At least --max-event. KB and MB are powers of
    /// 1000, KiB and MiB of 1024.
    #[arg(long, help_heading = "Topics", env = "SSE_RETAIN_BYTES", value_name = "SIZE")]
    #[arg(default_value_t = Size(HubConfig::default().retain_bytes))]
    pub retain_bytes: Size,

    /// Age up to which a topic retains events
    ///
    /// Who was away for longer is told that there is a gap.
    #[arg(long, help_heading = "Topics", env = "SSE_RETAIN_AGE", value_name = "TIME")]
    #[arg(default_value_t = Span(HubConfig::default().retain_age))]
    pub retain_age: Span,

    /// Time for which an ended or unused topic is remembered
    ///
    /// A reader who returns to an ended topic in this time is told to stop. At least --retain-age.
    #[arg(long, help_heading = "Topics", env = "SSE_FORGET_AFTER", value_name = "TIME")]
    #[arg(default_value_t = Span(HubConfig::default().forget_after))]
    pub forget_after: Span,

    /// Topics at most
    ///
    /// New ones beyond it are refused, to publishers and to readers.
    #[arg(long, help_heading = "Topics", env = "SSE_MAX_TOPICS", value_name = "N")]
    #[arg(default_value_t = HubConfig::default().max_topics.unwrap_or(usize::MAX))]
    pub max_topics: usize,

    /// Bytes that all topics together take at most
    ///
    /// The oldest events of all are let go of first; when that is not enough, publishing is refused for a while. KB and
    /// MB are powers of 1000, KiB and MiB of 1024.
    #[arg(long, help_heading = "Topics", env = "SSE_MEMORY", value_name = "SIZE")]
    #[arg(default_value_t = Size(HubConfig::default().memory.unwrap_or(usize::MAX)))]
    pub memory: Size,

    /// Bytes of one event at most, as sent
    ///
    /// Larger things are better published as a link. KB and MB are powers of 1000, KiB and MiB of 1024.
    #[arg(long, help_heading = "Publishing", env = "SSE_MAX_EVENT", value_name = "SIZE")]
    #[arg(default_value_t = Size(HubConfig::default().max_event))]
    pub max_event: Size,

    /// Bytes that bodies may take while they are coming in, all together
    ///
    /// When there is no room, publishers are told to wait. At least --max-event. KB and MB are powers of 1000, KiB and
    /// MiB of 1024.
    #[arg(long, help_heading = "Publishing", env = "SSE_BODY_MEMORY", value_name = "SIZE")]
    #[arg(default_value_t = Size(HubConfig::default().body_memory))]
    pub body_memory: Size,

    /// Time for the body of one event to arrive
    ///
    /// Not for a body that is itself an event stream: that may be silent for hours. A megabyte at 1 Mbit/s
    /// takes 8s.
    #[arg(long, help_heading = "Publishing", env = "SSE_BODY_TIMEOUT", value_name = "TIME")]
    #[arg(default_value_t = Span(HubConfig::default().body_timeout))]
    pub body_timeout: Span,

    /// Time for which an Idempotency-Key makes a retry safe; 0s turns the keys off
    ///
    /// Longer than publishers go on retrying.
    #[arg(long, help_heading = "Publishing", env = "SSE_IDEMPOTENCY_WINDOW", value_name = "TIME")]
    #[arg(default_value_t = Span(HubConfig::default().idempotency_window))]
    pub idempotency_window: Span,

    /// Time for the server to end
    ///
    /// For streams to get their last bytes, and for requests in progress. Shorter than the time after which an
    /// orchestrator kills, 30s in many. A second signal ends at once.
    #[arg(long, help_heading = "Operation", env = "SSE_DRAIN", value_name = "TIME")]
    #[arg(default_value_t = Span(HubConfig::default().drain))]
    pub drain: Span,

    /// Form of the log, which goes to stderr
    #[arg(long, help_heading = "Operation", env = "SSE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What to log: a level, or directives such as info,sse_server=debug
    #[arg(long, help_heading = "Operation", env = "SSE_LOG", value_name = "FILTER", default_value = "info")]
    #[arg(value_parser = telemetry::parse_filter)]
    pub log: String,
}

const EXAMPLES: &str = "\
Examples:
  Start it for this machine:
    sse-server

  Follow a topic, then publish to it from another terminal:
    curl -N http://127.0.0.1:8080/events/news
    curl -d 'hello' http://127.0.0.1:8080/events/news

  Let the pages of a site use it from a browser:
    sse-server --allow-origin https://example.org

  In a container, behind a proxy that authenticates:
    SSE_LISTEN=0.0.0.0:8080 SSE_ALLOW_ANONYMOUS_REMOTE=true sse-server

  Where other machines can reach it, for those with a token signed with a secret:
    openssl rand -hex 32 > secret
    sse-server --listen 0.0.0.0:8080 --jwt-key hs256:secret

  With TLS, and with health checks and metrics for this machine only:
    sse-server --tls-cert fullchain.pem --tls-key key.pem --operations 127.0.0.1:9090

  Keep an hour of small events for those who return:
    sse-server --retain-age 1h --forget-after 2h --retain-events 100000 --retain-bytes 16MiB

Exit status:
  0   ended on request: SIGTERM, or SIGINT (Ctrl-C); a second one does not wait for streams to end
  2   a flag or variable is not well-formed
  71  the operating system refused something, such as an address to listen on
  78  the configuration contradicts itself, or would be unsafe, or a key or certificate cannot be used

Signals:
  SIGTERM and SIGINT end the server in good order; SIGHUP has the certificate read anew";

impl Args {
    /// The configuration that was typed, with the keys read. Not checked yet.
    ///
    /// # Errors
    ///
    /// If a key cannot be used.
    pub fn config(&self) -> Result<Config, KeyArgError> {
        Ok(Config {
            listen: self.listen.clone(),
            allow_anonymous_remote: self.allow_anonymous_remote,
            operations: self.operations,
            allow_remote_operations: self.allow_remote_operations,
            tls: self.tls(),
            sink: self.sink,
            workers: self.workers,
            max_connections: self.max_connections,
            max_connections_per_address: self.max_connections_per_address,
            backlog: self.backlog,
            request_head_timeout: self.request_head_timeout.0,
            keep_alive: self.keep_alive.0,
            max_head: self.max_head.0,
            write_timeout: self.write_timeout.0,
            hub: HubConfig {
                max_streams: self.max_streams,
                max_streams_per_address: self.max_streams_per_address,
                over_limit: self.over_limit,
                trusted_proxies: self.trusted_proxy.clone(),
                max_topics: Some(self.max_topics),
                memory: Some(self.memory.0),
                heartbeat: self.heartbeat.0,
                retry: self.retry.0,
                retain_events: self.retain_events,
                retain_bytes: self.retain_bytes.0,
                retain_age: self.retain_age.0,
                forget_after: self.forget_after.0,
                max_event: self.max_event.0,
                slow: SlowPolicies { default: self.slow_policy, rules: self.slow_policy_for.clone() },
                max_lag: self.max_lag,
                max_topics_per_subscription: self.max_topics_per_subscription,
                body_memory: self.body_memory.0,
                body_timeout: self.body_timeout.0,
                idempotency_window: self.idempotency_window.0,
                allow_origins: self.allow_origins(),
                access: self.access()?,
                drain: self.drain.0,
            },
        })
    }

    /// How to log.
    pub fn log_settings(&self) -> LogSettings {
        LogSettings { format: self.log_format, filter: self.log.clone() }
    }

    fn tls(&self) -> Option<TlsConfig> {
        let (certificate, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        Some(TlsConfig { certificate, key })
    }

    fn access(&self) -> Result<AccessConfig, KeyArgError> {
        Ok(AccessConfig {
            keys: self.jwt_key.iter().map(KeyArg::load).collect::<Result<_, _>>()?,
            audience: self.jwt_audience.clone(),
            issuer: self.jwt_issuer.clone(),
            anonymous_subscribe: self.anonymous_subscribe,
            cookie: self.jwt_cookie.clone(),
            token_in_url: self.allow_token_in_url,
        })
    }

    fn allow_origins(&self) -> AllowedOrigins {
        let mut these = Vec::new();
        for origin in &self.allow_origin {
            match origin {
                OriginArg::Any => return AllowedOrigins::Any,
                OriginArg::This(origin) => these.push(origin.clone()),
            }
        }
        if these.is_empty() { AllowedOrigins::None } else { AllowedOrigins::These(these) }
    }
}
