//! Orders as they come: a thread reads standard input, so that the engine's loop never waits for it.

use std::io::{self, BufRead};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::{mem, thread};

use super::orders::Order;

/// What wakes the engine's loop when an order is there.
pub type Waker = Box<dyn Fn() + Send>;

/// The orders that have not been carried out.
#[derive(Debug)]
pub struct Controls {
    orders: Receiver<Order>,
    /// Nobody gives orders any more, and that was said.
    closed: bool,
}

impl Controls {
    /// Reads standard input from now on, and calls `wake` after each line.
    ///
    /// # Errors
    ///
    /// There is no thread to be had.
    pub fn listen(wake: Waker) -> io::Result<Self> {
        let (sender, orders) = mpsc::channel();
        thread::Builder::new().name("orders".to_owned()).spawn(move || {
            for line in io::stdin().lock().lines() {
                // What is no order comes from another version of this program; to go on without it would be to lie.
                let Some(order) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
                if sender.send(order).is_err() {
                    return;
                }
                wake();
            }
            drop(sender);
            wake();
        })?;
        Ok(Self { orders, closed: false })
    }

    /// The next order, if there is one. When whoever gives them is gone, it is to close; once.
    pub fn take(&mut self) -> Option<Order> {
        match self.orders.try_recv() {
            Ok(order) => Some(order),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                (!mem::replace(&mut self.closed, true)).then_some(Order::Close)
            }
        }
    }
}
