//! What a token is good for: the claim `mercure`, with lists of topics.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};
use sse_core::TopicName;

/// The claim `mercure`. What is not there is not granted; what else is there means something to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Grant {
    /// Topics that may be published to, and ended.
    pub publish: Topics,
    /// Topics that may be read.
    pub subscribe: Topics,
}

/// A list of topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topics {
    /// `"*"` is in the list.
    All,
    /// These, by their exact names.
    These(HashSet<String>),
}

impl Topics {
    /// Whether a topic is in the list.
    #[must_use]
    pub fn cover(&self, topic: &TopicName) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(topic.as_str()),
        }
    }
}

impl Default for Topics {
    /// None.
    fn default() -> Self {
        Self::These(HashSet::new())
    }
}

impl<'de> Deserialize<'de> for Topics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Option::<HashSet<String>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(if names.contains("*") { Self::All } else { Self::These(names) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(claim: &str) -> Topics {
        serde_json::from_str::<Grant>(claim).unwrap_or_else(|error| panic!("{error}: {claim}")).publish
    }

    fn topic(name: &str) -> TopicName {
        name.parse().unwrap()
    }

    #[test]
    fn a_topic_is_granted_by_its_exact_name() {
        let topics = publish(r#"{"publish": ["news", "a/{id}", "b*"], "subscribe": ["other"]}"#);
        for name in ["news", "a/{id}", "b*"] {
            assert!(topics.cover(&topic(name)), "{name}");
        }
        for name in ["News", "new", "news/", "a/1", "bc", "b", "other", "**"] {
            assert!(!topics.cover(&topic(name)), "{name}");
        }
    }

    #[test]
    fn a_star_is_every_topic() {
        assert!(publish(r#"{"publish": ["a", "*"]}"#).cover(&topic("any/thing")));
    }

    #[test]
    fn what_is_not_there_grants_nothing() {
        for claim in ["{}", r#"{"publish": []}"#, r#"{"publish": null}"#, r#"{"subscribe": ["*"]}"#] {
            assert_eq!(publish(claim), Topics::default(), "{claim}");
            assert!(!publish(claim).cover(&topic("a")), "{claim}");
        }
    }

    #[test]
    fn what_is_no_list_of_names_is_refused() {
        for claim in [r#"{"publish": "*"}"#, r#"{"publish": [1]}"#, r#"{"subscribe": [{"match": "*"}]}"#, "1"]
        {
            assert!(serde_json::from_str::<Grant>(claim).is_err(), "{claim}");
        }
    }
}
