//! Clients as tasks: when they come, and how they come back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{sleep, timeout};

use super::witness::Witness;
use super::{Shared, stream};
use crate::account::reconnect::Ending;
use crate::account::{Account, Recorder};
use crate::clock;
use crate::worker::orders::{Coming, Pace};

/// One client.
pub(super) struct Life {
    pub(super) account: RefCell<Account>,
    pub(super) is_open: Cell<bool>,
    pub(super) cut: Cut,
    pub(super) pace: Cell<Pace>,
    pub(super) last_event_id: RefCell<String>,
    /// Milliseconds, as the server wishes.
    pub(super) retry: Cell<Option<u32>>,
    /// When it leaves.
    pub(super) leaves: Cell<Option<u64>>,
    /// Of its latest stream.
    pub(super) witness: RefCell<Option<Witness>>,
}

/// Tells a stream that it is cut off.
#[derive(Default)]
pub(super) struct Cut(Notify);

impl Cut {
    pub(super) fn order(&self) {
        self.0.notify_one();
    }

    /// Forgets what was ordered of an earlier stream, which was over by itself before it heard of it.
    pub(super) fn arm(&self) {
        let _ = self.0.notified().now_or_never();
    }

    pub(super) async fn notified(&self) {
        self.0.notified().await;
    }
}

impl Life {
    fn new(account: Account) -> Self {
        Self {
            account: RefCell::new(account),
            is_open: Cell::new(false),
            cut: Cut::default(),
            pace: Cell::new(Pace::Full),
            last_event_id: RefCell::default(),
            retry: Cell::new(None),
            leaves: Cell::new(None),
            witness: RefCell::default(),
        }
    }

    /// Enters what the parser has kept to itself so far.
    pub(super) fn enter_unparsed(&self, recorder: &mut Recorder) {
        if let Some(witness) = &mut *self.witness.borrow_mut() {
            recorder.unparsed(&mut self.account.borrow_mut(), witness.take_unparsed());
        }
    }
}

/// Lets this worker's clients come, each at its time.
pub(super) async fn arrive(shared: Rc<Shared>) {
    let (worker, workers, clients, topics) = {
        let assignment = &shared.assignment;
        (assignment.worker, assignment.workers, assignment.clients, assignment.topics)
    };
    for number in (worker..).step_by(workers as usize) {
        let due = |start: u64, per_second: f64| start + (f64::from(number) / per_second * 1e9) as u64;
        let due = match shared.assignment.coming {
            Coming::Ramp { .. } if number >= clients => return,
            Coming::Ramp { start, per_second, .. } => due(start, per_second),
            Coming::Requests { start, per_second, end, .. } => {
                let due = due(start, per_second);
                if due >= end {
                    return;
                }
                due
            }
        };
        sleep(Duration::from_nanos(due.saturating_sub(clock::now()))).await;
        let mut account = Account::new(number, number % topics);
        shared.recorder.borrow_mut().planned(&mut account, due);
        let life = Rc::new(Life::new(account));
        if let Coming::Requests { timeout, .. } = shared.assignment.coming {
            let slots = Arc::clone(&shared.slots);
            let slot = slots.acquire_owned().await.expect("it is never closed");
            tokio::task::spawn_local(answer(Rc::clone(&shared), life, timeout, slot));
        } else {
            shared.lives.borrow_mut().push(Rc::clone(&life));
            tokio::task::spawn_local(live(Rc::clone(&shared), life));
        }
    }
}

/// One answer, in one of the slots for those under way.
async fn answer(shared: Rc<Shared>, life: Rc<Life>, limit: u64, slot: OwnedSemaphorePermit) {
    let permit = shared.permits.acquire().await.expect("it is never closed");
    let attempt = stream::attempt(&shared, &life, permit);
    let ending = timeout(Duration::from_nanos(limit), attempt).await.unwrap_or(Ending::Timeout);
    let was_open = life.is_open.get();
    over(&shared, &life, &ending);
    shared.recorder.borrow_mut().answered(&life.account.borrow(), was_open, &ending, clock::now());
    drop(slot);
}

/// A client for as long as it stays, as `EventSource` does it.
async fn live(shared: Rc<Shared>, life: Rc<Life>) {
    let reconnect = shared.assignment.reconnect;
    loop {
        let permit = shared.permits.acquire().await.expect("it is never closed");
        let ending = stream::attempt(&shared, &life, permit).await;
        over(&shared, &life, &ending);
        if ending == Ending::Left {
            renew(&shared, &life);
            continue;
        }
        if !ending.comes_back() || !reconnect.enabled {
            shared.recorder.borrow_mut().record.counts.stopped += 1;
            return;
        }
        let wait = reconnect.wait(life.retry.get(), &mut shared.rng.borrow_mut());
        sleep(Duration::from_nanos(wait)).await;
    }
}

fn over(shared: &Shared, life: &Life, ending: &Ending) {
    let was_open = life.is_open.replace(false);
    shared.recorder.borrow_mut().closed(&mut life.account.borrow_mut(), was_open, ending);
}

/// Somebody new comes in the place of who has left.
fn renew(shared: &Shared, life: &Life) {
    let mut recorder = shared.recorder.borrow_mut();
    let mut account = life.account.borrow_mut();
    recorder.left(&mut account, clock::now());
    *account = Account::new(account.client, account.topic);
    recorder.planned(&mut account, clock::now());
    life.last_event_id.borrow_mut().clear();
    life.retry.set(None);
    life.leaves.set(None);
}
