//! The ordinary Rust client: reqwest and eventsource-stream, a task for each stream, on one thread.
//!
//! What this engine reports is what such a client would see, and what it costs. Where eventsource-stream 0.2 misbehaves
//! (it panics at a byte order mark, stands still at an invalid byte, passes over an `id:` or `retry:` without data, and
//! holds an event back whose lines end with CR), the server is not to be blamed: a `witness` reads the same bytes with
//! our own decoder, knows the place to resume from, and says how many events the `parser` has kept to itself. Those are
//! counted as `unparsed`, not as lost.
//!
//! reqwest tells no time of connecting, takes no receive buffer, and closes a stream that is cut in good order, where
//! [`raw`](super::raw) resets it. Redirects are followed, as `EventSource` does.

mod lives;
mod parser;
mod stream;
mod witness;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::LocalSet;

use self::lives::Life;
use super::request::{Request, RequestError};
use crate::account::{Measuring, Recorder, Rules};
use crate::clock;
use crate::worker::orders::{Coming, Order, Pace, Reply};
use crate::worker::{Assignment, Controls, Reporter, reply};

/// What all tasks of a worker share.
struct Shared {
    assignment: Assignment,
    clients: Vec<reqwest::Client>,
    requests: Vec<Request>,
    recorder: RefCell<Recorder>,
    rng: RefCell<fastrand::Rng>,
    lives: RefCell<Vec<Rc<Life>>>,
    /// Attempts that may begin.
    permits: Semaphore,
    /// Requests that may be under way.
    slots: Arc<Semaphore>,
}

/// Does what the assignment says, until it is told to close.
///
/// # Errors
///
/// There is no runtime to be had, a request cannot be made, or the coordinator is gone.
pub fn run(assignment: Assignment) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(work(assignment)))?;
    // Tasks, and with them sockets, go with the runtime, so that the server sees it before the last line is written.
    drop(runtime);
    reply(&Reply::Closed)
}

/// A client as everywhere here: the cryptography is named, nothing is kept for later, and nothing is sent that nobody asked for.
pub fn builder(insecure: bool) -> reqwest::ClientBuilder {
    // It was installed before: then that is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let user_agent = concat!("sse-loadgen/", env!("CARGO_PKG_VERSION"));
    let builder =
        reqwest::Client::builder().user_agent(user_agent).pool_max_idle_per_host(0).tcp_keepalive(None);
    builder.no_proxy().tls_danger_accept_invalid_certs(insecure)
}

async fn work(assignment: Assignment) -> io::Result<()> {
    let ordered = Arc::new(Notify::new());
    let wake = Arc::clone(&ordered);
    let mut controls = Controls::listen(Box::new(move || wake.notify_one()))?;
    let (Coming::Ramp { start, .. } | Coming::Requests { start, .. }) = assignment.coming;
    let mut reporter = Reporter::new(start);
    let shared = Rc::new(Shared::new(assignment)?);
    reply(&Reply::Ready)?;
    let coming = tokio::task::spawn_local(lives::arrive(Rc::clone(&shared)));
    loop {
        let wait = Duration::from_nanos(reporter.due().saturating_sub(clock::now()));
        // Whichever it was, both are looked after.
        let _ = tokio::time::timeout(wait, ordered.notified()).await;
        while let Some(order) = controls.take() {
            match order {
                Order::Measure { schedule, from, to } => {
                    shared.recorder.borrow_mut().measure(Measuring { schedule, from, to });
                    reporter.measure(from, to)?;
                }
                Order::Cut { share } => shared.cut(share),
                Order::Restrain { share, skip, pace } => shared.restrain(share, skip, pace),
                Order::Settle(published) => {
                    let lives = shared.lives.borrow();
                    lives.iter().for_each(|life| life.enter_unparsed(&mut shared.recorder.borrow_mut()));
                    let mut accounts: Vec<_> = lives.iter().map(|life| life.account.borrow_mut()).collect();
                    let accounts = accounts.iter_mut().map(|account| &mut **account);
                    reporter.settle(&mut shared.recorder.borrow_mut(), accounts, &published)?;
                }
                Order::Close => {
                    coming.abort();
                    return Ok(());
                }
            }
        }
        reporter.turn(&mut shared.recorder.borrow_mut(), clock::now())?;
    }
}

impl Shared {
    fn new(assignment: Assignment) -> io::Result<Self> {
        let clients = assignment.routes.iter().map(|route| {
            let url = super::request::parse(&assignment.requests[route.target].url)?;
            let host = url.host_str().unwrap_or_default();
            let builder =
                builder(assignment.insecure).local_address(route.source).resolve(host, route.address);
            Ok(builder.build())
        });
        let clients = clients.collect::<Result<Vec<_>, RequestError>>().map_err(io::Error::other)?;
        let clients = clients.into_iter().collect::<Result<_, _>>().map_err(io::Error::other)?;
        let requests = assignment.requests.iter().map(Request::new).collect::<Result<_, _>>();
        Ok(Self {
            clients,
            requests: requests.map_err(io::Error::other)?,
            recorder: RefCell::new(Recorder::new(Rules::of(&assignment))),
            rng: RefCell::new(fastrand::Rng::with_seed(
                assignment.seed.wrapping_add(assignment.worker.into()),
            )),
            lives: RefCell::new(Vec::new()),
            permits: Semaphore::new(assignment.in_flight.max(1) as usize),
            slots: Arc::new(Semaphore::new(assignment.clients.div_ceil(assignment.workers) as usize)),
            assignment,
        })
    }

    fn cut(&self, share: f64) {
        let now = clock::now();
        for life in self.lives.borrow().iter() {
            if life.is_open.get() && self.rng.borrow_mut().f64() < share {
                self.recorder.borrow_mut().cut(&mut life.account.borrow_mut(), now);
                life.cut.order();
            }
        }
    }

    fn restrain(&self, share: f64, skip: f64, pace: Pace) {
        for life in self.lives.borrow().iter() {
            let mut account = life.account.borrow_mut();
            if account.is_within(share, skip) {
                account.restrained = pace != Pace::Full;
                life.pace.set(pace);
            }
        }
    }
}
