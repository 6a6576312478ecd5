//! A reader on a bare socket: it sees every byte, and keeps what it was given.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use e2e::Received;
use e2e::deadline::within;
use e2e::reader::Blocks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Body, connect};

/// A stream, open or ended.
#[derive(Debug)]
pub struct Subscriber {
    stream: TcpStream,
    head: Vec<u8>,
    status: u16,
    body: Option<Body>,
    blocks: Blocks,
    events: Vec<Received>,
    ended: bool,
}

impl Subscriber {
    /// Opens a stream and reads its preamble: from then on the hub knows of it.
    ///
    /// # Errors
    /// If there is no stream.
    pub async fn open(address: SocketAddr, target: &str, last_id: Option<&str>) -> Result<Self> {
        Self::open_on(connect(address, None).await?, target, last_id).await
    }

    /// As [`open`](Self::open), on this connection.
    ///
    /// # Errors
    /// If there is no stream.
    pub async fn open_on(stream: TcpStream, target: &str, last_id: Option<&str>) -> Result<Self> {
        let mut subscriber = Self::ask_on(stream, target, last_id).await?;
        subscriber.until("the preamble", |subscriber| subscriber.retry().is_some()).await?;
        Ok(subscriber)
    }

    /// Sends the request for a stream and reads nothing.
    ///
    /// # Errors
    /// If the connection fails.
    pub async fn ask_on(mut stream: TcpStream, target: &str, last_id: Option<&str>) -> Result<Self> {
        let position = last_id.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let request = format!("GET {target} HTTP/1.1\r\nhost: faults\r\n{position}\r\n");
        stream.write_all(request.as_bytes()).await?;
        Ok(Self {
            stream,
            head: Vec::new(),
            status: 0,
            body: None,
            blocks: Blocks::default(),
            events: Vec::new(),
            ended: false,
        })
    }

    /// Reads once, at most `most` bytes. False at the end of the stream.
    ///
    /// # Errors
    /// If the connection fails, or the hub writes what it must not.
    pub async fn read(&mut self, most: usize) -> Result<bool> {
        let mut piece = [0; 16 << 10];
        let most = most.min(piece.len());
        let read = self.stream.read(&mut piece[..most]).await?;
        self.ended = read == 0;
        self.take(&piece[..read])?;
        Ok(!self.ended)
    }

    /// Reads until `enough`.
    ///
    /// # Errors
    /// If the stream ends before, and at the deadline.
    pub async fn until(&mut self, what: &str, enough: impl Fn(&Self) -> bool) -> Result<()> {
        let read_on = async {
            while !enough(self) {
                let more = self.read(usize::MAX).await?;
                ensure!(more || enough(self), "the stream ended before, behind {:?}", self.events.last());
            }
            Ok(())
        };
        within(what, read_on).await
    }

    /// Reads until the data of an event is `data`.
    ///
    /// # Errors
    /// As [`until`](Self::until).
    pub async fn until_data(&mut self, data: &str) -> Result<()> {
        self.until(data, |subscriber| subscriber.events.iter().any(|event| event.data == data)).await
    }

    /// Reads until an event of this name.
    ///
    /// # Errors
    /// As [`until`](Self::until).
    pub async fn until_named(&mut self, name: &str) -> Result<()> {
        self.until(name, |subscriber| subscriber.events.iter().any(|event| event.name == name)).await
    }

    /// Reads to the end, in good order or not.
    ///
    /// # Errors
    /// If the hub writes what it must not, and at the deadline.
    pub async fn to_the_end(&mut self) -> Result<()> {
        within("the end of a stream", async {
            let mut piece = [0; 16 << 10];
            // A chunked body says itself that it is over; the connection may stay.
            while !self.ended {
                match self.stream.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => self.take(&piece[..read])?,
                }
            }
            self.ended = true;
            Ok(())
        })
        .await
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        if self.body.is_none() {
            let old = self.head.len();
            self.head.extend_from_slice(bytes);
            let Some(end) = self.head.windows(4).position(|window| window == b"\r\n\r\n") else {
                return Ok(());
            };
            bytes = &bytes[end + 4 - old..];
            self.head.truncate(end + 4);
            let head = str::from_utf8(&self.head)?;
            self.status = head.split(' ').nth(1).context("a status")?.parse()?;
            if self.status != 200 {
                bail!("a stream answered {head:?}");
            }
            self.body = Some(Body::behind(head));
        }
        let body = self.body.as_mut().expect("made above");
        for byte in body.take(bytes)? {
            self.events.extend(self.blocks.push(byte)?);
        }
        self.ended |= body.is_over();
        Ok(())
    }

    /// What came so far.
    #[must_use]
    pub fn events(&self) -> &[Received] {
        &self.events
    }

    /// The data of what came so far, without the hub's own events.
    #[must_use]
    pub fn data(&self) -> Vec<&str> {
        self.events.iter().filter(|event| !event.is_control()).map(|event| event.data.as_str()).collect()
    }

    /// The status of the answer; 0 before it has come.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `retry:` that was given last, in milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<u64> {
        self.blocks.retry()
    }

    /// How many heartbeats came.
    #[must_use]
    pub fn heartbeats(&self) -> usize {
        self.blocks.heartbeats()
    }

    /// What to send in `Last-Event-ID` to go on from here; none before the first id.
    #[must_use]
    pub fn position(&self) -> Option<&str> {
        Some(self.blocks.last_id()).filter(|id| !id.is_empty())
    }

    /// Whether the stream has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The connection, for a rude end.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// The events, when the connection is not needed any more.
    #[must_use]
    pub fn into_events(self) -> Vec<Received> {
        self.events
    }
}
