//! A reverse proxy that people put in front of a hub: nginx or HAProxy, with a configuration that is theirs.
//!
//! The file is used as it is, but for what is different on every machine: ports, users, limits, and where files are.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::deadline::until;
use crate::tools;

/// How long a proxy may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HAProxy.
    Haproxy,
    /// nginx.
    Nginx,
}

/// A running proxy. Killed on drop.
#[derive(Debug)]
pub struct Front {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

/// What a proxy is told, before it is known where it will run.
#[derive(Clone, Debug)]
pub struct Configuration {
    kind: Kind,
    text: String,
}

impl Configuration {
    /// A file under `deploy/`, to be put in front of a hub.
    ///
    /// # Errors
    /// If the file does not name the server.
    pub fn deployed(kind: Kind, hub: SocketAddr) -> Result<Self> {
        let name = match kind {
            Kind::Haproxy => "haproxy.cfg",
            Kind::Nginx => "nginx.conf",
        };
        let text = std::fs::read_to_string(tools::workspace().join("deploy").join(name))?;
        ensure!(text.contains(" 127.0.0.1:8080"), "{name} does not name the server");
        Ok(Self { kind, text: text.replace(" 127.0.0.1:8080", &format!(" {hub}")) })
    }

    /// A configuration of the test's own, which listens on port 80 as those do.
    #[must_use]
    pub fn own(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The same with `new` in the place of `old`, which has to be there once, comments apart.
    ///
    /// # Errors
    /// If it is not, or is there more than once.
    pub fn with(mut self, old: &str, new: &str) -> Result<Self> {
        let is_code = |line: &&str| !line.trim_start().starts_with('#') && line.contains(old);
        let found = self.text.lines().filter(is_code).count();
        ensure!(found == 1, "{old:?} is in {found} lines of the configuration");
        let replace = |line| if is_code(&line) { line.replace(old, new) } else { line.to_owned() };
        self.text = self.text.lines().map(replace).collect::<Vec<_>>().join("\n") + "\n";
        Ok(self)
    }
}

impl Front {
    /// Starts the proxy on a free port and waits until it listens.
    ///
    /// # Errors
    /// If the program is missing, or ends instead of listening.
    pub async fn start(configuration: &Configuration) -> Result<Self> {
        let folder = TempDir::new()?;
        // Neither of them can be asked which port it took, so it is told one that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (configuration, mut command) = match configuration.kind {
            Kind::Nginx => {
                let file = path("nginx.conf");
                let configuration = configuration.clone().with("listen 80", &format!("listen {address}"))?;
                // Temporary files, which only a configuration that buffers writes, are of no use elsewhere.
                let kinds = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"];
                let temporary = kinds.map(|kind| format!("{kind}_temp_path {};", path(kind))).concat();
                let configuration = configuration.with("http {", &format!("http {{ {temporary}"))?;
                let mut command = Command::new(program("nginx")?);
                command.args(["-p", &path(""), "-e", "stderr", "-c", &file, "-g", "daemon off;"]);
                (configuration, command)
            }
            Kind::Haproxy => {
                let configuration = configuration.clone().with("bind :80", &format!("bind {address}"))?;
                let mut command = Command::new(program("haproxy")?);
                command.args(["-db", "-f", &path("haproxy.cfg")]);
                (configuration, command)
            }
        };
        let mut text = configuration.text;
        for (old, new) in [
            ("/run/nginx.pid", path("pid")),
            ("/var/log/nginx/error.log", "stderr".to_owned()),
            ("/var/log/nginx/access.log", path("access.log")),
            // Only root can become somebody else, and then could not write to this folder.
            ("user www-data;", String::new()),
            // Most machines on which tests run allow less, and neither takes that for an answer.
            ("worker_rlimit_nofile 131072;", String::new()),
            ("worker_connections 65536;", "worker_connections 1024;".to_owned()),
            ("maxconn 65536", "maxconn 1024".to_owned()),
        ] {
            text = text.replace(old, &new);
        }
        std::fs::write(folder.path().join("nginx.conf"), &text)?;
        std::fs::write(folder.path().join("haproxy.cfg"), &text)?;
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let mut front = Self { process, address, _folder: folder };
        front.listens().await?;
        Ok(front)
    }

    /// The URL of a path that begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn listens(&mut self) -> Result<()> {
        let address = self.address;
        let process = &mut self.process;
        until("the proxy to listen", async || {
            ensure!(process.try_wait()?.is_none(), "the proxy has ended; its last words are above");
            Ok(TcpStream::connect(address).await.map(drop).map_err(|error| error.to_string()))
        })
        .await
    }
}

fn program(name: &str) -> Result<PathBuf> {
    tools::program(name, &format!("apt-get install -y {name}"))
        .with_context(|| format!("/usr/sbin, where {name} is on Debian, has to be on the PATH"))
}

impl Drop for Front {
    fn drop(&mut self) {
        // nginx leaves its workers behind when it is killed: it has to be asked. It takes milliseconds.
        let Some(pid) = self.process.id() else { return };
        let _ = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status();
        let end = Instant::now() + PATIENCE;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
