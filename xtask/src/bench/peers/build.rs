//! What a peer needs before it can be started: toolchains, packages, a build.
//!
//! All of it ends up under `peers` in the build directory, apart from what this workspace builds itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Kind, Presence};
use crate::invocation::Invocation;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

pub(super) fn prepare(kind: Kind, workspace: &Workspace) -> Result<Presence> {
    let built = match kind {
        Kind::Floor => {
            Invocation::cargo("build --release --locked -p benches --bin floor").run(workspace)?;
            return Ok(Presence::Ready);
        }
        Kind::Hub(_) => return hub(workspace),
        Kind::ActixLab => build_rust_peer(workspace, "actix-lab"),
        Kind::Axum => build_rust_peer(workspace, "axum"),
        Kind::BetterSse => build_better_sse(workspace),
        Kind::Go => build_go(workspace),
        Kind::Nchan => install(workspace, Need::Nchan),
    };
    // A machine without Go, or without a network, can measure the others.
    Ok(built.map_or_else(|error| Presence::Missing(format!("{error:#}")), |()| Presence::Ready))
}

fn hub(workspace: &Workspace) -> Result<Presence> {
    let server = workspace.release_server()?;
    let help = Invocation::path(&server).args(["--help"]).output(workspace)?;
    if !help.contains("--sink") {
        return Ok(Presence::Missing("this server has no --sink to choose with".to_owned()));
    }
    Ok(Presence::Ready)
}

fn build_rust_peer(workspace: &Workspace, name: &str) -> Result<()> {
    let manifest = source(workspace, name).join("Cargo.toml");
    Invocation::cargo("build --release --locked --manifest-path")
        .args([manifest.to_string_lossy()])
        .args(["--target-dir".into(), folder(workspace).to_string_lossy()])
        .run(workspace)
}

/// The binary that building leaves.
pub(super) fn rust_peer(workspace: &Workspace, name: &str) -> PathBuf {
    folder(workspace).join("release").join(format!("peer-{name}"))
}

fn build_go(workspace: &Workspace) -> Result<()> {
    install(workspace, Need::Go)?;
    // Before Go 1.20 it builds where it is started only.
    Invocation::new("env")
        .args(["-C".into(), source(workspace, "go").to_string_lossy()])
        .args(["go", "build"])
        .args(["-o".into(), go(workspace).to_string_lossy()])
        .run(workspace)
}

/// The binary that building leaves.
pub(super) fn go(workspace: &Workspace) -> PathBuf {
    folder(workspace).join("release/peer-go")
}

fn build_better_sse(workspace: &Workspace) -> Result<()> {
    install(workspace, Need::Node)?;
    let folder = better_sse(workspace);
    setup::install_node_packages(workspace, "benches/peers/better-sse", &folder)?;
    // Packages are found from where the script lies.
    let script = source(workspace, "better-sse").join("main.js");
    fs::copy(&script, folder.join("main.js")).with_context(|| format!("cannot copy {}", script.display()))?;
    Ok(())
}

/// Where its script and its packages lie.
pub(super) fn better_sse(workspace: &Workspace) -> PathBuf {
    folder(workspace).join("better-sse")
}

fn install(workspace: &Workspace, need: Need) -> Result<()> {
    setup::prepare(workspace, &BTreeSet::from([need]))
}

/// Where its source is.
pub(super) fn source(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.root().join("benches/peers").join(name)
}

/// Where all of them are built. Absolute, since not every tool runs in the root of the repository.
pub(super) fn folder(workspace: &Workspace) -> PathBuf {
    std::path::absolute(workspace.target().join("peers"))
        .unwrap_or_else(|_| Path::new("target/peers").to_path_buf())
}
