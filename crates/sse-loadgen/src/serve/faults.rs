//! What may go wrong on purpose: at most one fault for each event and subscriber, decided by a seeded generator, so that
//! the counts of the faults are disjoint.

use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;
use thiserror::Error;

use crate::stamp::Stamp;

/// What a damaged byte turns into: nothing that could end a line, or that a JSON string would have to escape.
const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Bytes at the start of the data that are never damaged: without its mark, a stamp would not be one.
const MARK: usize = 5;

/// How often to look for a byte whose change is noticed. With a stamp that is half of the data, or more, one look in a
/// billion finds none.
const ATTEMPTS: u32 = 30;

/// The probability of each fault, per event and subscriber; together at most 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Not sent.
    pub drop: f64,
    /// Sent twice in a row.
    pub duplicate: f64,
    /// Held back until the subscriber was sent a later event whole.
    pub reorder: f64,
    /// Sent with one byte of the data changed.
    pub corrupt: f64,
    /// Sent later by `delay_by`, whatever else is sent until then.
    pub delay: f64,
    /// How much later.
    pub delay_by: Duration,
    /// What the generator starts from: the same seed gives the same sequence of decisions.
    pub seed: u64,
}

/// Probabilities that are none.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum FaultsError {
    /// One is outside its range.
    #[error("the probability of a fault is from 0 to 1, not {0}")]
    NotAProbability(f64),
    /// An event suffers one fault at most, so they cannot all be that likely.
    #[error("the probabilities of all faults come to {0}, more than 1; an event suffers at most one of them")]
    MoreThanOne(f64),
}

impl Faults {
    /// Whether the probabilities can hold together.
    ///
    /// # Errors
    ///
    /// One of them is none, or they come to more than 1.
    pub fn check(&self) -> Result<(), FaultsError> {
        let all = self.probabilities();
        if let Some(&wrong) = all.iter().find(|probability| !(0.0..=1.0).contains(*probability)) {
            return Err(FaultsError::NotAProbability(wrong));
        }
        let sum = all.iter().sum();
        // Decimal fractions that come to 1 may come to a little more in binary.
        if sum > 1.0 + 1e-9 { Err(FaultsError::MoreThanOne(sum)) } else { Ok(()) }
    }

    /// Whether anything can go wrong at all.
    #[must_use]
    pub fn any(&self) -> bool {
        self.probabilities().iter().any(|&probability| probability > 0.0)
    }

    fn probabilities(&self) -> [f64; 5] {
        [self.drop, self.duplicate, self.reorder, self.corrupt, self.delay]
    }
}

/// What happens to one event on its way to one subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Whole,
    Drop,
    Duplicate,
    Reorder,
    Corrupt,
    Delay,
}

/// Decides.
#[derive(Debug)]
pub(super) struct Dice {
    faults: Faults,
    random: Rng,
}

impl Dice {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, random: Rng::with_seed(faults.seed) }
    }

    pub(super) fn delay_by(&self) -> Duration {
        self.faults.delay_by
    }

    pub(super) fn roll(&mut self) -> Fate {
        let mut rest = self.random.f64();
        let fates = [Fate::Drop, Fate::Duplicate, Fate::Reorder, Fate::Corrupt, Fate::Delay];
        for (fate, probability) in fates.into_iter().zip(self.faults.probabilities()) {
            if rest < probability {
                return fate;
            }
            rest -= probability;
        }
        Fate::Whole
    }

    /// An event with one byte changed, of those in `data`, its lines of data. None if there is no byte whose change
    /// could be noticed: the data is too short.
    pub(super) fn damage(&mut self, event: &[u8], data: Range<usize>) -> Option<Vec<u8>> {
        let first = data.start + "data: ".len() + MARK;
        if first >= data.end {
            return None;
        }
        let stamped = matches!(Stamp::find(&event[data.clone()]), Ok(Some(_)));
        let mut damaged = event.to_vec();
        for _ in 0..ATTEMPTS {
            let at = self.random.usize(first..data.end);
            if !is_data(event, at) {
                continue;
            }
            damaged[at] = self.other_than(event[at]);
            // What stands around a stamp is not covered by its checksum.
            if !stamped || Stamp::find(&damaged[data.clone()]).is_err() {
                return Some(damaged);
            }
            damaged[at] = event[at];
        }
        None
    }

    /// Not only of another case: hexadecimal digits would stay what they are.
    fn other_than(&mut self, byte: u8) -> u8 {
        loop {
            let other = CHARACTERS[self.random.usize(..CHARACTERS.len())];
            if !other.eq_ignore_ascii_case(&byte) {
                return other;
            }
        }
    }
}

