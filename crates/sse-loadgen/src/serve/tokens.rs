//! Finite streams: an answer that comes token by token, as from a language model.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::frame;

/// Longer answers, or waits, are likelier to be slips than tests.
const MAX_TOKENS: u64 = 1_000_000;
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// How many tokens.
    n: u64,
    /// From one to the next.
    interval: Duration,
    /// Until the first.
    first: Duration,
    /// How many to send before the connection is cut.
    truncate: Option<u64>,
}

impl Plan {
    /// From the parameters of the query, or what is wrong with them.
    pub(super) fn parse<'a>(
        query: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<Self, &'static str> {
        // About a language model of the common size.
        let mut plan = Self {
            n: 50,
            interval: Duration::from_millis(20),
            first: Duration::from_millis(200),
            truncate: None,
        };
        for (name, value) in query {
            match &*name {
                "n" => plan.n = count(&value)?,
                "interval" => plan.interval = wait(&value)?,
                "first" => plan.first = wait(&value)?,
                "truncate" => plan.truncate = Some(count(&value)?),
                _ => return Err("the parameters are n, interval, first and truncate"),
            }
        }
        Ok(plan)
    }

    pub(super) fn start(self, now: Instant) -> Tokens {
        Tokens { plan: self, start: now, sent: 0 }
    }
}

fn count(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|&n| n <= MAX_TOKENS).ok_or("n and truncate are numbers, up to 1000000")
}

fn wait(text: &str) -> Result<Duration, &'static str> {
    let wait = humantime::parse_duration(text).ok().filter(|&wait| wait <= MAX_WAIT);
    wait.ok_or("interval and first are times up to 1h, such as 20ms")
}

/// How far a finite stream is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    plan: Plan,
    start: Instant,
    sent: u64,
}

/// A step of a finite stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Token(Vec<u8>),
    /// The last bytes, if it ends as it should; none if it is cut.
    Last(Vec<u8>),
}

impl Tokens {
    /// When the next step is due: on a schedule of its own, so that a late step delays no other.
    pub(super) fn due(&self) -> Instant {
        let steps = u32::try_from(self.sent).unwrap_or(u32::MAX);
        // The end is not another token, so it does not wait for one.
        let steps = if self.is_over() { steps.saturating_sub(1) } else { steps };
        self.start + self.plan.first + self.plan.interval * steps
    }

    pub(super) fn step(&mut self) -> Step {
        if self.plan.truncate.is_some_and(|tokens| self.sent >= tokens) {
            return Step::Last(Vec::new());
        }
        if self.sent == self.plan.n {
            return Step::Last([&frame::done(), frame::END].concat());
        }
        self.sent += 1;
        Step::Token(frame::token(self.sent))
    }

    fn is_over(&self) -> bool {
        self.sent == self.plan.n || self.plan.truncate.is_some_and(|tokens| self.sent >= tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(query: &str) -> Result<Plan, &'static str> {
        Plan::parse(url::form_urlencoded::parse(query.as_bytes()))
    }

    /// When each step is due, in milliseconds, and whether the stream ended well.
    fn steps(query: &str) -> (Vec<u128>, bool) {
        let start = Instant::now();
        let mut tokens = plan(query).unwrap().start(start);
        let mut due = Vec::new();
        loop {
            due.push((tokens.due() - start).as_millis());
            if let Step::Last(bytes) = tokens.step() {
                return (due, bytes.ends_with(frame::END));
            }
        }
    }

    #[test]
    fn tokens_are_on_schedule_and_the_end_follows_the_last() {
        assert_eq!(steps("n=3&interval=20ms&first=200ms"), (vec![200, 220, 240, 240], true));
        assert_eq!(steps("n=0&first=1s"), (vec![1000], true));
    }

    #[test]
    fn a_cut_comes_after_as_many_tokens_as_asked() {
        assert_eq!(steps("n=9&truncate=2&interval=1ms&first=5ms"), (vec![5, 6, 6], false));
        assert_eq!(steps("n=1&truncate=7&interval=1ms&first=5ms"), (vec![5, 5], true));
    }

    #[test]
    fn what_was_not_understood_is_refused() {
        for query in ["n=x", "n=-1", "n=1000001", "interval=20", "first=2h", "truncate=", "m=1"] {
            assert!(plan(query).is_err(), "{query}");
        }
    }
}
