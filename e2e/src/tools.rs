//! Where the tools are, and which line installs one that is missing. Nothing is looked for anywhere else.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The root of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace")
}

/// The directory of the client programs: `browser`, `node` or `python`.
#[must_use]
pub fn clients(kind: &str) -> PathBuf {
    workspace().join("e2e/clients").join(kind)
}

/// The binary under test.
///
/// # Errors
/// If it has not been built.
pub fn server_binary() -> Result<PathBuf> {
    let path = env::var_os("SSE_SERVER_BIN")
        .map_or_else(|| workspace().join("target/release/sse-server"), PathBuf::from);
    ensure!(path.is_file(), "no server at {}: run `cargo build --release -p sse-server`", path.display());
    Ok(path)
}

/// The Python interpreter that has httpx-sse.
///
/// # Errors
/// If `cargo xtask setup` has not been run.
pub fn python() -> Result<PathBuf> {
    installed("venv/bin/python")
}

/// The directory that holds `node_modules`.
///
/// # Errors
/// If `cargo xtask setup` has not been run.
pub fn node_packages() -> Result<PathBuf> {
    installed("node/node_modules/@microsoft/fetch-event-source")?;
    installed("node/node_modules/eventsource")?;
    installed("node")
}

/// A program of the system, by name.
///
/// # Errors
/// If it is not on `PATH`, with the line that installs it.
pub fn program(name: &str, install: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").context("PATH is not set")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .with_context(|| format!("{name} is not on PATH: run `{install}`"))
}

/// curl.
///
/// # Errors
/// If it is not installed.
pub fn curl() -> Result<PathBuf> {
    program("curl", "apt-get install -y curl")
}

fn installed(path: &str) -> Result<PathBuf> {
    let path = workspace().join("target/e2e").join(path);
    ensure!(path.exists(), "{} is missing: run `cargo xtask setup`", path.display());
    Ok(path)
}
