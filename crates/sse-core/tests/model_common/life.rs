//! The account of a reader that came, fell behind, left and came back, drawn up when all that was published is known.

use std::collections::BTreeMap;

use super::Seen;

/// What was acknowledged: topic and data under each sequence.
pub(crate) type Acked = BTreeMap<u64, (&'static str, String)>;

/// A reader from its first subscription on, through all that followed.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) topics: &'static [&'static str],
    /// Where it began.
    pub(crate) start: u64,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) enum Step {
    Saw(Seen),
    /// Left, and came back with this position.
    Resumed(u64),
}

impl Life {
    /// Checks that each event of its topics was delivered or announced as lost, once, in order, with the exact number
    /// where one was told (I1 to I4), up to the very last if it was told that nothing follows (I9).
    ///
    /// Where the number was not told, a gap may be one without a loss: whoever asks for a past that is forgotten gets
    /// the benefit of the doubt.
    pub(crate) fn check(&self, acked: &Acked) {
        let mut account = Account {
            acked,
            through: self.topics.iter().map(|name| (*name, self.start)).collect(),
            position: self.start,
        };
        for step in &self.steps {
            let fine = match step {
                Step::Resumed(position) => account.resume(*position),
                Step::Saw(Seen::Event { sequence, data }) => account.deliver(*sequence, data),
                Step::Saw(Seen::Lagged { topic, after, before, missed }) => {
                    let topic = topic.as_deref().unwrap_or(self.topics[0]);
                    account.lose(topic, *after, *before, *missed)
                }
                Step::Saw(Seen::Ended) => Ok(()),
                Step::Saw(Seen::Closed) => account.resume(u64::MAX),
            };
            if let Err(fault) = fine {
                panic!("{fault}, at {step:?} of {self:?}");
            }
        }
    }

    pub(crate) fn gaps(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Saw(Seen::Lagged { .. }))).count()
    }
}

struct Account<'a> {
    acked: &'a Acked,
    /// Up to where each topic is accounted for.
    through: BTreeMap<&'static str, u64>,
    position: u64,
}

impl Account<'_> {
    fn deliver(&mut self, sequence: u64, data: &str) -> Result<(), String> {
        let Some((topic, published)) = self.acked.get(&sequence) else {
            return Err(format!("{sequence} was never acknowledged"));
        };
        if published != data {
            return Err(format!("{sequence} was published as {published:?}"));
        }
        if sequence <= self.position {
            return Err(format!("not above {}", self.position));
        }
        self.owe_nothing(sequence - 1)?;
        self.position = sequence;
        self.advance(topic, sequence)
    }

    fn lose(
        &mut self,
        topic: &str,
        after: Option<u64>,
        before: u64,
        missed: Option<u64>,
    ) -> Result<(), String> {
        let Some(after) = after.filter(|after| (self.position..before).contains(after)) else {
            return Err(format!("a gap out of its place, which is behind {}", self.position));
        };
        let lost = self.between(topic, before - 1);
        if missed.is_some() && (missed != lost || missed == Some(0)) {
            return Err(format!("{lost:?} events of {topic} were lost"));
        }
        self.owe_nothing(after)?;
        self.position = after;
        self.advance(topic, before - 1)
    }

    /// What was announced as lost ahead of `position` will be announced again.
    fn resume(&mut self, position: u64) -> Result<(), String> {
        self.owe_nothing(position)?;
        self.position = position;
        self.through.values_mut().for_each(|through| *through = position);
        Ok(())
    }

    /// Checks that every event up to there was delivered or announced as lost, of whichever topic: only then may a
    /// reader resume from there.
    fn owe_nothing(&self, through: u64) -> Result<(), String> {
        for topic in self.through.keys() {
            match self.between(topic, through) {
                Some(0) => {}
                silent => return Err(format!("{silent:?} events of {topic} were passed over in silence")),
            }
        }
        Ok(())
    }

    /// How many events of the topic lie behind what is accounted for, up to `last`; none if it is not one of ours.
    fn between(&self, topic: &str, last: u64) -> Option<u64> {
        let through = *self.through.get(topic)?;
        let owed =
            self.acked.range(through.saturating_add(1)..).take_while(|(sequence, _)| **sequence <= last);
        Some(owed.filter(|(_, (of, _))| *of == topic).count() as u64)
    }

    fn advance(&mut self, topic: &str, to: u64) -> Result<(), String> {
        let through = self.through.get_mut(topic).ok_or("a topic that it does not read")?;
        *through = to;
        Ok(())
    }
}
