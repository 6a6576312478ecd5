//! What a connection is doing: shared between its [`Transport`](super::Transport) and its handlers.
//!
//! The transport opens a request (`Idle` to `Head`). The server marks the request as started, and as answered
//! when its guard is dropped; a handler that answers with an open stream holds a [`StreamGuard`] in its body.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Instant;

use actix_http::Request;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::{HttpMessage, HttpRequest};
use tracing::field::{DisplayValue, display};

use super::TakeOver;

/// Where a connection is in the life of its current request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Between requests.
    Idle,
    /// Part of a request head has been read.
    Head,
    /// A handler has the request.
    Handling,
    /// The answer is an event stream that is still open.
    Streaming,
}

/// The state of one connection. Handlers find it with [`Connection::of`].
///
/// Never leaves its worker's thread; every method is constant time.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: Option<SocketAddr>,
    mode: Cell<Mode>,
    /// The mode was set since the transport last asked.
    mode_changed: Cell<bool>,
    /// Bytes of the request body that may still be read.
    body_left: Cell<u64>,
    /// The current request reached actix together with the one before it.
    pipelined: Cell<bool>,
    /// The connection's task, when it waits to read: to be woken when the mode changes, whatever the socket does.
    reader: RefCell<Option<Waker>>,
    /// Since when the socket has not taken all that there was to write.
    blocked_since: Cell<Option<Instant>>,
    /// Bytes that were waiting for the socket when it last took no more.
    unsent: Cell<usize>,
    /// When the oldest event was published that is on its way to the socket.
    published: Cell<Option<Instant>>,
    evicted: Cell<bool>,
    /// The socket can be given away.
    can_leave: bool,
    departure: RefCell<Option<TakeOver>>,
}

impl Connection {
    pub(crate) fn new(peer: Option<SocketAddr>, can_leave: bool) -> Self {
        Self {
            peer,
            mode: Cell::new(Mode::Idle),
            mode_changed: Cell::new(false),
            body_left: Cell::new(0),
            pipelined: Cell::new(false),
            reader: RefCell::new(None),
            blocked_since: Cell::new(None),
            unsent: Cell::new(0),
            published: Cell::new(None),
            evicted: Cell::new(false),
            can_leave,
            departure: RefCell::new(None),
        }
    }

    /// The connection that `request` came on; `None` under somebody else's `HttpServer`, and in unit tests.
    ///
    /// Over HTTP/2, which has many requests on one connection, each has a `Connection` of its own: its stream.
    pub(crate) fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        let of_socket = request.conn_data::<Rc<Self>>().cloned();
        of_socket.or_else(|| request.extensions().get().cloned())
    }

    /// The same, outside of the application.
    pub(crate) fn of_request(request: &Request) -> Option<Rc<Self>> {
        let of_socket = request.conn_data::<Rc<Self>>().cloned();
        of_socket.or_else(|| request.extensions().get().cloned())
    }

    /// The client's address.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Says that the answer to the current request is an open event stream, until the guard is dropped.
    ///
    /// From now on one byte from the client ends the connection, and so does the end of its side. Call it
    /// before the handler returns its response, and keep the guard in the body.
    #[must_use = "the stream is open for as long as the guard lives"]
    pub(crate) fn begin_stream(self: &Rc<Self>) -> StreamGuard {
        self.switch(Mode::Streaming);
        StreamGuard(Rc::clone(self))
    }

    /// Whether the socket may [leave](Self::depart) with the current request's stream. Not if actix holds another
    /// request behind that.
    pub(crate) fn may_depart(&self) -> bool {
        self.can_leave && !self.was_pipelined()
    }

    /// Gives the socket to `take_over` when all is written that actix has been given so far. actix then ends its part of
    /// the connection; the body is dropped. If the connection ends before, so does `take_over`, uncalled.
    pub(crate) fn depart(&self, take_over: TakeOver) {
        debug_assert!(self.may_depart());
        self.departure.replace(Some(take_over));
    }

    pub(super) fn take_departure(&self) -> Option<TakeOver> {
        self.departure.take()
    }

    /// Says that a handler is about to get the request with these headers; it is answered, or has become a
    /// stream, when the guard is dropped.
    ///
    /// Answered means that the handler returned. actix has buffered a body of known size by the time it reads
    /// again; an answer that takes longer is a stream and says so.
    pub(crate) fn begin_request(self: &Rc<Self>, headers: &HeaderMap) -> RequestGuard {
        // The transport hands out one head at a time, except behind a chunked body, whose end only actix sees.
        self.pipelined.set(self.mode.get() != Mode::Head);
        self.body_left.set(body_length(headers));
        self.switch(Mode::Handling);
        RequestGuard(Rc::clone(self))
    }

    /// Ends the connection without another byte, whether or not anybody polls its body. The next read or write fails.
    pub(crate) fn evict(&self) {
        self.evicted.set(true);
        self.wake_reader();
    }

    /// Since when the client has not taken all that it was sent; `None` if it has.
    pub(crate) fn blocked_since(&self) -> Option<Instant> {
        self.blocked_since.get()
    }

    /// Bytes that wait, in the server, for a client that is blocked.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent.get()
    }

    /// What was published at this time is on its way to the socket.
    pub(crate) fn on_its_way(&self, published: Instant) {
        self.published.set(Some(self.published.get().map_or(published, |older| older.min(published))));
    }

    pub(crate) fn take_published(&self) -> Option<Instant> {
        self.published.take()
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.get()
    }

    /// The socket takes no more. `unsent` is 0 where the caller does not know what waits, such as a flush, which is told
    /// nothing of what TLS holds: then what was said last still is.
    pub(crate) fn blocked(&self, unsent: usize) {
        if unsent > 0 {
            self.unsent.set(unsent);
        }
        if self.blocked_since.get().is_none() {
            self.blocked_since.set(Some(Instant::now()));
        }
    }

    pub(crate) fn unblocked(&self) {
        self.unsent.set(0);
        self.blocked_since.set(None);
    }

    /// Wakes nobody: it is the reader itself who begins a head.
    pub(super) fn begin_head(&self) {
        self.set_mode(Mode::Head);
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode.get()
    }

    /// Whether the mode was set since the last call, were it to what it was before: a handler that awaits nothing
    /// takes a connection through several modes between two reads.
    pub(super) fn take_mode_change(&self) -> bool {
        self.mode_changed.take()
    }

    /// How much of `wanted` the rest of the body allows.
    pub(super) fn body_due(&self, wanted: usize) -> usize {
        usize::try_from(self.body_left.get()).map_or(wanted, |left| left.min(wanted))
    }

    /// The same for a body whose handler is done. Of a chunked one only actix knows where it ends.
    pub(super) fn rest_of_body(&self, wanted: usize) -> usize {
        if self.body_left.get() == u64::MAX { 0 } else { self.body_due(wanted) }
    }

    pub(super) fn body_read(&self, read: usize) {
        if self.body_left.get() != u64::MAX {
            self.body_left.set(self.body_left.get().saturating_sub(read as u64));
        }
    }

    /// True if actix may hold more requests behind the current one, which an open stream would keep for ever.
    pub(super) fn was_pipelined(&self) -> bool {
        self.pipelined.get()
    }

    /// Wakes the connection's task when the mode changes, or on [`wake_reader`](Self::wake_reader).
    pub(crate) fn park_reader(&self, cx: &Context<'_>) {
        self.reader.replace(Some(cx.waker().clone()));
    }

    pub(super) fn wake_reader(&self) {
        let reader = self.reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub(crate) fn peer_for_log(&self) -> Option<DisplayValue<SocketAddr>> {
        self.peer.map(display)
    }

    fn switch(&self, mode: Mode) {
        self.set_mode(mode);
        self.wake_reader();
    }

    fn set_mode(&self, mode: Mode) {
        self.mode.set(mode);
        self.mode_changed.set(true);
    }
}

