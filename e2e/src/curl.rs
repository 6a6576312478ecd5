//! curl as a child: what it is given on its input, what it writes, and how it ends.

use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::deadline::within;
use crate::tools;

/// A running curl. Killed on drop.
#[derive(Debug)]
pub struct Curl {
    process: Child,
    input: Option<ChildStdin>,
    stdout: ChildStdout,
    output: Vec<u8>,
}

/// An answer as `--include` and `--head` write it.
#[derive(Debug)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// Names in lower case, values as they came, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// What came after the head.
    pub body: String,
}

impl Curl {
    /// Starts curl without its progress meter and without the proxies of the environment.
    ///
    /// # Errors
    /// If it is not installed.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new(tools::curl()?)
            .args(["--silent", "--show-error", "--noproxy", "*"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take();
        let stdout = process.stdout.take().expect("stdout is piped");
        Ok(Self { process, input, stdout, output: Vec::new() })
    }

    /// Runs curl to its end and answers what it wrote.
    ///
    /// # Errors
    /// If it fails, and at the deadline.
    pub async fn run(arguments: &[&str]) -> Result<String> {
        Self::start(arguments)?.finish().await
    }

    /// Writes to its input.
    ///
    /// # Errors
    /// If curl has ended.
    pub async fn write(&mut self, text: &str) -> Result<()> {
        let input = self.input.as_mut().context("the input is closed")?;
        within("curl to take its input", async { Ok(input.write_all(text.as_bytes()).await?) }).await
    }

    /// Reads on until `enough` says so of all that curl has written.
    ///
    /// # Errors
    /// If curl ends before, and at the deadline.
    pub async fn output_until(&mut self, what: &str, enough: impl Fn(&str) -> bool) -> Result<String> {
        let read_on = async {
            loop {
                let text = String::from_utf8_lossy(&self.output).into_owned();
                if enough(&text) {
                    return Ok(text);
                }
                if self.stdout.read_buf(&mut self.output).await? == 0 {
                    bail!("curl ended before {what}, after {text:?}");
                }
            }
        };
        within(what, read_on).await
    }

    /// Closes its input, waits for its end and answers all that it wrote.
    ///
    /// # Errors
    /// If it ends badly, and at the deadline.
    pub async fn finish(mut self) -> Result<String> {
        drop(self.input.take());
        within("the end of curl", async {
            self.stdout.read_to_end(&mut self.output).await?;
            let status = self.process.wait().await?;
            ensure!(status.success(), "curl: {status}");
            Ok(())
        })
        .await?;
        Ok(String::from_utf8(self.output)?)
    }
}

impl Answer {
    /// Reads a head, and the body if there is one.
    ///
    /// # Errors
    /// If there is no whole head.
    pub fn parse(text: &str) -> Result<Self> {
        let (head, body) = text.split_once("\r\n\r\n").with_context(|| format!("no head in {text:?}"))?;
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.split(' ').nth(1).with_context(|| format!("no status in {first:?}"))?.parse()?;
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Ok(Self { status, headers, body: body.to_owned() })
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}
