//! The state that all routes share, on all workers.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sse_core::{Broadcaster, Retention};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::access::Access;
use crate::bodies::Bodies;
use crate::counters::{Count, Counters};
use crate::idempotency::Idempotency;
use crate::per_address::PerAddress;
use crate::survey::Question;
use crate::transport::OpenConnections;
use crate::{ConfigError, HubConfig};

/// The handle that every route holds: cheap to clone, and every clone is the same hub.
#[derive(Clone, Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: HubConfig,
    broadcaster: Broadcaster,
    idempotency: Idempotency,
    counters: Arc<Counters>,
    /// The servers' that it is in.
    open: Mutex<Vec<OpenConnections>>,
    per_address: PerAddress,
    memory_ran_out: Mutex<Option<Instant>>,
    bodies: Bodies,
    /// Bodies that are streams of events themselves.
    ingests: Arc<()>,
    /// The workers, for questions to all of them.
    workers: Mutex<Vec<UnboundedSender<Question>>>,
    access: Access,
    draining: watch::Sender<bool>,
}

impl Hub {
    /// An empty hub, in an epoch of its own.
    ///
    /// # Errors
    ///
    /// The configuration is not one, see [`HubConfig::check`].
    pub fn new(config: HubConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let broadcaster = Broadcaster::new(sse_core::Config {
            retention: Retention {
                events: config.retain_events.try_into().unwrap_or(NonZeroUsize::MIN),
                bytes: config.retain_bytes,
                age: Some(config.retain_age),
            },
            forget_after: config.forget_after,
            max_topics: config.max_topics,
            budget: config.memory.map(|bytes| bytes as u64),
            ..sse_core::Config::default()
        });
        let idempotency = Idempotency::new(config.idempotency_window);
        let access = Access::new(&config);
        let draining = watch::Sender::new(false);
        let bodies = Bodies::new(config.body_memory);
        let per_address = PerAddress::new(config.max_streams_per_address);
        let shared = Shared {
            config,
            broadcaster,
            idempotency,
            counters: Arc::default(),
            open: Mutex::default(),
            per_address,
            memory_ran_out: Mutex::default(),
            bodies,
            ingests: Arc::new(()),
            workers: Mutex::default(),
            access,
            draining,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What the hub was made with.
    #[must_use]
    pub fn config(&self) -> &HubConfig {
        &self.shared.config
    }

    /// Where events are published. Publishing here, in the process, skips HTTP and nothing else.
    #[must_use]
    pub fn broadcaster(&self) -> &Broadcaster {
        &self.shared.broadcaster
    }

    /// Who may do what over HTTP.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    /// A server begins to serve the hub.
    pub(crate) fn opened(&self, open: &OpenConnections) {
        self.shared.open.lock().push(open.clone());
    }

    /// Connections open now; none under somebody else's `HttpServer`.
    pub(crate) fn connections(&self) -> usize {
        self.shared.open.lock().iter().map(OpenConnections::count).sum()
    }

    /// Streams by the addresses of their clients.
    pub(crate) fn per_address(&self) -> &PerAddress {
        &self.shared.per_address
    }

    /// Whom to ask how the readers of each worker get on.
    pub(crate) fn workers(&self) -> Vec<UnboundedSender<Question>> {
        let mut workers = self.shared.workers.lock();
        workers.retain(|worker| !worker.is_closed());
        workers.clone()
    }

    pub(crate) fn add_worker(&self, worker: UnboundedSender<Question>) {
        self.shared.workers.lock().push(worker);
    }

    pub(crate) fn idempotency(&self) -> &Idempotency {
        &self.shared.idempotency
    }

    /// An event has found no room.
    pub(crate) fn memory_ran_out(&self) {
        self.counters().one(Count::RejectedMemory);
        *self.shared.memory_ran_out.lock() = Some(Instant::now());
    }

    /// Whether an event has found no room in the last while.
    pub(crate) fn is_short_of_memory(&self) -> bool {
        /// Longer than it takes a load balancer to ask again, and events to become old enough to go.
        const A_WHILE: Duration = Duration::from_secs(10);

        self.shared.memory_ran_out.lock().is_some_and(|at| at.elapsed() < A_WHILE)
    }

    /// Ends the hub: publishing is refused from now on, readiness is off, and every stream gets what was published
    /// before, a jittered `retry:`, `sse.drain`, and then its end.
    ///
    /// The ends are spread evenly over the drain time, so that the clients do not come to another server all at once;
    /// but no thinner than a hundred in a second, so that a few of them do not take all that time.
    pub fn drain(&self) {
        const EACH: Duration = Duration::from_millis(10);

        self.shared.draining.send_replace(true);
        let streams = u32::try_from(self.broadcaster().subscribers()).unwrap_or(u32::MAX);
        self.broadcaster().close_over(EACH.saturating_mul(streams).min(self.config().drain));
    }

    /// Whether [`drain`](Self::drain) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.shared.draining.borrow()
    }

    /// Ready once [`drain`](Self::drain) was called. Cancel safe.
    pub(crate) async fn drained(&self) {
        // The sender is the hub's own and lives as long as this borrow of it.
        let _ = self.shared.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// The memory for bodies that are coming in.
    pub(crate) fn bodies(&self) -> &Bodies {
        &self.shared.bodies
    }

    /// Counts a body that is itself a stream of events, until the result is dropped: it may take hours.
    pub(crate) fn begin_ingest(&self) -> Arc<()> {
        Arc::clone(&self.shared.ingests)
    }

    /// Whether there are as many streams as there may be, in both directions.
    pub(crate) fn is_full(&self) -> bool {
        let ingests = Arc::strong_count(&self.shared.ingests) - 1;
        self.config().max_streams.is_some_and(|most| self.broadcaster().subscribers() + ingests >= most)
    }

    /// A reconnection time for one client. Uniform between the configured one and twice that, so that clients which
    /// were cut off together do not come back together.
    pub(crate) fn retry(&self) -> Duration {
        let base = self.config().retry.as_millis() as u64;
        Duration::from_millis(fastrand::u64(base..=base.saturating_mul(2)))
    }

    /// A reconnection time for one client of a server that is full: ten seconds to a minute, since those who are there
    /// will not leave at once.
    pub(crate) fn full_retry(&self) -> Duration {
        Duration::from_millis(fastrand::u64(10_000..=60_000)).max(self.retry())
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}
