//! System packages: which executables are missing, and the apt-get line that brings them.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// Something of the system that must be there.
#[derive(Debug)]
pub(super) struct Tool {
    present: Present,
    /// The Debian package that brings it.
    package: &'static str,
}

#[derive(Debug)]
enum Present {
    /// This file is where Debian has it.
    File(&'static str),
    /// This executable is on the `PATH`.
    OnPath(&'static str),
    /// Python has these modules, which Debian ships apart from it.
    PythonModules(&'static str),
}

pub(super) const BROWSER: &[Tool] =
    &[on_path("chromium", "chromium"), on_path("chromedriver", "chromium-driver")];
pub(super) const CURL: &[Tool] = &[on_path("curl", "curl")];
pub(super) const GO: &[Tool] = &[on_path("go", "golang-go")];
pub(super) const NCHAN: &[Tool] = &[
    on_path("nginx", "nginx"),
    Tool {
        present: Present::File("/usr/lib/nginx/modules/ngx_nchan_module.so"),
        package: "libnginx-mod-nchan",
    },
];
pub(super) const NODE: &[Tool] = &[on_path("node", "nodejs"), on_path("npm", "npm")];
pub(super) const PROXIES: &[Tool] = &[on_path("haproxy", "haproxy"), on_path("nginx", "nginx")];
pub(super) const PYTHON: &[Tool] = &[
    on_path("python3", "python3"),
    Tool { present: Present::PythonModules("venv, ensurepip"), package: "python3-venv" },
];
pub(super) const VALGRIND: &[Tool] = &[on_path("valgrind", "valgrind")];

const fn on_path(name: &'static str, package: &'static str) -> Tool {
    Tool { present: Present::OnPath(name), package }
}

/// # Errors
///
/// apt-get is missing, fails, or is not ours to run: the message is the line to run instead.
pub(super) fn install<'a>(workspace: &Workspace, tools: impl Iterator<Item = &'a Tool>) -> Result<()> {
    let missing: BTreeSet<&str> =
        tools.filter(|tool| !tool.is_present(workspace)).map(|tool| tool.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = Vec::from_iter(missing.iter().copied()).join(" ");
    if !is_on_path("apt-get") {
        bail!("install what the Debian packages {line} hold; there is no apt-get here to do it");
    }
    let user = Invocation::new("id").args(["-u"]).output(workspace)?;
    if user.trim() != "0" {
        bail!("not root, so run this first: sudo apt-get install -y {line}");
    }
    println!("installing {line}");
    let apt = || Invocation::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    // A list of packages that is out of date names files that are gone from the mirror.
    apt().args(["update", "--quiet"]).run(workspace)?;
    apt()
        .args(["install", "-y", "--quiet", "--no-install-recommends"])
        .args(missing)
        .run(workspace)
        .context(line)
}

impl Tool {
    fn is_present(&self, workspace: &Workspace) -> bool {
        match self.present {
            Present::File(path) => Path::new(path).is_file(),
            Present::OnPath(name) => is_on_path(name),
            Present::PythonModules(names) => {
                Invocation::new("python3").args(["-c", &format!("import {names}")]).succeeds(workspace)
            }
        }
    }
}

fn is_on_path(name: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_there() {
        let workspace = Workspace::here();

        assert!(on_path("sh", "any").is_present(&workspace));
        assert!(!on_path("no-such-program", "any").is_present(&workspace));
    }

    #[test]
    fn nothing_missing_installs_nothing() {
        install(&Workspace::here(), [on_path("sh", "no-such-package")].iter()).unwrap();
    }
}
