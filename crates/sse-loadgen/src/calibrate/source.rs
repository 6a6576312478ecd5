//! The built-in server as a process of its own, on a core of its own where there is one, as long as it is needed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A server at work. Dropped, it ends.
#[derive(Debug)]
pub(super) struct Source {
    child: Child,
    /// A topic of it.
    pub(super) url: String,
}

impl Source {
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the built-in server cannot be started")?;
        let stdout = child.stdout.take();
        // From here on it ends with this, whatever it says.
        let mut source = Self { child, url: String::new() };
        let mut line = String::new();
        BufReader::new(stdout.context("stdout is piped")?).read_line(&mut line)?;
        let address =
            line.trim().strip_prefix("listening on ").context("the built-in server does not listen")?;
        keep_apart(Pid::from_child(&source.child));
        source.url = format!("{address}/events/calibrate");
        Ok(source)
    }
}

/// The first of our cores to the server, and the others to this process and those that it starts from now on. Otherwise
/// they would push each other from core to core, which is not what limits either.
fn keep_apart(server: Pid) {
    let Ok(mut ours) = sched_getaffinity(None) else { return };
    let Some(first) = (0..CpuSet::MAX_CPU).find(|&core| ours.is_set(core)).filter(|_| ours.count() > 1)
    else {
        return;
    };
    let mut theirs = CpuSet::new();
    theirs.set(first);
    ours.unset(first);
    // Where it is refused they share all cores, and the ceiling is lower.
    let _ = sched_setaffinity(Some(server), &theirs).and_then(|()| sched_setaffinity(None, &ours));
}

impl Drop for Source {
    fn drop(&mut self) {
        // If it has ended before, there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
