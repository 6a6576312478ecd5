//! The contradictions and bounds that a configuration is checked for.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{AccessConfig, Config, HubConfig, SinkKind, Size};

/// What actix-server takes; it panics beyond.
pub(super) const MAX_WORKERS: usize = 512;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const TENTH: Duration = Duration::from_millis(100);

/// Why a configuration cannot be used. The message is one line: what is wrong, and what would be right.
///
/// Names are those of the flags, without dashes in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Everybody could publish and read.
    #[error(
        "listen {address} is open to other machines, and everybody there could publish and read every topic, \
         because there is no key to check tokens with: set jwt-key, listen on 127.0.0.1 behind a proxy that \
         authenticates, or set allow-anonymous-remote to accept it"
    )]
    AnonymousRemote {
        /// The address that is not this machine's alone.
        address: SocketAddr,
    },

    /// A browser would not send such a cookie.
    #[error(
        "jwt-cookie is no name of a cookie: it has letters, digits and !#$%&'*+-.^_`|~, at least one of them"
    )]
    CookieName,

    /// A topic would be forgotten with events that are to be kept.
    #[error(
        "forget-after ({}) is shorter than retain-age ({1}), so a topic would be forgotten before its events: \
         make forget-after at least {1}",
        time(*.forget_after), time(*.retain_age)
    )]
    ForgottenBeforeExpired {
        /// As configured.
        forget_after: Duration,
        /// As configured.
        retain_age: Duration,
    },

    /// A worker would have no connection.
    #[error(
        "max-connections ({connections}) is less than one for each of {workers} workers: raise it, or lower workers"
    )]
    FewerConnectionsThanWorkers {
        /// As configured.
        connections: usize,
        /// As configured.
        workers: usize,
    },

    /// Nothing to listen on.
    #[error("there is no address to listen on: name at least one, such as 127.0.0.1:8080")]
    NoAddress,

    /// A value out of its bounds.
    #[error("{name} is {value}: it must be from {least} to {most}")]
    OutOfBounds {
        /// The setting.
        name: &'static str,
        /// As configured.
        value: String,
        /// The smallest value that is allowed.
        least: String,
        /// The largest value that is allowed.
        most: String,
    },

    /// Everybody could see who reads what.
    #[error(
        "operations {address} is open to other machines, and everybody there could see the metrics and who reads what, \
         because operations ask for no token: have them on 127.0.0.1, or set allow-remote-operations to accept it"
    )]
    RemoteOperations {
        /// The address that is not this machine's alone.
        address: SocketAddr,
    },

    /// Segments cannot write TLS.
    #[error(
        "sink 'socket' is for plain HTTP, and there is a certificate for TLS: let sink be 'auto', or 'body'"
    )]
    SocketSinkOverTls,

    /// A value that has a least, and is less.
    #[error("{name} is {value}: it must be at least {least}")]
    TooSmall {
        /// The setting.
        name: &'static str,
        /// As configured.
        value: String,
        /// The smallest value that is allowed.
        least: String,
    },

    /// Somebody believes that tokens are asked for, and none is.
    #[error("{name} has no effect without a key to check tokens with: set jwt-key, or leave it out")]
    NeedsKey {
        /// The setting.
        name: &'static str,
    },

    /// The largest event would not fit in a topic.
    #[error(
        "retain-bytes ({}) is less than max-event ({1}), so a topic could not hold its largest event: raise \
         retain-bytes to at least {1}, or lower max-event",
        Size(*.retain_bytes), Size(*.max_event)
    )]
    RetainsLessThanAnEvent {
        /// As configured.
        retain_bytes: usize,
        /// As configured.
        max_event: usize,
    },
}

