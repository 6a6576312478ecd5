//! The state that all routes share, on all workers.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sse_core::{Broadcaster, Retention};
use tokio::sync::watch;

use crate::access::Access;
use crate::idempotency::Idempotency;
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
            ..sse_core::Config::default()
        });
        let idempotency = Idempotency::new(config.idempotency_window);
        let access = Access::new(&config);
        let draining = watch::Sender::new(false);
        let shared = Shared { config, broadcaster, idempotency, access, draining };
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

    pub(crate) fn idempotency(&self) -> &Idempotency {
        &self.shared.idempotency
    }

    /// Ends the hub: publishing is refused, and every stream gets what was published before, a jittered `retry:`,
    /// `sse.drain`, and then its end. Readiness is off from now on.
    pub fn drain(&self) {
        self.shared.draining.send_replace(true);
        self.shared.broadcaster.close();
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

    /// Whether there are as many streams as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.config().max_streams.is_some_and(|most| self.broadcaster().subscribers() >= most)
    }

    /// A reconnection time for one client. Uniform between the configured one and twice that, so that clients which
    /// were cut off together do not come back together.
    pub(crate) fn retry(&self) -> Duration {
        let base = self.config().retry.as_millis() as u64;
        Duration::from_millis(fastrand::u64(base..=base.saturating_mul(2)))
    }

    /// A reconnection time for one client of a server that ends: all of them are told at once, so their return is spread
    /// over the drain time as well.
    pub(crate) fn drain_retry(&self) -> Duration {
        let spread = self.config().drain.as_millis() as u64;
        self.retry() + Duration::from_millis(fastrand::u64(0..=spread))
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
