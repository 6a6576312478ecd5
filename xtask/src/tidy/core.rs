//! The rules about sse-core that its documentation promises: no unsafe code, no HTTP, no async runtime.

use anyhow::Result;

use super::Complaint;
use crate::invocation::Invocation;
use crate::workspace::Workspace;

const MANIFEST: &str = "crates/sse-core/Cargo.toml";
const ROOT_MODULE: &str = "crates/sse-core/src/lib.rs";

/// What speaks HTTP, opens sockets or runs futures. A name covers the crates that begin with it and a hyphen, too.
const BANNED: &[&str] = &[
    "actix",
    "async-std",
    "axum",
    "h2",
    "h3",
    "http",
    "hyper",
    "mio",
    "reqwest",
    "smol",
    "socket2",
    "tokio",
];

pub(super) fn check_source(path: &str, text: &str) -> Option<Complaint> {
    let forbids = |text: &str| text.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]");
    let what = "add `#![forbid(unsafe_code)]`; `deny` of the workspace lints can be lifted by a module";
    (path == ROOT_MODULE && !forbids(text)).then(|| Complaint::new(path, 1, what))
}

/// Every crate that sse-core is built from, one a line.
pub(super) fn dependency_tree(workspace: &Workspace) -> Result<String> {
    Invocation::cargo("tree -p sse-core --edges normal --prefix none --locked").output(workspace)
}

pub(super) fn check_dependencies(tree: &str) -> Vec<Complaint> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| is_banned(name));
    let what = |name| {
        format!("`{name}` is in the tree: what knows HTTP, sockets or a runtime belongs to sse-server")
    };
    names.map(|name| Complaint::new(MANIFEST, 1, what(name))).collect()
}

fn is_banned(name: &str) -> bool {
    BANNED
        .iter()
        .any(|banned| name.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_that_speak_http_or_run_futures_are_found() {
        let tree = "sse-core v0.1.0\nbytes v1.12.1\nactix-rt v2.11.0\nhttp v1.4.0\nhttparse v1.10.1\ntokio v1.54.1\n";

        let found = check_dependencies(tree);

        let names: Vec<_> = found.iter().filter_map(|complaint| complaint.what.split('`').nth(1)).collect();
        assert_eq!(names, ["actix-rt", "http", "tokio"]);
    }

    #[test]
    fn the_root_module_forbids_unsafe_code() {
        assert_eq!(check_source(ROOT_MODULE, "//! Core.\n#![forbid(unsafe_code)]\n"), None);
        assert!(check_source(ROOT_MODULE, "//! Core.\n// #![forbid(unsafe_code)]\n").is_some());
        assert_eq!(check_source("crates/sse-server/src/lib.rs", "//! Server.\n"), None);
    }
}
