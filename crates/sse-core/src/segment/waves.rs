//! The end, in waves: who of a segment is told next that the broadcaster has closed.
//!
//! Those who are there when the segment learns of the close are told in the order of their keys, as many as the time
//! that has passed is a part of the window. Whoever comes later is told at once: there is nothing to wait for.

use std::time::Instant;

use super::state::State;
use crate::closing::{Closing, WAVES};

/// See the module.
#[derive(Debug)]
pub(super) struct Waves {
    plan: Closing,
    /// Those who have not been told; the next one is last.
    waiting: Vec<usize>,
    /// How many they were when the plan was made.
    total: u64,
}

impl Waves {
    /// How many have their turn in so many waves.
    fn share(&self, waves: u64) -> u64 {
        (u128::from(self.total) * u128::from(waves) / u128::from(WAVES)) as u64
    }

    /// When the next one has its turn; none when nobody waits.
    fn next(&self) -> Option<Instant> {
        let released = self.total - self.waiting.len() as u64;
        (!self.waiting.is_empty()).then(|| {
            let wave = (u128::from(released + 1) * u128::from(WAVES)).div_ceil(u128::from(self.total));
            self.plan.at(wave as u64)
        })
    }
}

impl<S> State<S> {
    /// Adopts what the broadcaster says of its end. A plan that replaces another is for those who still wait.
    pub(super) fn close(&mut self, plan: Closing) {
        let waiting = match self.waves.take() {
            Some(waves) => waves.waiting,
            None => self.subscribers.iter().map(|(key, _)| key).rev().collect(),
        };
        self.closing = Some(plan);
        self.waves = Some(Waves { plan, total: waiting.len() as u64, waiting });
    }

    /// Has those told whose turn it is. Costs as much as they are many.
    pub(super) fn release(&mut self, now: Instant) {
        let Some(mut waves) = self.waves.take() else { return };
        let left = waves.total - waves.share(waves.plan.waves(now));
        while waves.waiting.len() as u64 > left {
            let Some(key) = waves.waiting.pop() else { break };
            // Its place may be free, or belong to somebody who came later and knows already.
            if let Some(subscriber) = self.subscribers.get_mut(key).filter(|it| !it.released) {
                subscriber.released = true;
                self.queue(key);
            }
        }
        self.waves = Some(waves);
    }

    /// When [`release`](Self::release) has something to do again.
    pub(super) fn next_wave(&self) -> Option<Instant> {
        // Whoever is left in the list of an empty segment has left by himself.
        self.waves.as_ref().filter(|_| !self.subscribers.is_empty())?.next()
    }
}
