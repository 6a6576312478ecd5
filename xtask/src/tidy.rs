//! The rules of the house that neither rustfmt nor clippy know. Each complaint says what to do.
//!
//! A rule is a pure function over a file's text, so that it is tested without files; this file finds the files.

mod core;
mod files;
mod manifests;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// Where a rule is broken, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Complaint {
    path: String,
    line: usize,
    what: String,
}

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let mut complaints = Vec::new();
    for path in project_files(workspace)? {
        complaints.extend(files::check_name(&path));
        // What cannot be read as text is not subject to rules about text.
        let Ok(text) = fs::read_to_string(workspace.root().join(&path)) else { continue };
        complaints.extend(files::check_text(&path, &text));
        complaints.extend(manifests::check(&path, &text));
        complaints.extend(core::check_source(&path, &text));
    }
    complaints.extend(core::check_dependencies(&core::dependency_tree(workspace)?));

    complaints.iter().for_each(|complaint| println!("{complaint}"));
    if !complaints.is_empty() {
        bail!("complaints: {}", complaints.len());
    }
    Ok(Outcome::Passed)
}

/// The project's files, relative to its root: those that git tracks, and those that it would track if they were added
/// now. A rule that only sees what is committed comes too late.
fn project_files(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let list = Invocation::new("git")
        // In a container the checkout often belongs to another user, which git otherwise refuses to look at.
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output(workspace)?;
    let exists = |path: &&str| !path.is_empty() && workspace.root().join(path).is_file();
    let files: BTreeSet<String> = list.split('\0').filter(exists).map(str::to_owned).collect();
    if !files.contains("Cargo.toml") {
        bail!("git does not list the project's files in {}", workspace.root().display());
    }
    Ok(files)
}

impl Complaint {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().and_then(|own| own.to_str()).is_some_and(|own| extensions.contains(&own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_projects_files_and_not_what_was_built() {
        let files = project_files(&Workspace::here()).unwrap();

        assert!(files.contains("xtask/src/tidy.rs"));
        assert!(!files.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
    }
}
