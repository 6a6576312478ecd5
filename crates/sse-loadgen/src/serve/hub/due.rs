//! What time brings: heartbeats, the end of delays, and the steps of finite streams.

use std::time::{Duration, Instant};

use crate::serve::connection::{Gone, State};
use crate::serve::frame::HEARTBEAT;
use crate::serve::timers::{Due, Timer};
use crate::serve::tokens::Step;

use super::{Hub, MAX_WAITING};

/// Timers that are served before sockets have their turn.
const TIMERS: usize = 4096;

/// After how long a client that does not read its tokens is looked at again.
const STALLED: Duration = Duration::from_millis(10);

impl Hub {
    /// How long nothing is to be done unless a socket is ready.
    pub(in crate::serve) fn idle_until(&self) -> Instant {
        if !self.again.is_empty() {
            return self.now;
        }
        self.timers.next().map_or(self.sweep, |next| next.min(self.sweep))
    }

    /// Does what is due by now.
    pub(in crate::serve) fn fire(&mut self) {
        for _ in 0..TIMERS {
            let Some(timer) = self.timers.take(self.now) else { break };
            let key = timer.key;
            if let Err(gone) = self.serve_timer(timer) {
                self.close(key, gone);
            }
        }
        if self.sweep <= self.now {
            self.heartbeats();
        }
    }

    fn serve_timer(&mut self, timer: Timer) -> Result<(), Gone> {
        let connection = self.connections.get_mut(timer.key).filter(|other| other.serial == timer.serial);
        match (timer.due, connection) {
            (Due::Event { .. }, None) => self.delivery.given_up(),
            (Due::Event { id, frame }, Some(connection)) => {
                connection.wrote = self.now;
                self.delivery.late(connection, id, &frame)?;
            }
            (Due::Token, None) => {}
            (Due::Token, Some(_)) => self.token(timer.key)?,
        }
        Ok(())
    }

    fn token(&mut self, key: usize) -> Result<(), Gone> {
        let connection = &mut self.connections[key];
        let State::Tokens(tokens) = &mut connection.state else { return Ok(()) };
        if connection.out.waiting() > MAX_WAITING {
            self.timers.add(self.now + STALLED, key, connection.serial, Due::Token);
            return Ok(());
        }
        match tokens.step() {
            Step::Token(bytes) => {
                self.timers.add(tokens.due(), key, connection.serial, Due::Token);
                connection.out.send(&bytes)?;
            }
            Step::Last(bytes) => {
                connection.out.queue(&bytes);
                connection.wrote = self.now;
                connection.state = State::Closing { ended: false };
                self.settle(key)?;
            }
        }
        Ok(())
    }

    /// One look at all connections, instead of a timer for each: streams that are idle get a comment, and those whose
    /// clients were to close them are closed.
    fn heartbeats(&mut self) {
        let heartbeat = self.config.heartbeat;
        // Often enough that none is much later than asked for, seldom enough to cost nothing.
        self.sweep = self.now + (heartbeat / 16).clamp(Duration::from_millis(1), Duration::from_secs(1));
        let mut gone = Vec::new();
        for (key, connection) in &mut self.connections {
            if self.now.duration_since(connection.wrote) < heartbeat {
                continue;
            }
            match connection.state {
                State::Stream(_) if connection.out.waiting() == 0 => {
                    connection.wrote = self.now;
                    gone.extend(connection.out.send(HEARTBEAT).is_err().then_some(key));
                }
                State::Closing { .. } => gone.push(key),
                State::Requests | State::Stream(_) | State::Tokens(_) => {}
            }
        }
        gone.into_iter().for_each(|key| self.close(key, Gone::Ended));
    }
}
