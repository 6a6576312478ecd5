//! What goes over a connection of the raw publisher: a request for each event ([`Pipeline`](super::pipeline)), or a
//! request that lasts and carries many ([`Stream`](super::stream)).

use std::fmt;

use super::account::Cause;
use super::answers::Malformed;
use super::pipeline::Work;

/// The events of one connection, in their order. No input or output of its own, and it survives the connection.
pub(super) trait Traffic: fmt::Debug + Send {
    /// No more events become due than are now: what was kept open for them can be ended.
    fn finish(&mut self) {}

    /// What is to be written now, from the events below `due`; nothing if none may leave.
    fn output(&mut self, due: u64, work: &mut Work) -> &[u8];

    /// The socket took so many bytes of the output.
    fn wrote(&mut self, bytes: usize, now: u64, work: &mut Work);

    /// Takes what came, and says whether the connection goes on.
    ///
    /// # Errors
    ///
    /// It is no answer, or nothing was asked.
    fn input(&mut self, input: &[u8], now: u64, work: &mut Work) -> Result<bool, Malformed>;

    /// When the oldest answer is overdue.
    fn expires(&self, work: &Work) -> Option<u64>;

    /// The oldest answer is overdue, and without it nothing is known of what came behind it.
    fn expire(&mut self, now: u64, work: &mut Work);

    /// The connection is gone. Says whether it was of any use.
    ///
    /// Nothing of which a byte has left is sent again: the server may have it.
    fn disconnected(&mut self, cause: Cause, work: &mut Work) -> bool;

    /// When the next event has waited too long for a connection.
    fn gives_up(&self, due: u64, work: &Work) -> Option<u64>;

    /// Gives up events that waited too long for a connection.
    fn give_up(&mut self, due: u64, now: u64, work: &mut Work);

    /// Whether there is nothing to send below `due` and nothing to wait for.
    fn is_idle(&self, due: u64) -> bool;

    /// Accounts for what is left of the events below `due`.
    fn close(&mut self, due: u64, work: &mut Work);
}
