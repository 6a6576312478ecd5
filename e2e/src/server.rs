//! The binary under test: starting it, publishing to it, stopping it in good order, starting it again.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, Response, StatusCode};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::deadline::{until, within};
use crate::process::Process;
use crate::tools;

/// What makes tests short and changes no promise: clients are told to come back at once instead of after the seconds
/// that protect a real server, and the end of the server is not spread out for anyone.
///
/// Options of the test go before.
const QUICK: [[&str; 2]; 2] = [["--retry", "200ms"], ["--drain", "500ms"]];

/// A running hub. Killed on drop.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: SocketAddr,
    launch: Launch,
}

/// How it was started.
#[derive(Clone, Debug)]
struct Launch {
    /// A program that becomes the server, with its arguments; or nothing.
    under: Vec<OsString>,
    options: Vec<OsString>,
}

/// The answer to a publish.
#[derive(Deserialize)]
struct Published {
    id: String,
}

impl Server {
    /// Starts the binary on a free port with these options, and waits until it listens.
    ///
    /// # Errors
    /// If there is no binary, or if it exits instead.
    pub async fn start(options: &[&str]) -> Result<Self> {
        Self::start_under(&[], "127.0.0.1:0", options).await
    }

    /// As [`start`](Self::start), by way of a program that prepares something and then becomes the server, such as
    /// `prlimit` or `ip netns exec`; and on this address.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_under(under: &[&str], address: &str, options: &[&str]) -> Result<Self> {
        let under = under.iter().map(OsString::from).collect();
        let options = options.iter().map(OsString::from).collect();
        Self::listen(address, Launch { under, options }).await
    }

    /// Starts the binary again with the same options on the same port. If it still runs, it is asked to end first.
    ///
    /// # Errors
    /// If it does not come to listen; a port that is still busy is tried again until the deadline.
    pub async fn start_again(mut self) -> Result<Self> {
        self.terminate().await?;
        let address = self.address.to_string();
        until("the server to listen again", async || {
            let started = Self::listen(&address, self.launch.clone()).await;
            Ok(started.map_err(|error| format!("{error:#}")))
        })
        .await
    }

    async fn listen(address: &str, launch: Launch) -> Result<Self> {
        let binary = tools::server_binary()?;
        let quick = QUICK.iter().filter(|[flag, _]| !launch.options.iter().any(|option| option == flag));
        let mut line = launch.under.iter().map(OsString::as_os_str).chain([binary.as_os_str()]);
        let mut process = Command::new(line.next().expect("the binary at least"))
            .args(line)
            .args(["--listen", address])
            .args(quick.flatten())
            .args(&launch.options)
            // At `info`, it tells the life of every stream.
            .env("SSE_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", binary.display()))?;
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let address = within("the line `listening on http://…`", announced(&mut lines)).await?;
        // A full or closed pipe would disturb the server, so the rest of its output is read as well.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { process, address, launch })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path that begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Publishes one event and answers its id.
    ///
    /// # Errors
    /// If the answer is not 200 with an id.
    pub async fn publish(&self, topic: &str, name: Option<&str>, data: &str) -> Result<String> {
        let query = name.map(|name| format!("?event={name}")).unwrap_or_default();
        let path = format!("/events/{topic}{query}");
        let answer = self.request(Method::POST, &path, data).await?;
        ensure!(answer.status() == StatusCode::OK, "publish answered {}", answer.status());
        let published: Published = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(published.id)
    }

    /// Ends a topic.
    ///
    /// # Errors
    /// If the answer is not a success.
    pub async fn end_topic(&self, topic: &str) -> Result<()> {
        let answer = self.request(Method::DELETE, &format!("/events/{topic}"), "").await?;
        ensure!(answer.status().is_success(), "ending a topic answered {}", answer.status());
        Ok(())
    }

    /// The position after the newest event: what `HEAD` answers in `Last-Event-ID`.
    ///
    /// # Errors
    /// If there is no such header.
    pub async fn cursor(&self, topic: &str) -> Result<String> {
        let answer = self.request(Method::HEAD, &format!("/events/{topic}"), "").await?;
        let cursor = answer.headers().get("last-event-id").context("HEAD has no Last-Event-ID")?;
        Ok(cursor.to_str()?.to_owned())
    }

    /// Sends SIGTERM and waits until the process has ended. Nothing happens if it has ended before.
    ///
    /// # Errors
    /// If it does not end, or ends badly.
    pub async fn terminate(&mut self) -> Result<()> {
        let Some(pid) = self.process.id() else { return Ok(()) };
        Process::of(pid).signal("TERM")?;
        self.exited().await
    }

    /// Waits until the process has ended, after a signal.
    ///
    /// # Errors
    /// If it does not end, or ends badly.
    pub async fn exited(&mut self) -> Result<()> {
        let status: ExitStatus =
            within("the server to end after SIGTERM", async { Ok(self.process.wait().await?) }).await?;
        ensure!(status.success(), "after SIGTERM the server ended with {status}");
        Ok(())
    }

    /// Kills it, so that it can do nothing about it.
    ///
    /// # Errors
    /// If the system refuses.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }

    /// What it costs, and signals to it.
    ///
    /// # Errors
    /// If it has ended.
    pub fn process(&self) -> Result<Process> {
        Ok(Process::of(self.process.id().context("the server has ended")?))
    }

    async fn request(&self, method: Method, path: &str, body: &str) -> Result<Response> {
        let request = http()?.request(method, self.url(path)).body(body.to_owned());
        within(path, async { Ok(request.send().await?) }).await
    }
}

/// An HTTP client that goes straight to loopback, whatever the environment says about proxies.
pub(crate) fn http() -> Result<Client> {
    Ok(Client::builder().no_proxy().build()?)
}

async fn announced(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<SocketAddr> {
    while let Some(line) = lines.next_line().await? {
        let Some((_, address)) = line.split_once("listening on http://") else { continue };
        let end = address.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(address.len());
        return Ok(address[..end].parse()?);
    }
    anyhow::bail!("the server ended before it listened")
}
