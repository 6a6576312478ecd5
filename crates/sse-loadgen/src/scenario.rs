//! What happens while it is measured. Everything else is the same for all.

use std::time::Duration;

use crate::worker::orders::{Order, Pace};

/// See the variants. Shares are of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scenario {
    /// Nothing: events reach clients. How late, and do all?
    Run,
    /// All streams are cut off at once. How long until everybody has caught up?
    Storm,
    /// Clients come and go all the time. Does the server forget them?
    Churn {
        /// How long one stays, on average.
        lifetime: Duration,
    },
    /// Some clients read slowly or not at all. What do the others suffer?
    Slow {
        /// So many read at `rate`.
        slow: f64,
        /// Bytes per second.
        rate: u32,
        /// So many read nothing.
        stalled: f64,
    },
    /// Again and again, some are cut off. Does everybody get exactly what follows?
    Resume {
        /// So many at a time.
        share: f64,
        /// That often.
        every: Duration,
    },
    /// Every client comes for one answer, at an arrival rate that waits for nobody.
    Request {
        /// How long an answer may take.
        timeout: Duration,
    },
}

impl Scenario {
    /// As it is called on the command line.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Storm => "storm",
            Self::Churn { .. } => "churn",
            Self::Slow { .. } => "slow",
            Self::Resume { .. } => "resume",
            Self::Request { .. } => "request",
        }
    }

    /// Whether clients come for one answer each.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self, Self::Request { .. })
    }

    /// How long clients stay, in ns, on average; none if for ever.
    #[must_use]
    pub fn lifetime(&self) -> Option<u64> {
        match self {
            Self::Churn { lifetime } => Some(nanos(*lifetime)),
            _ => None,
        }
    }

    /// What is ordered when, in the order of time, if it is measured from here to there.
    #[must_use]
    pub fn orders(&self, from: u64, to: u64) -> Vec<(u64, Order)> {
        match *self {
            Self::Run | Self::Churn { .. } | Self::Request { .. } => Vec::new(),
            // Early, so that there is time to see everybody come back.
            Self::Storm => vec![(from + (to - from) / 4, Order::Cut { share: 1.0 })],
            Self::Slow { slow, rate, stalled } => {
                let at = Self::restrained_from(from, to);
                vec![
                    (at, Order::Restrain { share: slow, skip: 0.0, pace: Pace::Slow(rate) }),
                    (at, Order::Restrain { share: stalled, skip: slow, pace: Pace::Stalled }),
                ]
            }
            Self::Resume { share, every } => {
                let every = nanos(every).max(1);
                // None in the last second: whoever is cut then has no time to come back.
                let last = to.saturating_sub(1_000_000_000);
                (1..)
                    .map(|n| from + n * every)
                    .take_while(|&at| at < last)
                    .map(|at| (at, Order::Cut { share }))
                    .collect()
            }
        }
    }

    /// When some begin to read slowly: half of the time is without, to compare.
    #[must_use]
    pub fn restrained_from(from: u64, to: u64) -> u64 {
        from + (to - from) / 2
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_breaks_once_and_an_audit_cuts_again_and_again() {
        let orders = Scenario::Storm.orders(1000, 2000);
        assert!(matches!(orders[..], [(1250, Order::Cut { share: 1.0 })]));
        let second = 1_000_000_000;
        let audit = Scenario::Resume { share: 0.1, every: Duration::from_secs(1) };
        let times: Vec<_> = audit.orders(0, 4 * second).iter().map(|order| order.0).collect();
        assert_eq!(times, [second, 2 * second]);
    }
}
