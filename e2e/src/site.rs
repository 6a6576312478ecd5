//! The web site that the test pages come from: files of a few folders, nothing else.
//!
//! It is a server of its own so that the hub is another origin for the page, as it is in production.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::tools;

/// A running site.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    serving: AbortHandle,
}

/// URL prefix, and the folder behind it.
type Folders = Vec<(&'static str, PathBuf)>;

impl Site {
    /// Serves the test pages under `/` and the npm packages under `/npm/`.
    ///
    /// # Errors
    /// If the packages are missing, or if it cannot listen.
    pub async fn start() -> Result<Self> {
        let packages = tools::node_packages()?.join("node_modules");
        let folders = Arc::new(vec![("/npm/", packages), ("/", tools::clients("browser"))]);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // A browser that gives up a connection is no failure of the site.
                tokio::spawn(answer(connection, Arc::clone(&folders)));
            }
        });
        Ok(Self { address, serving: serving.abort_handle() })
    }

    /// What the browser sends in `Origin`, and what the hub's `--allow-origin` wants.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(connection: TcpStream, folders: Arc<Folders>) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut first = String::new();
    connection.read_line(&mut first).await?;
    let mut header = String::new();
    while connection.read_line(&mut header).await? > 2 {
        header.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or("/");
    let (status, kind, body) = match file(path, &folders) {
        Some(file) => ("200 OK", content_type(&file), tokio::fs::read(&file).await?),
        None => ("404 Not Found", "text/plain", Vec::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(&body).await?;
    connection.shutdown().await
}

fn file(path: &str, folders: &Folders) -> Option<PathBuf> {
    let (prefix, folder) = folders.iter().find(|(prefix, _)| path.starts_with(prefix))?;
    let file = folder.join(&path[prefix.len()..]);
    // The modules of fetch-event-source import each other without the extension, as bundlers have it.
    let module = file.with_extension("js");
    [file, module].into_iter().find(|file| file.is_file())
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "application/octet-stream",
    }
}
