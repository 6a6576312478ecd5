//! HTTP/1.1 on bare sockets, as little of it as a test with many readers needs: it costs next to nothing, and breaks
//! off at any byte.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// As much of an answer as has come.
#[derive(Debug)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// Without its framing.
    pub body: String,
}

impl Answer {
    /// What `bytes` hold of an answer whose body is chunked or lasts until the connection ends; none before its head
    /// is complete.
    ///
    /// # Errors
    /// If this is not an answer.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let (head, body) = bytes.split_at(end + 4);
        let head = str::from_utf8(head)?.to_ascii_lowercase();
        let status = head.split(' ').nth(1).context("a status line has a status")?.parse()?;
        let body = if head.contains("\r\ntransfer-encoding: chunked\r\n") {
            without_chunks(body)?
        } else {
            body.to_vec()
        };
        Ok(Some(Self { status, body: String::from_utf8(body)? }))
    }
}

/// The bytes of a chunked body, which may break off anywhere.
fn without_chunks(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(str::from_utf8(&bytes[..end])?, 16).context("a chunk has a size")?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            break;
        }
        body.extend_from_slice(&bytes[..size.min(bytes.len())]);
        let Some(rest) = bytes.get(size + 2..) else { break };
        bytes = rest;
    }
    Ok(body)
}

/// Sends one request and reads what is answered until the connection ends.
///
/// # Errors
/// If the connection fails, or breaks off within the answer.
pub async fn ask(address: SocketAddr, line: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{line} HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Answer::parse(&bytes)?.context("the answer breaks off")
}

/// A connection that publishes.
#[derive(Debug)]
pub struct Publisher(TcpStream);

impl From<TcpStream> for Publisher {
    fn from(stream: TcpStream) -> Self {
        Self(stream)
    }
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Publishes an event and answers its id.
    ///
    /// # Errors
    /// If the connection fails, or the answer is not 200.
    pub async fn publish(&mut self, topic: &str, data: &str) -> Result<String> {
        let length = data.len();
        let request =
            format!("POST /events/{topic} HTTP/1.1\r\nhost: e2e\r\ncontent-length: {length}\r\n\r\n{data}");
        self.0.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        loop {
            ensure!(self.0.read_buf(&mut bytes).await? > 0, "the connection ended");
            // The body is one JSON object; that of a refusal has no line end behind it.
            let Some(answer) = Answer::parse(&bytes)?.filter(|answer| answer.body.trim_end().ends_with('}'))
            else {
                continue;
            };
            ensure!(answer.status == 200, "publish answered {answer:?}");
            let published: serde_json::Value = serde_json::from_str(&answer.body)?;
            return Ok(published["id"].as_str().context("the answer has an id")?.to_owned());
        }
    }
}
