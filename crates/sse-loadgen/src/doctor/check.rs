//! One limit, and what it means for so many clients.

use serde::Serialize;

/// A limit that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is limited, in a word or two.
    pub name: &'static str,
    /// How it stands.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The figures, in a sentence.
    pub said: String,
    /// The line to type that fixes it, if there is something to fix and such a line.
    pub fix: Option<String>,
}

/// How a limit stands to what is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "most", rename_all = "snake_case")]
pub enum Verdict {
    /// It is high enough.
    Ok,
    /// It stops nobody, but the run will show it rather than the server.
    TooLow,
    /// So many clients are possible, and no more.
    LimitsTo(u64),
}

impl Verdict {
    pub(super) fn allows(self, clients: u32) -> bool {
        match self {
            Self::Ok | Self::TooLow => true,
            Self::LimitsTo(most) => most >= u64::from(clients),
        }
    }

    /// Stops whoever is beyond the most.
    pub(super) fn up_to(most: u64, clients: u32) -> Self {
        if most >= u64::from(clients) { Self::Ok } else { Self::LimitsTo(most) }
    }

    /// Hurts if there is less than enough.
    pub(super) fn at_least(enough: u64, there_is: u64) -> Self {
        if there_is >= enough { Self::Ok } else { Self::TooLow }
    }
}

impl Check {
    /// A fix is only for what is not well.
    pub(super) fn new(name: &'static str, verdict: Verdict, said: String, fix: Option<String>) -> Self {
        Self { name, verdict, said, fix: fix.filter(|_| verdict != Verdict::Ok) }
    }
}
