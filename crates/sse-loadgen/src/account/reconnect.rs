//! Who comes back after what, and when: as `EventSource` does (WHATWG HTML section 9.2.3).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How an attempt or a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The response was complete.
    Ended,
    /// The connection was closed in the middle of the response.
    Cut,
    /// The connection was reset, or an error of the network.
    Reset,
    /// Nobody listens.
    Refused,
    /// No connection or no head in time.
    Timeout,
    /// Another status than 200 and 204.
    Status(u16),
    /// 204: the server wants nobody back.
    NoContent,
    /// Another content type than `text/event-stream`.
    ContentType(String),
    /// An event that is larger than allowed.
    TooLong,
    /// Not HTTP, or not the chunked transfer coding.
    Malformed(&'static str),
    /// No socket to be had on this machine: descriptors, ports, memory.
    Local(String),
    /// We cut it, to see the client come back.
    Severed,
    /// We closed it.
    Left,
}

impl Ending {
    /// As it is called in reports.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Ended => "end".into(),
            Self::Cut => "cut".into(),
            Self::Reset => "reset".into(),
            Self::Refused => "refused".into(),
            Self::Timeout => "timeout".into(),
            Self::Status(status) => format!("status {status}").into(),
            Self::NoContent => "status 204".into(),
            Self::ContentType(found) => format!("content type {found}").into(),
            Self::TooLong => "event too long".into(),
            Self::Malformed(what) => (*what).into(),
            Self::Local(error) => format!("local: {error}").into(),
            Self::Severed => "cut by us".into(),
            Self::Left => "client".into(),
        }
    }

    /// Whether `EventSource` tries again: not after a status or a content type that is wrong, nor after 204. What the
    /// standard knows nothing of, and would only repeat itself, is given up too.
    #[must_use]
    pub fn comes_back(&self) -> bool {
        matches!(
            self,
            Self::Ended
                | Self::Cut
                | Self::Reset
                | Self::Refused
                | Self::Timeout
                | Self::Severed
                | Self::Local(_)
        )
    }
}

/// When clients reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reconnect {
    /// Off: who is disconnected stays so.
    pub enabled: bool,
    /// Until the server sends a `retry:`, in ns.
    pub delay: u64,
    /// Up to so much more, at random, in ns. Browsers add none or little.
    pub jitter: u64,
    /// Send `Last-Event-ID`.
    pub resume: bool,
}

impl Reconnect {
    /// The longest wait. A server that asks for a day is asked again in an hour.
    const LONGEST: u64 = 3_600_000_000_000;

    /// How long to wait, in ns: what the server asked for (in ms), or else the default, and the jitter.
    #[must_use]
    pub fn wait(&self, retry: Option<u32>, rng: &mut fastrand::Rng) -> u64 {
        let delay = retry.map_or(self.delay, |millis| u64::from(millis) * 1_000_000);
        delay.min(Self::LONGEST) + rng.u64(0..=self.jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_wish_comes_first() {
        let reconnect = Reconnect { enabled: true, delay: 3, jitter: 0, resume: true };
        let mut rng = fastrand::Rng::with_seed(1);
        assert_eq!(reconnect.wait(None, &mut rng), 3);
        assert_eq!(reconnect.wait(Some(0), &mut rng), 0);
        assert_eq!(reconnect.wait(Some(2), &mut rng), 2_000_000);
        assert_eq!(reconnect.wait(Some(u32::MAX), &mut rng), Reconnect::LONGEST);
    }
}