/// Whether this byte is neither a line's end nor of its field's name.
fn is_data(event: &[u8], at: usize) -> bool {
    let line = memchr::memrchr(b'\n', &event[..at]).map_or(0, |end| end + 1);
    event[at] != b'\n' && at - line >= "data: ".len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_as_likely_as_asked_and_repeat() {
        let faults = Faults {
            drop: 0.1,
            duplicate: 0.2,
            reorder: 0.05,
            corrupt: 0.3,
            delay: 0.15,
            ..Faults::default()
        };
        let decide = || {
            let mut dice = Dice::new(faults);
            (0..100_000).map(|_| dice.roll()).collect::<Vec<_>>()
        };
        let fates = decide();
        assert_eq!(fates, decide());
        for (fate, probability) in [
            (Fate::Whole, 0.2),
            (Fate::Drop, 0.1),
            (Fate::Duplicate, 0.2),
            (Fate::Reorder, 0.05),
            (Fate::Corrupt, 0.3),
            (Fate::Delay, 0.15),
        ] {
            let share = fates.iter().filter(|other| **other == fate).count() as f64 / fates.len() as f64;
            assert!((share - probability).abs() < 0.01, "{fate:?}: {share}");
        }
    }

    #[test]
    fn what_is_certain_always_happens_and_what_is_not_set_never() {
        let mut dice = Dice::new(Faults { corrupt: 1.0, ..Faults::default() });
        assert!((0..1000).all(|_| dice.roll() == Fate::Corrupt));
        let mut dice = Dice::new(Faults::default());
        assert!((0..1000).all(|_| dice.roll() == Fate::Whole));
    }

    #[test]
    fn every_damage_to_a_stamp_is_noticed_wherever_the_stamp_stands() {
        let mut dice = Dice::new(Faults::default());
        let mut stamp = Vec::new();
        Stamp { run: 0xABCD, topic: 0, sequence: 7, planned: 1 }.write(90, &mut stamp);
        let stamp = String::from_utf8(stamp).unwrap();
        for data in
            [stamp.clone(), format!("{{\"a\":\"{stamp}\",\"b\":1}}"), format!("first\ndata: {stamp}\ndata: ")]
        {
            let event = format!("7f\r\ndata: {data}\nid: 1\n\n\r\n");
            for _ in 0..2000 {
                let damaged = dice.damage(event.as_bytes(), 4..4 + 6 + data.len()).unwrap();
                assert!(Stamp::find(&damaged).is_err());
                let changed = damaged.iter().zip(event.bytes()).filter(|(new, old)| **new != *old).count();
                assert_eq!((changed, damaged.len()), (1, event.len()));
            }
        }
    }

    #[test]
    fn data_without_a_stamp_is_damaged_and_nothing_else_is() {
        let mut dice = Dice::new(Faults::default());
        let event = b"data: 12345\ndata: ab\nid: 1\n\n";
        for _ in 0..1000 {
            // After the first five only the second line's two bytes are data.
            let damaged = dice.damage(event, 0..20).unwrap();
            assert_eq!([&damaged[..18], &damaged[20..]].concat(), [&event[..18], &event[20..]].concat());
            assert!(damaged != event && damaged[18..20].iter().all(u8::is_ascii_alphanumeric));
        }
        assert_eq!(dice.damage(b"data: 12345\nid: 1\n\n", 0..11), None);
    }

    #[test]
    fn impossible_probabilities_are_refused() {
        let of = |drop, delay| Faults { drop, delay, ..Faults::default() }.check();
        assert_eq!(of(0.9, 0.1), Ok(()));
        assert_eq!(of(0.9, 0.2), Err(FaultsError::MoreThanOne(1.1)));
        for wrong in [-0.1, 1.1, f64::INFINITY] {
            assert_eq!(of(wrong, 0.0), Err(FaultsError::NotAProbability(wrong)));
        }
        assert!(of(f64::NAN, 0.0).is_err());
    }
}
