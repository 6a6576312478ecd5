//! What becomes of readers who fall behind: for all topics, and for some in particular.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use sse_core::{CatchUp, TopicName, TopicNameError};

/// What becomes of a reader who has fallen so far behind that events are lost to it.
///
/// It is told of what it has lost in any case: at once, or when it comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SlowPolicy {
    /// It goes on with the oldest event that is retained.
    #[default]
    Gap,
    /// It goes on with the newest event: for what is only worth something while it is new, prices or positions.
    Latest,
    /// Its stream ends. For clients that had better begin again, and as protection against those that never read.
    Disconnect,
}

impl SlowPolicy {
    pub(crate) fn catch_up(self) -> CatchUp {
        match self {
            Self::Latest => CatchUp::Newest,
            Self::Gap | Self::Disconnect => CatchUp::Retained,
        }
    }
}

/// A policy for every topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlowPolicies {
    /// For topics that no rule fits.
    pub default: SlowPolicy,
    /// The first that fits holds.
    pub rules: Vec<SlowRule>,
}

impl SlowPolicies {
    /// Whether any reader may be cut off.
    pub(crate) fn disconnects(&self) -> bool {
        let mut policies = self.rules.iter().map(|rule| rule.policy).chain([self.default]);
        policies.any(|policy| policy == SlowPolicy::Disconnect)
    }

    /// What holds for a topic. Linear in the number of rules.
    #[must_use]
    pub fn of(&self, topic: &TopicName) -> SlowPolicy {
        self.rules.iter().find(|rule| rule.fits(topic)).map_or(self.default, |rule| rule.policy)
    }
}

/// A policy for one topic, or for all whose names begin alike: `prices=latest`, `prices/*=latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowRule {
    name: String,
    /// Whether more may follow the name.
    prefix: bool,
    policy: SlowPolicy,
}

/// Why a text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlowRuleError {
    /// There is no `=`.
    #[error("write TOPIC=POLICY, such as prices/*=latest")]
    Form,
    /// The policy is none.
    #[error("{0:?} is no policy: write gap, latest or disconnect")]
    Policy(String),
    /// The name can not be that of a topic.
    #[error(transparent)]
    Topic(#[from] TopicNameError),
}

impl SlowRule {
    fn fits(&self, topic: &TopicName) -> bool {
        let topic = topic.as_str();
        if self.prefix { topic.starts_with(&self.name) } else { topic == self.name }
    }
}

impl FromStr for SlowRule {
    type Err = SlowRuleError;

    fn from_str(text: &str) -> Result<Self, SlowRuleError> {
        // From the end: a topic's name may have the sign in it, a policy has not.
        let (name, policy) = text.rsplit_once('=').ok_or(SlowRuleError::Form)?;
        let policy =
            SlowPolicy::from_str(policy, false).map_err(|_| SlowRuleError::Policy(policy.to_owned()))?;
        let (name, prefix) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
        if !prefix || !name.is_empty() {
            name.parse::<TopicName>()?;
        }
        Ok(Self { name: name.to_owned(), prefix, policy })
    }
}

impl fmt::Display for SlowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = self.policy.to_possible_value().expect("no policy is hidden");
        write!(f, "{}{}={}", self.name, if self.prefix { "*" } else { "" }, policy.get_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(rules: &[&str]) -> SlowPolicies {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        SlowPolicies { default: SlowPolicy::Gap, rules }
    }

    fn of(policies: &SlowPolicies, topic: &str) -> SlowPolicy {
        policies.of(&topic.parse().unwrap())
    }

    #[test]
    fn the_first_rule_that_fits_holds() {
        let policies = policies(&["prices/gold=gap", "prices/*=latest", "*=disconnect"]);
        assert_eq!(of(&policies, "prices/gold"), SlowPolicy::Gap);
        assert_eq!(of(&policies, "prices/gold/spot"), SlowPolicy::Latest);
        assert_eq!(of(&policies, "prices"), SlowPolicy::Disconnect);
        assert_eq!(of(&SlowPolicies::default(), "prices"), SlowPolicy::Gap);
    }

    #[test]
    fn a_rule_is_shown_as_it_is_typed() {
        for text in ["a=gap", "a/*=latest", "*=disconnect", "a=b=gap"] {
            assert_eq!(text.parse::<SlowRule>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rule_is_explained() {
        let error = |text: &str| text.parse::<SlowRule>().unwrap_err().to_string();
        assert_eq!(error("a"), "write TOPIC=POLICY, such as prices/*=latest");
        assert_eq!(error("a=fast"), "\"fast\" is no policy: write gap, latest or disconnect");
        assert!(error("=gap").contains("is empty"));
    }
}
