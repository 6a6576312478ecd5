//! Runs the program, and reads what it leaves behind.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sse_loadgen::report::Summary;
use tempfile::TempDir;

/// Longer than anything here takes: whoever waits as long has found a fault.
const PATIENCE: Duration = Duration::from_secs(50);
/// For conditions that nothing tells of.
const LOOK: Duration = Duration::from_millis(5);

/// A run under way. Ended when dropped.
pub(crate) struct Run {
    child: Child,
    files: TempDir,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// None: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) table: String,
    /// What it said on standard error.
    pub(crate) said: String,
    pub(crate) summary: Option<Summary>,
}

/// A short run: nothing is waited for that a test does not ask for.
pub(crate) fn quick(args: &str) -> Outcome {
    Run::start(&format!("--quiet --warmup 0s --settle 0s {args}")).finish()
}

/// Many at once, in order.
pub(crate) fn all<T: Send, R: Send>(cases: Vec<T>, run: impl Fn(T) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || run(case))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

impl Run {
    /// Arguments are separated by spaces; a scenario goes first, if it is not `run`.
    pub(crate) fn start(args: &str) -> Self {
        let scenarios = ["storm", "churn", "slow", "resume", "request"];
        let (scenario, args): (Vec<_>, Vec<_>) =
            args.split_whitespace().partition(|arg| scenarios.contains(arg));
        let mut command = Command::new(env!("CARGO_BIN_EXE_sse-loadgen"));
        command.args(scenario).args(args);
        Self::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let files = tempfile::tempdir().unwrap();
        let file = |name| File::create(files.path().join(name)).unwrap();
        command.arg("--json").arg(files.path().join("json"));
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        Self { child: command.spawn().unwrap(), files }
    }

    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.files.path().join("err")).unwrap()
    }

    /// Until the program has said this.
    pub(crate) fn until_said(&mut self, what: &str) {
        until(what, || {
            let over = self.child.try_wait().unwrap();
            assert!(over.is_none(), "it ended, and has only said {:?}", self.said());
            self.said().contains(what)
        });
    }

    /// The workers' process ids.
    pub(crate) fn workers(&self) -> Vec<i32> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        children.split_whitespace().map(|id| id.parse().unwrap()).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(i32::try_from(self.child.id()).unwrap(), signal);
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn finish(mut self) -> Outcome {
        until("its end", || self.is_over());
        let path = |name| -> PathBuf { self.files.path().join(name) };
        let json = fs::read_to_string(path("json")).ok();
        Outcome {
            code: self.child.wait().unwrap().code(),
            table: fs::read_to_string(path("out")).unwrap(),
            said: self.said(),
            summary: json.map(|json| serde_json::from_str(&json).unwrap()),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It has ended, unless a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    /// The report of a run whose figures may not be trusted here, on a machine that does something else too: what was
    /// counted holds all the same.
    pub(crate) fn counted(self) -> Summary {
        assert!(matches!(self.code, Some(0 | 4)), "{:?} {}{}", self.code, self.said, self.table);
        self.summary.unwrap()
    }
}

pub(crate) fn send(id: i32, signal: Signal) {
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(LOOK);
    }
}