/// Lives in the body of an open event stream; see [`Connection::begin_stream`].
#[derive(Debug)]
pub(crate) struct StreamGuard(Rc<Connection>);

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.switch(Mode::Idle);
    }
}

/// Lives while a handler has the request; see [`Connection::begin_request`].
#[derive(Debug)]
pub(crate) struct RequestGuard(Rc<Connection>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if self.0.mode() == Mode::Handling {
            self.0.switch(Mode::Idle);
        }
    }
}

/// What actix will read as the body (RFC 9112 section 6.3). It has refused what is ambiguous by now.
fn body_length(headers: &HeaderMap) -> u64 {
    if headers.contains_key(TRANSFER_ENCODING) {
        return u64::MAX;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|digits| digits.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    fn connection_with_head() -> Rc<Connection> {
        let connection = Rc::new(Connection::new(None, false));
        connection.begin_head();
        connection
    }

    #[test]
    fn a_request_without_a_body_lets_nothing_more_through() {
        let connection = connection_with_head();
        let _request = connection.begin_request(&HeaderMap::new());
        assert_eq!(connection.body_due(4096), 0);
    }

    #[test]
    fn a_body_of_known_length_lets_exactly_that_through() {
        let connection = connection_with_head();
        let _request = connection.begin_request(&headers(CONTENT_LENGTH, "5000"));
        assert_eq!(connection.body_due(4096), 4096);
        connection.body_read(4096);
        assert_eq!(connection.body_due(4096), 904);
        connection.body_read(904);
        assert_eq!(connection.body_due(4096), 0);
    }

    #[test]
    fn a_chunked_body_has_no_length_here() {
        let connection = connection_with_head();
        let _request = connection.begin_request(&headers(TRANSFER_ENCODING, "chunked"));
        connection.body_read(1 << 30);
        assert_eq!(connection.body_due(4096), 4096);
    }

    #[test]
    fn a_flush_does_not_unsay_what_waits() {
        let connection = Connection::new(None, false);
        connection.blocked(4096);
        connection.blocked(0);
        assert_eq!(connection.unsent(), 4096);
        connection.blocked(100);
        assert_eq!(connection.unsent(), 100);
        connection.unblocked();
        assert_eq!((connection.unsent(), connection.blocked_since()), (0, None));
    }

    #[test]
    fn an_answered_request_leaves_the_connection_idle() {
        let connection = connection_with_head();
        drop(connection.begin_request(&HeaderMap::new()));
        assert_eq!(connection.mode(), Mode::Idle);
    }

    #[test]
    fn a_stream_outlives_its_request() {
        let connection = connection_with_head();
        let request = connection.begin_request(&HeaderMap::new());
        let stream = connection.begin_stream();
        drop(request);
        assert_eq!(connection.mode(), Mode::Streaming);
        drop(stream);
        assert_eq!(connection.mode(), Mode::Idle);
    }

    #[test]
    fn a_request_that_the_transport_did_not_hand_out_was_pipelined() {
        let connection = connection_with_head();
        drop(connection.begin_request(&HeaderMap::new()));
        assert!(!connection.was_pipelined());
        let _second = connection.begin_request(&HeaderMap::new());
        assert!(connection.was_pipelined());
    }
}
