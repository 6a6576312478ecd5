//! How clients come to an end, and back.

use super::client::{Client, Phase};
use super::connect::{abort, keep_little};
use super::pool::Pool;
use super::timers::What;
use crate::account::Account;
use crate::account::reconnect::Ending;
use crate::worker::orders::{Coming, Pace};

impl Pool {
    /// The stream is there.
    pub(super) fn opened(&mut self, index: usize, now: u64) {
        if self.clients[index].pace != Pace::Full {
            self.slow_down(index, now);
        }
        let Coming::Ramp { lifetime: Some(mean), .. } = self.assignment.coming else { return };
        // Exponentially distributed: whoever has stayed long is no likelier to leave than who has just come.
        let lifetime = -(1.0 - self.rng.f64()).ln() * mean as f64;
        self.later(index, now.saturating_add(lifetime as u64), What::Leave);
    }

    /// The attempt or the stream is over; what follows is what `EventSource` does.
    pub(super) fn over(&mut self, index: usize, ending: &Ending, now: u64) {
        let client = &mut self.clients[index];
        let was_open = client.is_open();
        client.socket = None;
        client.decoder = None;
        client.rest = Vec::new();
        self.recorder.closed(&mut client.account, was_open, ending);
        if matches!(self.assignment.coming, Coming::Requests { .. }) {
            self.recorder.answered(&client.account, was_open, ending, now);
            client.phase = Phase::Gone;
            self.free.push(index as u32);
            return;
        }
        if !ending.comes_back() || !self.assignment.reconnect.enabled {
            client.phase = Phase::Gone;
            self.recorder.record.counts.stopped += 1;
            return;
        }
        client.phase = Phase::Away;
        let wait = self.assignment.reconnect.wait(client.retry, &mut self.rng);
        self.later(index, now + wait, What::Return);
    }

    /// When an attempt that begins now must have a head, or, if it is about one answer, all of it.
    pub(super) fn deadline(&self, now: u64) -> u64 {
        match self.assignment.coming {
            Coming::Ramp { .. } => now + self.assignment.connect_timeout,
            Coming::Requests { timeout, .. } => now + timeout,
        }
    }

    /// Whether a deadline that has passed was missed.
    pub(super) fn has_run_out(&self, client: &Client) -> bool {
        client.is_active() && (!client.is_open() || matches!(self.assignment.coming, Coming::Requests { .. }))
    }

    /// The end of the client's time. Somebody new comes in its place.
    pub(super) fn leave(&mut self, index: usize, now: u64) {
        let client = &mut self.clients[index];
        if client.phase == Phase::Gone {
            return;
        }
        // Or else its stream broke, and it was about to come back.
        if client.is_active() {
            let was_open = client.is_open();
            self.recorder.closed(&mut client.account, was_open, &Ending::Left);
        }
        self.recorder.left(&mut client.account, now);
        let Account { client: number, topic, .. } = client.account;
        let next = Client {
            // What was due for the one who left is void.
            attempt: client.attempt.wrapping_add(1),
            stamped: client.stamped,
            ..Client::new(Account::new(number, topic))
        };
        *client = next;
        self.recorder.planned(&mut self.clients[index].account, now);
        self.later(index, now, What::Return);
    }

    /// Closes so many streams as the network would.
    pub(super) fn cut(&mut self, share: f64, now: u64) {
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            if !client.is_open() || self.rng.f64() >= share {
                continue;
            }
            self.recorder.cut(&mut client.account, now);
            if let Some(socket) = client.socket.take() {
                abort(socket);
            }
            self.over(index, &Ending::Severed, now);
        }
    }

    /// Changes how fast some read: those between two shares of each thousand clients.
    pub(super) fn restrain(&mut self, share: f64, skip: f64, pace: Pace, now: u64) {
        for index in 0..self.clients.len() {
            let client = &mut self.clients[index];
            if !client.account.is_within(share, skip) {
                continue;
            }
            client.pace = pace;
            client.account.restrained = pace != Pace::Full;
            if client.is_open() {
                self.slow_down(index, now);
            }
        }
    }

    fn slow_down(&mut self, index: usize, now: u64) {
        if let Some(socket) = &self.clients[index].socket {
            keep_little(socket);
        }
        self.later(index, now, What::Read);
    }
}
