//! The parser that is watched: eventsource-stream, fed chunk by chunk, and kept from taking the worker with it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Once;
use std::task::{Context, Poll};

use eventsource_stream::{Event, EventStream, Eventsource};
use futures_util::{FutureExt, Stream, StreamExt};

/// One stream's. `B` is what chunks are held in.
pub(super) struct Parser<B> {
    chunks: Chunks<B>,
    /// None once it has panicked or given up.
    events: Option<EventStream<Chunks<B>>>,
}

struct Chunks<B>(Rc<RefCell<VecDeque<B>>>);

impl<B: AsRef<[u8]>> Parser<B> {
    pub(super) fn new() -> Self {
        keep_panics_quiet();
        let queue = Rc::new(RefCell::default());
        Self { chunks: Chunks(Rc::clone(&queue)), events: Some(Chunks(queue).eventsource()) }
    }

    /// Takes what came next. Ask for its events then.
    pub(super) fn push(&mut self, chunk: B) {
        if self.events.is_some() {
            self.chunks.0.borrow_mut().push_back(chunk);
        }
    }

    /// The next event that is complete; none if there is not enough, or it will give no more.
    pub(super) fn next(&mut self) -> Option<Event> {
        let events = self.events.as_mut()?;
        PARSING.set(true);
        // It is dropped if it panics, so that nobody sees what state it is in.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| events.next().now_or_never()));
        PARSING.set(false);
        match outcome {
            Ok(None) => None,
            Ok(Some(Some(Ok(event)))) => Some(event),
            Ok(Some(_)) | Err(_) => {
                self.give_up();
                None
            }
        }
    }

    /// It takes nothing any more, and holds nothing.
    pub(super) fn give_up(&mut self) {
        self.events = None;
        self.chunks.0.borrow_mut().clear();
    }
}

impl<B> Stream for Chunks<B> {
    type Item = Result<B, Infallible>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Nobody is woken: it is asked again after every chunk.
        self.0.borrow_mut().pop_front().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok(chunk))))
    }
}

thread_local! {
    static PARSING: Cell<bool> = const { Cell::new(false) };
}

/// What it panics at is counted; thousands of backtraces would say no more.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !PARSING.get() {
                usual(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(chunks: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::new();
        let mut all = Vec::new();
        for chunk in chunks {
            parser.push(chunk.to_vec());
            all.extend(std::iter::from_fn(|| parser.next()).map(|event| event.data));
        }
        all
    }

    #[test]
    fn events_come_with_the_chunk_that_completes_them() {
        assert_eq!(parsed(&[b"data: a\n\ndata: b\n\nda", b"ta: c\n", b"\n"]), ["a", "b", "c"]);
    }

    /// If this fails, the crate has been mended, and what is said of it elsewhere is to be taken back.
    #[test]
    fn it_misbehaves_as_it_is_said_to() {
        assert!(parsed(&[b"\xEF\xBB\xBFdata: a\n\n", b"data: b\n\n"]).is_empty(), "a byte order mark");
        assert_eq!(parsed(&[b"data: a\n\n", b": \xFF\n", b"data: b\n\n"]), ["a"], "no UTF-8");
        assert_eq!(parsed(&[b"data: a\r\r", b"data: b\r\r"]), ["a"], "lines that end with CR");
    }
}
