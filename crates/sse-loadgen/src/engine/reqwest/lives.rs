//! Clients as tasks: when they come, and how they come back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::{Shared, stream};
use crate::account::Account;
use crate::account::reconnect::Ending;
use crate::clock;
use crate::worker::orders::{Arrival, Pace};

/// One client.
pub(super) struct Life {
    pub(super) account: RefCell<Account>,
    pub(super) is_open: Cell<bool>,
    pub(super) cut: Notify,
    pub(super) pace: Cell<Pace>,
    pub(super) last_event_id: RefCell<String>,
    /// Milliseconds, as the server wishes.
    pub(super) retry: Cell<Option<u32>>,
    /// When it leaves.
    pub(super) leaves: Cell<Option<u64>>,
}

impl Life {
    fn new(account: Account) -> Self {
        Self {
            account: RefCell::new(account),
            is_open: Cell::new(false),
            cut: Notify::new(),
            pace: Cell::new(Pace::Full),
            last_event_id: RefCell::default(),
            retry: Cell::new(None),
            leaves: Cell::new(None),
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
        let due = match shared.assignment.arrival {
            Arrival::Ramp { .. } if number >= clients => return,
            Arrival::Ramp { start, per_second, .. } => due(start, per_second),
            Arrival::Requests { start, per_second, end, .. } => {
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
        if let Arrival::Requests { timeout, .. } = shared.assignment.arrival {
            while shared.under_way.get() >= clients.div_ceil(workers) {
                sleep(Duration::from_millis(1)).await;
            }
            shared.under_way.set(shared.under_way.get() + 1);
            tokio::task::spawn_local(answer(Rc::clone(&shared), life, due + timeout));
        } else {
            shared.lives.borrow_mut().push(Rc::clone(&life));
            tokio::task::spawn_local(live(Rc::clone(&shared), life));
        }
    }
}

/// One answer.
async fn answer(shared: Rc<Shared>, life: Rc<Life>, deadline: u64) {
    life.leaves.set(Some(deadline));
    let ending = match stream::attempt(&shared, &life).await {
        Ending::Left => Ending::Timeout,
        ending => ending,
    };
    over(&shared, &life, &ending);
    shared.recorder.borrow_mut().answered(&life.account.borrow(), &ending, clock::now());
    shared.under_way.set(shared.under_way.get() - 1);
}

/// A client for as long as it stays, as `EventSource` does it.
async fn live(shared: Rc<Shared>, life: Rc<Life>) {
    let reconnect = shared.assignment.reconnect;
    loop {
        let ending = stream::attempt(&shared, &life).await;
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
    recorder.left(&mut account);
    *account = Account::new(account.client, account.topic);
    recorder.planned(&mut account, clock::now());
    life.last_event_id.borrow_mut().clear();
    life.leaves.set(None);
}