impl Config {
    /// Finds the first thing that is wrong.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], whose message says what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            return Err(ConfigError::NoAddress);
        }
        let is_remote = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
        let remote = self.listen.iter().copied().find(is_remote);
        if let Some(address) =
            remote.filter(|_| self.hub.access.keys.is_empty() && !self.allow_anonymous_remote)
        {
            return Err(ConfigError::AnonymousRemote { address });
        }
        if self.tls.is_some() && self.sink == SinkKind::Socket {
            return Err(ConfigError::SocketSinkOverTls);
        }
        let remote = self.operations.filter(is_remote);
        if let Some(address) = remote.filter(|_| !self.allow_remote_operations) {
            return Err(ConfigError::RemoteOperations { address });
        }

        within("workers", self.workers, 1..=MAX_WORKERS)?;
        within("backlog", self.backlog, 1..=65_535)?;
        time_within("request-head-timeout", self.request_head_timeout, TENTH..=5 * MINUTE)?;
        time_within("write-timeout", self.write_timeout, Duration::from_secs(1)..=HOUR)?;
        within("max-head", Size(self.max_head), Size(1024)..=Size(128 * 1024))?;
        time_within("keep-alive", self.keep_alive, Duration::ZERO..=HOUR)?;
        match self.max_connections {
            Some(connections) if connections < self.workers => {
                Err(ConfigError::FewerConnectionsThanWorkers { connections, workers: self.workers })
            }
            _ => self.hub.check(),
        }
    }
}

impl HubConfig {
    /// Finds the first thing that is wrong; for those who mount the routes themselves.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], whose message says what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        time_within("heartbeat", self.heartbeat, TENTH..=HOUR)?;
        time_within("retry", self.retry, TENTH..=HOUR / 2)?;
        time_within("retain-age", self.retain_age, Duration::from_secs(1)..=24 * 365 * HOUR)?;
        time_within("forget-after", self.forget_after, Duration::from_secs(1)..=24 * 365 * HOUR)?;
        time_within("body-timeout", self.body_timeout, TENTH..=HOUR)?;
        time_within("idempotency-window", self.idempotency_window, Duration::ZERO..=24 * HOUR)?;
        time_within("drain", self.drain, Duration::ZERO..=HOUR)?;
        at_least("retain-events", self.retain_events, 1)?;
        within("max-topics-per-subscription", self.max_topics_per_subscription, 1..=4096)?;
        within("max-event", Size(self.max_event), Size(1)..=Size(64 << 20))?;

        within("body-memory", Size(self.body_memory), Size(self.max_event)..=Size(usize::MAX))?;
        if let Some(memory) = self.memory {
            at_least("memory", Size(memory), Size(self.retain_bytes.max(1 << 20)))?;
        }
        if let Some(topics) = self.max_topics {
            at_least("max-topics", topics, 1)?;
        }

        if self.retain_bytes < self.max_event {
            return Err(ConfigError::RetainsLessThanAnEvent {
                retain_bytes: self.retain_bytes,
                max_event: self.max_event,
            });
        }
        if self.forget_after < self.retain_age {
            return Err(ConfigError::ForgottenBeforeExpired {
                forget_after: self.forget_after,
                retain_age: self.retain_age,
            });
        }
        self.access.check()
    }
}

impl AccessConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if self.cookie.is_empty() || !self.cookie.bytes().all(is_token) {
            return Err(ConfigError::CookieName);
        }
        within("the number of keys in jwt-key", self.keys.len(), 0..=16)?;
        let settings = [
            ("jwt-audience", self.audience.is_some()),
            ("jwt-issuer", self.issuer.is_some()),
            ("anonymous-subscribe", self.anonymous_subscribe),
            ("allow-token-in-url", self.token_in_url),
        ];
        match settings.into_iter().find(|(_, set)| *set && self.keys.is_empty()) {
            Some((name, _)) => Err(ConfigError::NeedsKey { name }),
            None => Ok(()),
        }
    }
}

