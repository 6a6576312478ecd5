//! Commands that run beside the step that started them: ended with their owner, waited for with a deadline, and with
//! their output readable while they run.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running command. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Background {
    child: Child,
    /// What `kill` is told: the id of the command, or of the group that it leads.
    address: String,
}

impl Background {
    /// Starts a command that has no children of its own. A Ctrl-C in the terminal reaches it too.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = spawn(command)?;
        Ok(Self { address: child.id().to_string(), child })
    }

    /// Starts a command whose children must end with it. It leads a group of its own, which a Ctrl-C in the terminal
    /// does not reach.
    pub(crate) fn start_group(command: &mut Command) -> Result<Self> {
        let child = spawn(command.process_group(0))?;
        Ok(Self { address: format!("-{}", child.id()), child })
    }

    /// Starts a command like [`start`](Self::start) and records what it writes to stdout and to stderr.
    pub(crate) fn record(
        command: &mut Command,
        label: &str,
        out: &Transcript,
        err: &Transcript,
    ) -> Result<Self> {
        let mut background = Self::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let (stdout, stderr) = (background.child.stdout.take(), background.child.stderr.take());
        out.follow(stdout.expect("stdout is piped"), label);
        err.follow(stderr.expect("stderr is piped"), label);
        Ok(background)
    }

    /// Of the command itself.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the command to end, as an operator or an init system would.
    pub(crate) fn terminate(&self) -> Result<()> {
        self.signal("TERM")
    }

    /// Awaits the end of the command: `None` when it is still running after `limit`.
    pub(crate) fn exit(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            // The standard library can wait for a child, or look at it, but cannot wait with a limit.
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal(&self, name: &str) -> Result<()> {
        // No signal can be sent without unsafe code or a dependency; `kill` is on every system that has `cargo`.
        let kill = Command::new("kill").args([&format!("-{name}"), "--", &self.address]).status()?;
        if !kill.success() {
            bail!("cannot send SIG{name} to {}", self.address);
        }
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Once it has been waited for, its id may belong to somebody else.
        if let Ok(Some(_)) = self.child.try_wait() {
            return;
        }
        let _ = self.signal("KILL");
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let program = command.get_program().to_owned();
    command.spawn().with_context(|| format!("cannot start `{}`", program.display()))
}

/// What commands have written so far. Clones share the same text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transcript(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    text: String,
    /// How many streams may still add to the text.
    open: usize,
}

impl Transcript {
    /// Awaits what `find` looks for in the text. Fails with the text when it does not come up within `limit`.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        self.wait(what, limit, |written| find(&written.text))
    }

    /// Awaits that nothing more can come, and returns all that came.
    ///
    /// A command may be gone before its last words have been read.
    pub(crate) fn whole(&self, limit: Duration) -> Result<String> {
        self.wait("the end of the output", limit, |written| (written.open == 0).then(|| written.text.clone()))
    }

    fn wait<T>(&self, what: &str, limit: Duration, find: impl Fn(&Written) -> Option<T>) -> Result<T> {
        let Shared { written, changed } = &*self.0;
        let written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let (written, _) = changed
            .wait_timeout_while(written, limit, |written| find(written).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        find(&written)
            .with_context(|| format!("{what} did not come within {limit:?}; what came: {:?}", written.text))
    }

    /// Appends each line of `stream` as it comes and shows it on the terminal, until the stream ends.
    fn follow(&self, stream: impl Read + Send + 'static, label: &str) {
        let (transcript, label) = (self.clone(), label.to_owned());
        transcript.change(|written| written.open += 1);
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // A stream that breaks has nothing more to say, as one that ends.
            while let Ok(1..) = stream.read_until(b'\n', &mut line) {
                let text = String::from_utf8_lossy(&line);
                println!("{label} | {}", text.trim_end());
                transcript.change(|written| written.text.push_str(&text));
                line.clear();
            }
            transcript.change(|written| written.open -= 1);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.0.written.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn record(script: &str) -> (Background, Transcript) {
        let transcript = Transcript::default();
        let mut bash = Command::new("bash");
        let bash = bash.args(["-c", script]).stdin(Stdio::null());
        (Background::record(bash, "test", &transcript, &transcript).unwrap(), transcript)
    }

    fn pid(text: &str) -> Option<u32> {
        text.lines().find_map(|line| line.strip_prefix("pid ")?.parse().ok())
    }

    fn is_running(pid: u32) -> bool {
        // A zombie still takes signals, so ask for the state.
        let state = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
        let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
        !state.is_empty() && !state.starts_with('Z')
    }

    #[test]
    fn output_is_seen_while_the_command_runs() {
        let (mut cat, transcript) = record("echo hello; exec sleep 1000");

        transcript.wait_for("the greeting", SOON, |text| text.find("hello\n")).unwrap();
        assert_eq!(cat.exit(Duration::ZERO).unwrap(), None);
    }

    #[test]
    fn what_does_not_come_is_told_with_what_came() {
        let (mut echo, transcript) = record("echo hello");
        echo.exit(SOON).unwrap();
        transcript.wait_for("the greeting", SOON, |text| text.find("hello")).unwrap();

        let error = transcript
            .wait_for("a farewell", Duration::ZERO, |text| text.find("bye"))
            .unwrap_err()
            .to_string();

        assert!(error.contains("a farewell") && error.contains("hello"), "{error}");
    }

    #[test]
    fn terminate_lets_the_command_choose_its_exit_code() {
        let (mut bash, transcript) =
            // A signal that comes just before a wait does not interrupt it: so no wait is long.
            record("trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done");
        transcript.wait_for("the trap", SOON, |text| text.find("ready")).unwrap();

        bash.terminate().unwrap();

        assert_eq!(bash.exit(SOON).unwrap().and_then(|status| status.code()), Some(7));
    }

    #[test]
    fn dropping_kills() {
        let (sleeper, transcript) = record("echo pid $$; exec sleep 1000");
        let pid = transcript.wait_for("the id", SOON, pid).unwrap();
        assert!(is_running(pid));

        drop(sleeper);

        assert!(!is_running(pid));
    }

    #[test]
    fn dropping_a_group_kills_its_children() {
        let file = std::env::temp_dir().join(format!("xtask-group-{}", std::process::id()));
        let script = format!("sleep 1000 & echo pid $! >{0}.new && mv {0}.new {0}; wait", file.display());
        let group = Background::start_group(Command::new("bash").args(["-c", &script])).unwrap();
        let child = loop {
            if let Some(pid) = std::fs::read_to_string(&file).ok().as_deref().and_then(pid) {
                break pid;
            }
            thread::yield_now();
        };
        assert!(is_running(child));

        drop(group);

        while is_running(child) {
            thread::yield_now();
        }
        std::fs::remove_file(file).unwrap();
    }
}
