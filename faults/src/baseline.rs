//! What a server holds and spends, before a fault and after it.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::process::Process;
use e2e::raw::{Publisher, ask};
use e2e::{Server, deadline};

/// What a server holds at rest.
#[derive(Clone, Copy, Debug)]
pub struct Baseline {
    address: SocketAddr,
    process: Process,
    descriptors: usize,
    resident: usize,
}

impl Baseline {
    /// Looks at a server without clients. It is used a little before, so that what is made on first use is there.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn of(server: &Server) -> Result<Self> {
        let (address, process) = (server.address(), server.process()?);
        for n in 0..8 {
            Publisher::connect(address).await?.publish("warm", &n.to_string()).await?;
            ask(address, "GET /metrics").await?;
        }
        let descriptors = at_rest(process).await?;
        Ok(Self { address, process, descriptors, resident: process.resident()? })
    }

    /// Waits until nobody subscribes and no file is open that was not open before. Answers how long that took.
    ///
    /// # Errors
    /// At the deadline, with what is left.
    pub async fn returns(&self) -> Result<Duration> {
        let began = Instant::now();
        deadline::until("all to be given back", async || {
            let subscribers = metric(self.address, "sse_subscribers").await?;
            let descriptors = self.process.descriptors()?;
            let held = descriptors.saturating_sub(self.descriptors);
            let left = format!("{subscribers} subscribers and {held} descriptors");
            Ok(if subscribers == 0 && held == 0 { Ok(()) } else { Err(left) })
        })
        .await?;
        Ok(began.elapsed())
    }

    /// By how many bytes its memory has grown.
    ///
    /// # Errors
    /// If it has ended.
    pub fn growth(&self) -> Result<usize> {
        Ok(self.process.resident()?.saturating_sub(self.resident))
    }
}

/// The number of open files once it does not change any more.
async fn at_rest(process: Process) -> Result<usize> {
    let mut last = 0;
    deadline::until("the number of open files to settle", async || {
        let before = std::mem::replace(&mut last, process.descriptors()?);
        Ok(if before == last { Ok(last) } else { Err(format!("{before}, then {last}")) })
    })
    .await
}

/// A value of the metrics page, rounded down; a missing one is 0, for a counter with labels appears when it first counts.
///
/// # Errors
/// If the server does not answer.
pub async fn metric(address: SocketAddr, name: &str) -> Result<u64> {
    let page = deadline::within("the metrics", ask(address, "GET /metrics")).await?.body;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let Some(value) = value else { return Ok(0) };
    Ok(value.parse::<f64>().with_context(|| format!("{name} is {value:?}"))? as u64)
}

/// The processor time that a server spends from here on.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    process: Process,
    began: Instant,
    spent: Duration,
}

impl Load {
    /// Begins to count.
    ///
    /// # Errors
    /// If it has ended.
    pub fn of(server: &Server) -> Result<Self> {
        let process = server.process()?;
        Ok(Self { process, began: Instant::now(), spent: process.processor_time()? })
    }

    /// The share of one core so far.
    ///
    /// # Errors
    /// If it has ended.
    pub fn share(&self) -> Result<Share> {
        let spent = self.process.processor_time()?.saturating_sub(self.spent);
        Ok(Share(spent.as_secs_f64() / self.began.elapsed().as_secs_f64()))
    }
}

/// A share of one core; 1.0 is all of it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(pub f64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of a core", self.0 * 100.0)
    }
}