fn within<T>(name: &'static str, value: T, bounds: RangeInclusive<T>) -> Result<(), ConfigError>
where
    T: Copy + PartialOrd + fmt::Display,
{
    if bounds.contains(&value) {
        return Ok(());
    }
    Err(ConfigError::OutOfBounds {
        name,
        value: value.to_string(),
        least: bounds.start().to_string(),
        most: bounds.end().to_string(),
    })
}

/// For what has no other bound than the machine's.
fn at_least<T>(name: &'static str, value: T, least: T) -> Result<(), ConfigError>
where
    T: Copy + PartialOrd + fmt::Display,
{
    if value >= least {
        return Ok(());
    }
    Err(ConfigError::TooSmall { name, value: value.to_string(), least: least.to_string() })
}

fn time_within(
    name: &'static str,
    value: Duration,
    bounds: RangeInclusive<Duration>,
) -> Result<(), ConfigError> {
    if bounds.contains(&value) {
        return Ok(());
    }
    Err(ConfigError::OutOfBounds {
        name,
        value: time(value).to_string(),
        least: time(*bounds.start()).to_string(),
        most: time(*bounds.end()).to_string(),
    })
}

fn time(time: Duration) -> impl fmt::Display {
    humantime::format_duration(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Key;

    fn with(change: impl FnOnce(&mut Config)) -> Result<(), String> {
        let mut config = Config::default();
        change(&mut config);
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(Config::default().check(), Ok(()));
    }

    #[test]
    fn other_machines_need_a_word_more() {
        for address in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "[::ffff:192.0.2.1]:80"] {
            let mut config = Config { listen: vec![address.parse().unwrap()], ..Config::default() };
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains("allow-anonymous-remote"), "{message}");
            config.allow_anonymous_remote = true;
            assert_eq!(config.check(), Ok(()));
        }
        for address in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            let listen = vec![address.parse().unwrap()];
            assert_eq!(Config { listen, ..Config::default() }.check(), Ok(()));
        }
    }

    #[test]
    fn operations_for_other_machines_need_a_word_more() {
        for address in ["0.0.0.0:0", "[::]:9090", "192.0.2.1:9090", "[::ffff:192.0.2.1]:9090"] {
            let operations = Some(address.parse().unwrap());
            let mut config = Config { operations, ..Config::default() };
            // Neither a key nor what is said of the other addresses is about these.
            config.hub.access.keys.push(key());
            config.allow_anonymous_remote = true;
            let message = config.check().unwrap_err().to_string();
            assert!(message.contains("127.0.0.1, or set allow-remote-operations"), "{message}");
            assert!(!message.contains('\n'), "{message}");
            config.allow_remote_operations = true;
            assert_eq!(config.check(), Ok(()));
        }
        for address in ["127.0.0.1:0", "127.9.9.9:9090", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
            let operations = Some(address.parse().unwrap());
            assert_eq!(Config { operations, ..Config::default() }.check(), Ok(()));
        }
    }

    #[test]
    fn remote_operations_do_not_open_the_rest() {
        let listen = vec!["0.0.0.0:80".parse().unwrap()];
        let config = Config { listen, allow_remote_operations: true, ..Config::default() };
        assert!(matches!(config.check(), Err(ConfigError::AnonymousRemote { .. })));
    }

    fn key() -> Key {
        Key::new("hs256".parse().unwrap(), &[7; 32]).unwrap()
    }

    #[test]
    fn other_machines_may_come_where_publishing_needs_a_token() {
        for anonymous_subscribe in [false, true] {
            let mut config = Config { listen: vec!["0.0.0.0:80".parse().unwrap()], ..Config::default() };
            config.hub.access.keys.push(key());
            config.hub.access.anonymous_subscribe = anonymous_subscribe;
            assert_eq!(config.check(), Ok(()));
        }
    }

    #[test]
    fn what_is_about_tokens_needs_a_key() {
        let changes: [fn(&mut AccessConfig); 4] = [
            |access| access.audience = Some("us".to_owned()),
            |access| access.issuer = Some("them".to_owned()),
            |access| access.anonymous_subscribe = true,
            |access| access.token_in_url = true,
        ];
        for change in changes {
            let message = with(|config| change(&mut config.hub.access)).unwrap_err();
            assert!(message.contains("set jwt-key"), "{message}");
            let keyed = with(|config| {
                config.hub.access.keys.push(key());
                change(&mut config.hub.access);
            });
            assert_eq!(keyed, Ok(()));
        }
    }

    #[test]
    fn a_cookie_has_a_name_and_keys_an_end() {
        for name in ["", "a b", "a=", "a;", "é"] {
            assert!(with(|config| config.hub.access.cookie = name.to_owned()).is_err(), "{name}");
        }
        assert_eq!(with(|config| config.hub.access.cookie = "__Host-token".to_owned()), Ok(()));
        assert!(with(|config| config.hub.access.keys = vec![key(); 17]).is_err());
    }

    #[test]
    fn one_open_address_among_several_is_found() {
        let listen = vec!["127.0.0.1:80".parse().unwrap(), "0.0.0.0:80".parse().unwrap()];
        assert!(Config { listen, ..Config::default() }.check().is_err());
    }

    #[test]
    fn a_topic_can_hold_its_largest_event() {
        let message = with(|config| config.hub.retain_bytes = 64 * 1024).unwrap_err();
        assert_eq!(
            message,
            "retain-bytes (64KiB) is less than max-event (1MiB), so a topic could not hold its largest \
             event: raise retain-bytes to at least 1MiB, or lower max-event"
        );
        let message = with(|config| config.hub.retain_bytes = (1 << 20) - 1).unwrap_err();
        assert!(message.starts_with("retain-bytes (1048575) is less than max-event (1MiB)"), "{message}");
        assert_eq!(with(|config| (config.hub.retain_bytes, config.hub.max_event) = (64, 64)), Ok(()));
    }

    #[test]
    fn a_topic_is_not_forgotten_before_its_events() {
        let message = with(|config| config.hub.forget_after = MINUTE).unwrap_err();
        assert!(message.contains("forget-after (1m)") && message.contains("at least 5m"), "{message}");
    }

    #[test]
    fn every_worker_gets_a_connection() {
        assert!(with(|config| (config.workers, config.max_connections) = (4, Some(3))).is_err());
        assert_eq!(with(|config| (config.workers, config.max_connections) = (4, Some(4))), Ok(()));
    }

    #[test]
    fn a_value_out_of_bounds_is_named_with_its_bounds() {
        let message = with(|config| config.hub.heartbeat = Duration::from_millis(99)).unwrap_err();
        assert_eq!(message, "heartbeat is 99ms: it must be from 100ms to 1h");
        let message = with(|config| config.workers = 513).unwrap_err();
        assert_eq!(message, "workers is 513: it must be from 1 to 512");
        let message = with(|config| config.hub.max_event = 0).unwrap_err();
        assert_eq!(message, "max-event is 0: it must be from 1 to 64MiB");
        assert!(with(|config| config.listen.clear()).is_err());
        assert!(with(|config| config.hub.retain_events = 0).is_err());
        assert!(with(|config| config.hub.max_topics_per_subscription = 0).is_err());
        assert!(with(|config| config.backlog = 0).is_err());
        assert!(with(|config| config.request_head_timeout = Duration::ZERO).is_err());
    }

    #[test]
    fn what_has_no_upper_bound_is_shown_without_one() {
        let message = with(|config| config.hub.memory = Some(1)).unwrap_err();
        assert_eq!(message, "memory is 1: it must be at least 1MiB");
        let message = with(|config| config.hub.max_topics = Some(0)).unwrap_err();
        assert_eq!(message, "max-topics is 0: it must be at least 1");
        let message = with(|config| config.hub.retain_events = 0).unwrap_err();
        assert_eq!(message, "retain-events is 0: it must be at least 1");
        assert_eq!(with(|config| config.hub.memory = Some(usize::MAX)), Ok(()));
    }

    #[test]
    fn what_may_be_turned_off_may_be_zero() {
        assert_eq!(with(|config| config.keep_alive = Duration::ZERO), Ok(()));
        assert_eq!(with(|config| config.hub.drain = Duration::ZERO), Ok(()));
        assert_eq!(with(|config| config.hub.idempotency_window = Duration::ZERO), Ok(()));
    }
}
