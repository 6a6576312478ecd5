//! A reader of our own: it sees what client libraries hide, that is comments, heartbeats and where the bytes were cut.
//!
//! It is written from WHATWG HTML 9.2.6 and shares no code with the server, so that one mistake cannot hide another.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use reqwest::{Response, StatusCode};

use crate::deadline::within;
use crate::seen::Received;
use crate::server::http;

/// An open stream.
#[derive(Debug)]
pub struct Reader {
    body: Response,
    blocks: Blocks,
    ready: VecDeque<Received>,
    left: usize,
}

/// What a stream gave.
#[derive(Debug)]
pub enum Next {
    /// The reader has read as many bytes as it was allowed to.
    Cut,
    /// The body came to a good end.
    End,
    /// An event.
    Event(Received),
}

impl Reader {
    /// Subscribes. None stands for 204: there is nothing more to come, ever.
    ///
    /// # Errors
    /// If the answer is neither 200 nor 204.
    pub async fn open(url: &str, last_event_id: Option<&str>) -> Result<Option<Self>> {
        let mut request = http()?.get(url).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let body = within("the head of a stream", async { Ok(request.send().await?) }).await?;
        match body.status() {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(None),
            other => bail!("a stream answered {other}"),
        }
        Ok(Some(Self { body, blocks: Blocks::default(), ready: VecDeque::new(), left: usize::MAX }))
    }

    /// The same reader, but it stops after this many bytes of body, wherever that is.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.left = bytes;
        self
    }

    /// The next event, or how the stream ended.
    ///
    /// # Errors
    /// If the connection fails, and at the deadline.
    pub async fn next(&mut self) -> Result<Next> {
        within("the next event", async {
            loop {
                if let Some(event) = self.ready.pop_front() {
                    return Ok(Next::Event(event));
                }
                if let Some(end) = self.read().await? {
                    return Ok(end);
                }
            }
        })
        .await
    }

    /// Reads on until this many more heartbeats (comments without text) have come.
    ///
    /// # Errors
    /// If the stream ends before, and at the deadline.
    pub async fn heartbeats(&mut self, more: usize) -> Result<()> {
        let enough = self.blocks.heartbeats + more;
        within("heartbeats", async {
            while self.blocks.heartbeats < enough {
                if let Some(end) = self.read().await? {
                    bail!("{end:?} before heartbeat {enough}");
                }
            }
            Ok(())
        })
        .await
    }

    async fn read(&mut self) -> Result<Option<Next>> {
        if self.left == 0 {
            return Ok(Some(Next::Cut));
        }
        let Some(chunk) = self.body.chunk().await? else { return Ok(Some(Next::End)) };
        let within_limit = &chunk[..chunk.len().min(self.left)];
        self.left -= within_limit.len();
        for &byte in within_limit {
            self.ready.extend(self.blocks.push(byte)?);
        }
        Ok(None)
    }
}

/// The events of a whole body.
///
/// # Errors
/// If it is not what the hub may write.
pub fn parse(body: &str) -> Result<Vec<Received>> {
    let mut blocks = Blocks::default();
    let mut events = Vec::new();
    for byte in body.bytes() {
        events.extend(blocks.push(byte)?);
    }
    Ok(events)
}

/// Bytes in, events out. The hub ends lines with LF alone, so a CR is an error here.
#[derive(Debug, Default)]
pub struct Blocks {
    line: Vec<u8>,
    name: String,
    data: Vec<String>,
    id: Option<String>,
    last_id: String,
    heartbeats: usize,
    retry: Option<u64>,
}

impl Blocks {
    /// How many heartbeats there were.
    #[must_use]
    pub fn heartbeats(&self) -> usize {
        self.heartbeats
    }

    /// The last `retry:`, in milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// The id that counts: of the last block that has ended and had one.
    #[must_use]
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// Takes the next byte. Answers the event that it completes.
    ///
    /// # Errors
    /// If the hub must not write this.
    pub fn push(&mut self, byte: u8) -> Result<Option<Received>> {
        if byte != b'\n' {
            self.line.push(byte);
            return Ok(None);
        }
        let line = String::from_utf8(std::mem::take(&mut self.line))?;
        if line.contains('\r') {
            bail!("CR in the line {line:?}");
        }
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if self.is_open() => bail!("a comment within a block"),
            "" if value.is_empty() => self.heartbeats += 1,
            "" => {}
            "retry" => self.retry = Some(value.parse()?),
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            "id" => self.id = Some(value.to_owned()),
            _ => bail!("the hub has no field {field:?}"),
        }
        Ok(None)
    }

    /// Whether some of an event has come, and not all.
    fn is_open(&self) -> bool {
        !self.name.is_empty() || !self.data.is_empty() || self.id.is_some()
    }

    fn dispatch(&mut self) -> Option<Received> {
        // The id of a block counts from its blank line on, data or not.
        if let Some(id) = self.id.take() {
            self.last_id = id;
        }
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return None;
        }
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(Received { name, data: data.join("\n"), id: self.last_id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(body: &str) -> Vec<(String, String, String)> {
        parse(body).unwrap().into_iter().map(|event| (event.name, event.data, event.id)).collect()
    }

    #[test]
    fn a_block_is_an_event_only_with_data_and_its_blank_line() {
        let stream =
            "retry: 5\n:ok\nid: e-1\n\nevent: price\ndata: \ndata:  a\nid: e-2\n\n:\ndata: cut\nid: e-3\n";
        assert_eq!(events(stream), [("price".into(), "\n a".into(), "e-2".into())]);
    }

    #[test]
    fn an_id_holds_until_the_next() {
        let ids: Vec<String> =
            events("data:\nid: 1\n\ndata: b\n\n").into_iter().map(|(_, _, id)| id).collect();
        assert_eq!(ids, ["1", "1"]);
    }
}
