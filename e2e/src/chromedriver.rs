//! chromedriver and the processes of its browser: they have one folder, and when it goes they have gone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::deadline::{DEADLINE, within};
use crate::tools;

const INSTALL: &str = "apt-get update && apt-get install -y chromium chromium-driver";

/// A running chromedriver. On drop its browser is closed, what is left of it is killed, and the folder is removed.
#[derive(Debug)]
pub(crate) struct Chromedriver {
    process: Child,
    port: u16,
    session: Option<String>,
    folder: TempDir,
}

impl Chromedriver {
    pub(crate) async fn start() -> Result<Self> {
        tools::program("chromium", INSTALL)?;
        let folder = TempDir::new()?;
        let mut process = Command::new(tools::program("chromedriver", INSTALL)?)
            .arg("--port=0")
            // Chromium strews files over the folder for temporary files.
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let port = within("the port of chromedriver", port(&mut process)).await?;
        Ok(Self { process, port, session: None, folder })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the browser must have its profile: by this it is known for ours.
    pub(crate) fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    /// The session to close on drop.
    pub(crate) fn has_session(&mut self, id: String) {
        self.session = Some(id);
    }

    /// Has the browser closed, and waits until it is. No executor is needed, for a test that has failed has none.
    fn close_session(&self) -> std::io::Result<()> {
        let Some(session) = &self.session else { return Ok(()) };
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_read_timeout(Some(DEADLINE))?;
        write!(connection, "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
        // The answer comes when the browser has gone; nothing in it matters.
        connection.read(&mut [0; 64]).map(drop)
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // A browser that does not close is killed like the rest.
        let _ = self.close_session();
        // The driver first, or it might start what is killed here.
        kill(self.process.id());
        // Some of the browser's processes outlive it for a moment, and still write to the folder.
        for _ in 0..100 {
            let left = processes_of(self.folder.path());
            if left.is_empty() {
                return;
            }
            kill(left);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

async fn port(chromedriver: &mut Child) -> Result<u16> {
    let stdout = chromedriver.stdout.take().expect("stdout is piped");
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        let Some((_, port)) = line.split_once("started successfully on port ") else { continue };
        // chromedriver writes on for as long as it lives.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        return Ok(port.trim_end_matches('.').parse()?);
    }
    bail!("chromedriver ended before it listened")
}

/// The processes that name a file in `folder` on their command line, as all of a browser's do with its profile.
fn processes_of(folder: &Path) -> Vec<u32> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        command.windows(folder.len()).any(|part| part == folder)
    })
    .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    .collect()
}

fn kill(pids: impl IntoIterator<Item = u32>) {
    for pid in pids {
        // A process that has ended by itself makes `kill` complain, which is no failure.
        let kill = ["-KILL", &pid.to_string()];
        let _ = std::process::Command::new("kill").args(kill).stderr(Stdio::null()).status();
    }
}
