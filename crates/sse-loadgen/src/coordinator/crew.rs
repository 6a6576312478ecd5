//! The worker processes: started, told, listened to, and ended.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::worker::{Assignment, Order, Reply};

/// How the hidden subcommand is called that makes a process a worker.
pub const WORKER_COMMAND: &str = "worker";

/// All workers of a run. They end when this is dropped: their standard input ends.
#[derive(Debug)]
pub(super) struct Crew {
    workers: Vec<Worker>,
    inbox: Receiver<Said>,
    outbox: Sender<Said>,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    orders: ChildStdin,
}

/// What reaches the coordinator.
#[derive(Debug)]
pub(super) enum Said {
    /// A worker said something.
    Reply(usize, Reply),
    /// A worker's output has ended, or was not understood.
    Gone(usize),
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Crew {
    /// Starts a process for each assignment, of this same program.
    ///
    /// # Errors
    ///
    /// A process cannot be started or written to.
    pub(super) fn start(assignments: &[Assignment]) -> io::Result<Self> {
        let (outbox, inbox) = mpsc::channel();
        let mut crew = Self { workers: Vec::new(), inbox, outbox };
        let program = std::env::current_exe()?;
        for (number, assignment) in assignments.iter().enumerate() {
            // A group of its own: Ctrl-C on a terminal is for the coordinator, which asks for the report.
            let mut child = Command::new(&program)
                .arg(WORKER_COMMAND)
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let orders = child.stdin.take().expect("it was asked for");
            let replies = child.stdout.take().expect("it was asked for");
            let outbox = crew.outbox.clone();
            thread::Builder::new().name(format!("worker {number}")).spawn(move || {
                for line in BufReader::new(replies).lines() {
                    let Some(reply) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else {
                        break;
                    };
                    if outbox.send(Said::Reply(number, reply)).is_err() {
                        return;
                    }
                }
                let _ = outbox.send(Said::Gone(number));
            })?;
            crew.workers.push(Worker { child, orders });
            crew.write(number, assignment)?;
        }
        Ok(crew)
    }

    /// Where others, a signal's thread, may put what the coordinator should hear.
    #[must_use]
    pub(super) fn outbox(&self) -> Sender<Said> {
        self.outbox.clone()
    }

    /// The next thing that somebody says, if it is said in time.
    pub(super) fn next(&self, timeout: Duration) -> Option<Said> {
        self.inbox.recv_timeout(timeout).ok()
    }

    /// Tells all. One that is gone does not keep the others from hearing it: its end is told by [`Said::Gone`].
    pub(super) fn tell(&mut self, order: &Order) {
        for number in 0..self.workers.len() {
            let _ = self.write(number, order);
        }
    }

    /// How many there are.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.workers.len()
    }

    fn write(&mut self, number: usize, line: &impl serde::Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let orders = &mut self.workers[number].orders;
        orders.write_all(&bytes)?;
        orders.flush()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        for mut worker in self.workers.drain(..) {
            drop(worker.orders);
            while Instant::now() < deadline {
                match worker.child.try_wait() {
                    Ok(None) => thread::sleep(Duration::from_millis(5)),
                    _ => break,
                }
            }
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}
