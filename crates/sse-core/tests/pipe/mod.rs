//! A sink as a test wants it: into memory, and only as far as there is room.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use sse_core::{Deliveries, Delivery, Progress, Sink};

use crate::common::{Seen, seen};

/// Somewhere to write to that takes only so much: the far end of a [`Writer`].
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) bytes: Vec<u8>,
    /// What came that was no run.
    pub(crate) others: Vec<Seen>,
    /// How many more bytes it takes.
    pub(crate) room: usize,
    /// How many deliveries it takes before it lets others have their turn.
    pub(crate) patience: usize,
    pub(crate) calls: usize,
    pub(crate) panics: bool,
}

/// Writes to a pipe, and keeps what that does not take, as a socket's sink does.
pub(crate) struct Writer {
    pipe: Rc<RefCell<Pipe>>,
    rest: Bytes,
    /// Dropped with it.
    _held: Option<Box<dyn Any>>,
}

impl Sink for Writer {
    fn deliver(&mut self, deliveries: &mut Deliveries<'_, Self>) -> Progress {
        let mut pipe = self.pipe.borrow_mut();
        pipe.calls += 1;
        for _ in 0..pipe.patience {
            let fitting = self.rest.len().min(pipe.room);
            pipe.room -= fitting;
            pipe.bytes.extend_from_slice(&self.rest.split_to(fitting));
            if pipe.room == 0 {
                return Progress::Blocked;
            }
            assert!(!pipe.panics, "as it was told");
            match deliveries.next() {
                None => return Progress::Ready,
                Some(Delivery::Frames(run)) => self.rest = run.into_bytes(),
                Some(end @ (Delivery::Ended | Delivery::Closed)) => {
                    pipe.others.extend(seen(&end));
                    return Progress::Gone;
                }
                Some(other) => pipe.others.extend(seen(&other)),
            }
        }
        Progress::More
    }
}

pub(crate) fn pipe(room: usize, patience: usize) -> Rc<RefCell<Pipe>> {
    let pipe = Pipe { bytes: Vec::new(), others: Vec::new(), room, patience, calls: 0, panics: false };
    Rc::new(RefCell::new(pipe))
}

pub(crate) fn open() -> Rc<RefCell<Pipe>> {
    pipe(usize::MAX, usize::MAX)
}

pub(crate) fn writer(pipe: &Rc<RefCell<Pipe>>) -> Writer {
    Writer { pipe: Rc::clone(pipe), rest: Bytes::new(), _held: None }
}

/// A writer that owns something, into nowhere.
pub(crate) fn holder(held: impl Any) -> Writer {
    Writer { _held: Some(Box::new(held)), ..writer(&open()) }
}
