//! A publisher whose events say whose they are and which: so that any reader can be checked without asking anybody.

use std::net::SocketAddr;

use anyhow::Result;
use e2e::account::{Published, sequence};
use e2e::deadline::within;
use e2e::raw::Publisher;

use crate::connect;

/// Publishes, and keeps what it has published.
#[derive(Debug)]
pub struct Source {
    connection: Publisher,
    name: usize,
    published: Published,
}

impl Source {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens.
    pub async fn connect(address: SocketAddr, name: usize) -> Result<Self> {
        Ok(Self { connection: connect(address, None).await?.into(), name, published: Published::new() })
    }

    /// Publishes the next event, with data of at least `size` bytes. Answers its id.
    ///
    /// # Errors
    /// If the answer is not 200, and at the deadline.
    pub async fn publish(&mut self, topic: &'static str, size: usize) -> Result<String> {
        let data = format!("{:<size$}|", format!("{} {}", self.name, self.published.len()));
        let id = within("the answer to a publish", self.connection.publish(topic, &data)).await?;
        self.published.insert(sequence(&id)?, (topic, data));
        Ok(id)
    }

    /// Publishes so many events.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn publish_many(&mut self, topic: &'static str, events: usize, size: usize) -> Result<()> {
        for _ in 0..events {
            self.publish(topic, size).await?;
        }
        Ok(())
    }

    /// What it has published so far.
    #[must_use]
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// What it has published, all in all.
    #[must_use]
    pub fn into_published(self) -> Published {
        self.published
    }
}
