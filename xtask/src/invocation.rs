//! One command line: shown as it could be pasted into a shell, and run from the root of the repository.

use std::borrow::Cow;
use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Invocation {
    pub(crate) fn new(program: impl Into<String>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new() }
    }

    /// `cargo` with arguments that are split at spaces; there is no quoting.
    ///
    /// `cargo` comes from the `PATH` and not from `$CARGO`: only rustup's proxy understands `+nightly`, and it keeps
    /// to the toolchain that this binary was started with.
    pub(crate) fn cargo(args: &str) -> Self {
        Self::new("cargo").args(args.split_whitespace())
    }

    pub(crate) fn path(program: &Path) -> Self {
        Self::new(program.to_string_lossy())
    }

    pub(crate) fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same on these cores only, as `taskset` writes them.
    pub(crate) fn pinned(self, cores: &str) -> Self {
        self.under(Self::new("taskset").args(["-c", cores]))
    }

    /// The same with so many open files allowed, of which the program need know nothing.
    pub(crate) fn with_open_files(self, files: u64) -> Self {
        self.under(Self::new("prlimit").args([format!("--nofile={files}:{files}")]))
    }

    /// As the last arguments of a program that becomes this one.
    fn under(self, outer: Self) -> Self {
        Self { env: self.env, ..outer.args([self.program]).args(self.args) }
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// For a caller that wants more than [`run`](Self::run). Reads nothing from the terminal.
    pub(crate) fn command(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(&self.program);
        // `cargo run` says which package this is. To a cargo that we start, it would say that what its build scripts saw
        // has changed since somebody called it from a shell, and a good part would be built anew, minutes long.
        for name in env::vars_os().map(|(name, _)| name).filter(|name| is_of_this_package(name)) {
            command.env_remove(name);
        }
        command
            .args(&self.args)
            .current_dir(workspace.root())
            .stdin(Stdio::null())
            .env("CARGO_TARGET_DIR", workspace.target())
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Shows the command, runs it to its end with its output going to the terminal, and fails when it does.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        println!("$ {self}");
        let status =
            self.command(workspace).status().with_context(|| format!("cannot start `{}`", self.program))?;
        if !status.success() {
            bail!("`{self}` ended with {status}");
        }
        Ok(())
    }

    /// Runs the command to its end in silence. Whether it can be started and succeeds.
    pub(crate) fn succeeds(&self, workspace: &Workspace) -> bool {
        let silent = self.command(workspace).stdout(Stdio::null()).stderr(Stdio::null()).status();
        silent.is_ok_and(|status| status.success())
    }

    /// Runs the command to its end and returns what it wrote to stdout; stderr goes to the terminal.
    pub(crate) fn output(&self, workspace: &Workspace) -> Result<String> {
        let output = self
            .command(workspace)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start `{}`", self.program))?;
        if !output.status.success() {
            bail!("`{self}` ended with {}", output.status);
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` did not write UTF-8"))
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        write!(f, "{}", quoted(&self.program))?;
        for arg in &self.args {
            write!(f, " {}", quoted(arg))?;
        }
        Ok(())
    }
}

fn is_of_this_package(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| name.starts_with(start))
}

fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_be_pasted_into_a_shell() {
        let invocation = Invocation::cargo("test --test loom*").env("RUSTFLAGS", "--cfg loom").args(["it's"]);

        assert_eq!(invocation.to_string(), r"RUSTFLAGS='--cfg loom' cargo test --test 'loom*' 'it'\''s'");
    }

    #[test]
    fn pinning_changes_where_it_runs_and_nothing_else() {
        let pinned = Invocation::new("cat").args(["a b"]).env("X", "1").pinned("1-3");

        assert_eq!(pinned.to_string(), "X=1 taskset -c 1-3 cat 'a b'");
    }

    #[test]
    fn what_is_started_is_not_told_of_this_package() {
        // These tests are run by cargo, which tells it to them.
        assert!(env::var_os("CARGO_PKG_NAME").is_some());

        let told = Invocation::new("env").output(&Workspace::here()).unwrap();

        assert!(!told.contains("CARGO_PKG_") && !told.contains("CARGO_MANIFEST_"), "{told}");
        assert!(told.contains("PATH="), "{told}");
    }

    #[test]
    fn fails_when_the_command_fails() {
        let error = Invocation::new("false").run(&Workspace::here()).unwrap_err();

        assert!(error.to_string().starts_with("`false` ended with exit status: 1"), "{error}");
    }

    #[test]
    fn says_which_program_is_missing() {
        let error = Invocation::new("no-such-program").run(&Workspace::here()).unwrap_err();

        assert_eq!(error.to_string(), "cannot start `no-such-program`");
    }
}
