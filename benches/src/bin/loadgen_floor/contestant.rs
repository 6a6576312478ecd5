//! A process that reads: started, told, and heard.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use sse_loadgen::account::Accepted;
use sse_loadgen::engine::Engine;
use sse_loadgen::worker::{Assignment, Order, Reply};

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contestant {
    /// The floor.
    Bare,
    Raw,
    Reqwest,
}

impl Contestant {
    pub(super) const ALL: [Self; 3] = [Self::Bare, Self::Raw, Self::Reqwest];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Raw => "raw",
            Self::Reqwest => "reqwest",
        }
    }

    /// What its process is to open the streams with.
    pub(super) fn engine(self) -> Engine {
        if self == Self::Reqwest { Engine::Reqwest } else { Engine::Raw }
    }
}

/// A process of a contestant. Ends with its owner.
#[derive(Debug)]
pub(super) struct Reader {
    contestant: Contestant,
    child: Child,
    orders: ChildStdin,
    replies: Receiver<String>,
}

/// Nobody is silent for so long, unless it is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a reader has read, in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) bytes: u64,
    pub(super) reads: u64,
    /// None if it does not look.
    pub(super) received: Option<u64>,
}

impl Reader {
    /// Starts it, and waits until it has said its first word: nothing is connected yet.
    pub(super) fn start(contestant: Contestant) -> anyhow::Result<Self> {
        let part = if contestant == Contestant::Bare { "bare" } else { "worker" };
        let mut child = Command::new(std::env::current_exe()?)
            .arg(part)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("this program cannot be started again")?;
        let orders = child.stdin.take().context("stdin is piped")?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let (outbox, replies) = mpsc::channel();
        // All the time: a process whose words nobody takes stands still.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if outbox.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { contestant, child, orders, replies })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Opens all streams.
    pub(super) fn open(&mut self, assignment: &Assignment) -> anyhow::Result<()> {
        self.say(assignment)?;
        loop {
            let line = self.line()?;
            if self.contestant == Contestant::Bare {
                return Ok(());
            }
            if let Reply::Tick(tick) = serde_json::from_str(&line)?
                && tick.counts.ready == u64::from(assignment.clients)
            {
                return Ok(());
            }
        }
    }

    pub(super) fn tell(&mut self, order: &Order) -> anyhow::Result<()> {
        // The floor has one thing to do, and knows it.
        if self.contestant == Contestant::Bare { Ok(()) } else { self.say(order) }
    }

    /// What it was, given that so many events were published.
    pub(super) fn finish(mut self, count: u64) -> anyhow::Result<Read> {
        self.say(&Order::Settle(Accepted { count, ..Accepted::default() }))?;
        loop {
            let line = self.line()?;
            if self.contestant == Contestant::Bare {
                let (bytes, reads) = line.trim().split_once(' ').context("two numbers")?;
                return Ok(Read { bytes: bytes.parse()?, reads: reads.parse()?, received: None });
            }
            if let Reply::Settled(settled) = serde_json::from_str(&line)? {
                let counts = settled.record.counts;
                return Ok(Read {
                    bytes: counts.bytes,
                    reads: counts.reads,
                    received: Some(counts.received),
                });
            }
        }
    }

    fn say(&mut self, what: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        self.orders.write_all(&line)?;
        Ok(self.orders.flush()?)
    }

    fn line(&self) -> anyhow::Result<String> {
        self.replies.recv_timeout(PATIENCE).context("it has nothing more to say")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
