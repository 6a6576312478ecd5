//! A client program in Python or Node: a child that writes one JSON object a line for each thing it saw.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::seen::{Client, Seen};
use crate::tools;

/// A running client. Killed on drop.
#[derive(Debug)]
pub struct Program {
    process: Child,
    seen: Arc<Mutex<Vec<Result<Seen, String>>>>,
}

impl Program {
    /// Starts a program of `clients/python` with the interpreter that has httpx-sse.
    ///
    /// # Errors
    /// If a tool is missing.
    pub fn python(script: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(tools::python()?);
        // One object a line at once, not when a buffer is full.
        command.arg("-u").arg(tools::clients("python").join(script)).args(arguments);
        Self::start(command)
    }

    /// Starts a program of `clients/node`; it finds its packages through `E2E_NODE_PACKAGES`.
    ///
    /// # Errors
    /// If a tool is missing.
    pub fn node(script: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(tools::program("node", "apt-get install -y nodejs npm")?);
        command
            .arg(tools::clients("node").join(script))
            .args(arguments)
            // Node looks for a package from the place of a file, which need not exist.
            .env("E2E_NODE_PACKAGES", tools::node_packages()?.join("any.mjs"));
        Self::start(command)
    }

    fn start(mut command: Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{command:?} does not start"))?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stdout = process.stdout.take().expect("stdout is piped");
        tokio::spawn(collect(stdout, Arc::clone(&seen)));
        Ok(Self { process, seen })
    }
}

impl Client for Program {
    async fn seen(&mut self) -> Result<Vec<Seen>> {
        if let Some(status) = self.process.try_wait()?
            && !status.success()
        {
            bail!("the client ended with {status}");
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().cloned().collect::<Result<_, _>>().map_err(anyhow::Error::msg)
    }
}

async fn collect(stdout: ChildStdout, seen: Arc<Mutex<Vec<Result<Seen, String>>>>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let parsed = serde_json::from_str(&line).map_err(|error| format!("{error} in the line {line:?}"));
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(parsed);
    }
}
