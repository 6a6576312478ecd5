//! Whether a reader can account for every event: one checker for every test in which something goes wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::seen::Received;

/// Everything that was published, by sequence: topic and data.
pub type Published = BTreeMap<u64, (&'static str, String)>;

/// What became of the events of one reader, or of all.
#[derive(Debug, Default)]
pub struct Account {
    /// Events that came.
    pub received: usize,
    /// Events that a gap announced as lost.
    pub missed: usize,
    /// Gaps that said how many events were lost.
    pub counted: usize,
    /// Gaps that did not know.
    pub uncounted: usize,
    /// How often each reason was given.
    pub reasons: HashMap<String, usize>,
}

impl Account {
    /// Adds up.
    pub fn add(&mut self, other: Self) {
        self.received += other.received;
        self.missed += other.missed;
        self.counted += other.counted;
        self.uncounted += other.uncounted;
        for (reason, gaps) in other.reasons {
            *self.reasons.entry(reason).or_default() += gaps;
        }
    }
}

/// The data of `sse.gap`.
#[derive(Debug, Deserialize)]
pub struct Gap {
    /// None for all topics of the stream.
    pub topic: Option<String>,
    /// The last event before the lost ones; none if the position was unknown.
    pub after: Option<String>,
    /// The first event behind the lost ones.
    pub before: String,
    /// None if nobody knows.
    pub missed: Option<usize>,
    /// Such as `slow`.
    pub reason: String,
}

/// Goes through what a reader saw, and fails unless every event is in it: received once, in the order of the sequences
/// and with its data, or within a gap whose number is right.
///
/// `connections` is what each of its connections gave, in the order in which it made them. All ids are of one epoch.
///
/// # Errors
/// With what is wrong.
pub fn account(connections: &[Vec<Received>], published: &Published) -> Result<Account> {
    let mut account = Account::default();
    let (mut received, mut missed, mut last) = (HashSet::new(), HashSet::new(), None);
    for connection in connections {
        // Who resumes from within a gap is told of the rest of it again.
        let mut told = HashSet::new();
        for event in connection {
            let at = sequence(&event.id)?;
            match event.name.as_str() {
                "message" => {
                    ensure!(last.replace(at).is_none_or(|last| last < at), "{at} comes too late");
                    let expected = published.get(&at).context("nobody published this")?;
                    ensure!(expected.1 == event.data, "the data of {at} differs: {:?}", event.data);
                    received.insert(at);
                }
                "sse.gap" => {
                    let gap: Gap = serde_json::from_str(&event.data)?;
                    let lost = gap.lost(published)?;
                    let lost: Vec<_> = lost.filter(|at| !received.contains(at) && told.insert(*at)).collect();
                    let is_right = gap.missed.is_none_or(|number| number == lost.len());
                    ensure!(is_right, "{} were lost in {gap:?}", lost.len());
                    missed.extend(lost);
                    *(if gap.missed.is_some() { &mut account.counted } else { &mut account.uncounted }) += 1;
                    *account.reasons.entry(gap.reason).or_default() += 1;
                }
                "sse.end" => {}
                other => bail!("unexpected {other}"),
            }
        }
    }
    let both = received.intersection(&missed).next();
    ensure!(both.is_none(), "received, and announced as missed: {both:?}");
    let neither = published.keys().find(|at| !received.contains(at) && !missed.contains(at));
    ensure!(neither.is_none(), "lost in silence: {neither:?}");
    (account.received, account.missed) = (received.len(), missed.len());
    Ok(account)
}

impl Gap {
    /// The events that it may stand for.
    fn lost<'p>(&self, published: &'p Published) -> Result<impl Iterator<Item = u64> + use<'_, 'p>> {
        let after = self.after.as_deref().context("a position of this epoch")?;
        let range = published.range(sequence(after)? + 1..sequence(&self.before)?);
        let of_topic = |topic: &str| self.topic.as_ref().is_none_or(|only| only == topic);
        Ok(range.filter(move |(_, (topic, _))| of_topic(topic)).map(|(at, _)| *at))
    }
}

/// The number in an id.
///
/// # Errors
/// If there is none.
pub fn sequence(id: &str) -> Result<u64> {
    Ok(id.split_once('-').with_context(|| format!("{id:?} is no id"))?.1.parse()?)
}
