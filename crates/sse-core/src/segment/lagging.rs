//! What is done for a subscriber that falls behind: how far it may, and where it goes on.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::topic::TopicName;

/// Where a subscriber goes on that fell behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// With everything that is still there for it: for streams of which each event counts.
    #[default]
    Retained,
    /// With the topic's newest event, and nothing of what is between: for streams of states, of which only the last is
    /// true.
    Newest,
}

/// What holds in a topic for those who are subscribed to it. By default, they get everything that is retained, however
/// far they are behind.
///
/// It is not for those who come back: behind the position that they name, they get all that is retained. Only what is
/// published from then on, they may fall behind in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LagRule {
    /// How many events of the topic a subscriber may be behind; none is as many as are retained. Who is further behind
    /// is told of a gap, although the events are still there.
    pub max_lag: Option<NonZeroU64>,
    /// Where whoever is further behind goes on: with the last `max_lag` events, or with the last one.
    pub catch_up: CatchUp,
}

impl LagRule {
    /// How many of the newest events remain for whoever is too far behind.
    pub(super) fn remaining(self) -> u64 {
        match self.catch_up {
            CatchUp::Newest => 1,
            CatchUp::Retained => self.max_lag.map_or(u64::MAX, NonZeroU64::get),
        }
    }
}

/// Which rule holds in which topic. Cheap to clone.
#[derive(Clone)]
pub struct LagRules(Arc<dyn Fn(&TopicName) -> LagRule + Send + Sync>);

impl LagRules {
    /// One rule for every topic.
    #[must_use]
    pub fn all(rule: LagRule) -> Self {
        Self::each(move |_| rule)
    }

    /// A rule for each topic. A segment asks when it gets its first subscriber for the topic, and keeps the answer
    /// until the last has left. It asks from within: its methods must not be called from there. If that panics, nobody
    /// was subscribed.
    #[must_use]
    pub fn each(rule: impl Fn(&TopicName) -> LagRule + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    pub(super) fn of(&self, topic: &TopicName) -> LagRule {
        (self.0)(topic)
    }
}

impl Default for LagRules {
    /// The default rule for every topic.
    fn default() -> Self {
        Self::all(LagRule::default())
    }
}

impl fmt::Debug for LagRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LagRules").finish_non_exhaustive()
    }
}
