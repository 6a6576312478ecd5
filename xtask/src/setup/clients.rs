//! The Node and Python clients of the end-to-end tests, and the tester of the HTTP surface, installed into `e2e` in the build directory.
//!
//! What has been installed is known by a copy of its lock file, which is written last. So an install that broke off
//! is done again, and one that is up to date costs a comparison.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// `e2e/clients/node/package-lock.json` into `node/node_modules`.
pub(super) fn install_node(workspace: &Workspace) -> Result<()> {
    install_node_packages(workspace, "e2e/clients/node", &workspace.clients().join("node"))
}

/// What `package-lock.json` in the folder `source` of the repository names, into `node_modules` in `folder`.
pub(crate) fn install_node_packages(workspace: &Workspace, source: &str, folder: &Path) -> Result<()> {
    let source = workspace.root().join(source);
    let lock = source.join("package-lock.json");
    let installed = folder.join("installed.json");
    if same(&lock, &installed)? {
        return Ok(());
    }
    create(folder)?;
    for name in ["package.json", "package-lock.json"] {
        copy(&source.join(name), &folder.join(name))?;
    }
    Invocation::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--prefix"])
        .args([folder.to_string_lossy()])
        .run(workspace)?;
    copy(&lock, &installed)
}

/// `e2e/clients/python/requirements.txt` into the virtual environment `venv`.
pub(super) fn install_python(workspace: &Workspace) -> Result<()> {
    install_requirements(workspace, "e2e/clients/python/requirements.txt", "venv")
}

/// `e2e/api/requirements.txt` into `api-venv`: what it brings along must not change what the clients run on.
pub(super) fn install_api_tester(workspace: &Workspace) -> Result<()> {
    install_requirements(workspace, "e2e/api/requirements.txt", "api-venv")
}

fn install_requirements(workspace: &Workspace, requirements: &str, folder: &str) -> Result<()> {
    let requirements = workspace.root().join(requirements);
    let folder = workspace.clients().join(folder);
    let installed = folder.join("installed.txt");
    if same(&requirements, &installed)? {
        return Ok(());
    }
    create(&workspace.clients())?;
    // `--clear`: what is left of another set of packages, or of another Python, must not be found.
    Invocation::new("python3")
        .args(["-m", "venv", "--clear"])
        .args([folder.to_string_lossy()])
        .run(workspace)?;
    Invocation::path(&folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .args([requirements.to_string_lossy()])
        .run(workspace)?;
    copy(&requirements, &installed)
}

/// Whether what has been installed is what is asked for. Fails when nothing is asked for.
fn same(asked: &Path, installed: &Path) -> Result<bool> {
    let asked = fs::read(asked).with_context(|| format!("cannot read {}", asked.display()))?;
    Ok(fs::read(installed).is_ok_and(|installed| installed == asked))
}

fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
