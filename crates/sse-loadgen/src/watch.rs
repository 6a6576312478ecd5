//! What the server costs: its CPU time, memory and descriptors, read from outside while it is under load.
//!
//! It has to run on this machine. What it asks of other processes (a database) is not counted, nor what the kernel
//! does for it outside its system calls. What the kernel's sockets take is counted for the whole machine alone.

mod cost;
mod listeners;
mod target;
mod watched;

use std::collections::BTreeSet;

use procfs::ProcError;
use serde::Serialize;
use thiserror::Error;

use crate::clock;
use watched::Watched;

pub use cost::{Connected, Cost, Cpu, KernelPerConnection, Points};
pub use listeners::listeners;
pub use target::{WatchTarget, WatchTargetError};

/// The processes of a server.
#[derive(Debug)]
pub struct Watch {
    watched: Vec<Watched>,
}

/// Why a server cannot be watched.
#[derive(Debug, Error)]
pub enum WatchError {
    /// No listener in this network namespace.
    #[error("nothing listens on TCP port {0} of this machine")]
    NoListener(u16),
    /// There is a listener, but no process that may be looked into has it.
    #[error(
        "what listens on TCP port {port} belongs to another user (uid {uid}) or another container: watch it as that user \
         or as root, from where its processes are seen"
    )]
    HiddenListener {
        /// The port.
        port: u16,
        /// The user that the socket belongs to.
        uid: u32,
    },
    /// It has ended, or never was.
    #[error("there is no process {0}")]
    NoProcess(i32),
    /// Its descriptors may not be counted: before Linux 6.2 only the same user and root may.
    #[error("process {pid} belongs to another user (uid {uid}): watch it as that user or as root")]
    Foreign {
        /// The process.
        pid: i32,
        /// Its user.
        uid: u32,
    },
    /// Without `/proc` nothing is known of other processes.
    #[error("/proc cannot be read")]
    Unreadable(#[from] ProcError),
}

/// What all watched processes use together, at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// When it was taken, on [`clock`].
    pub at: u64,
    /// Nanoseconds on a core since they were started, of all their threads. It never falls: one that has ended counts
    /// with what it was last seen to have used.
    pub cpu_ns: u64,
    /// What of it was spent in the program, by the kernel's ticks (10 ms): only its ratio to the next is of use.
    pub user_ns: u64,
    /// And in the kernel, for it.
    pub system_ns: u64,
    /// Bytes in memory, with pages that are shared; those that several of the processes share count for each.
    pub rss_bytes: u64,
    /// Those of them that are heap and stacks (`RssAnon`), which is what connections take.
    pub anon_bytes: u64,
    /// The most that was ever in memory, of each process since it was started, those that have ended too.
    pub peak_rss_bytes: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// Which have ended until now.
    pub ended: Vec<Ended>,
}

/// A process that is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// Which.
    pub pid: i32,
    /// When it was first missed, on [`clock`]: at a sample, so it may have ended any time since the one
    /// before.
    pub at: u64,
}

impl Watch {
    /// Watches all processes of all targets; one that several name counts once.
    ///
    /// # Errors
    ///
    /// A target is no process at present, or one that may not be looked into.
    pub fn new(targets: &[WatchTarget]) -> Result<Self, WatchError> {
        let mut pids = BTreeSet::new();
        for target in targets {
            match *target {
                WatchTarget::Pid(pid) => _ = pids.insert(pid),
                WatchTarget::Port(port) => pids.extend(listeners(port)?),
            }
        }
        let watched: Result<_, _> = pids.into_iter().map(Watched::new).collect();
        Ok(Self { watched: watched? })
    }

    /// The processes that are watched, ended or not, in ascending order.
    #[must_use]
    pub fn pids(&self) -> Vec<i32> {
        self.watched.iter().map(Watched::pid).collect()
    }

    /// Looks at all of them. About 50 µs for each, and, as memory is counted page by page, about a millisecond for every
    /// 100 MB that it has; before Linux 6.2, which counts descriptors itself, more for each of them.
    pub fn sample(&mut self) -> Sample {
        let at = clock::now();
        let mut sample = Sample { at, ..Sample::default() };
        for watched in &mut self.watched {
            let usage = watched.look(at);
            sample.cpu_ns += usage.cpu_ns;
            sample.user_ns += usage.user_ns;
            sample.system_ns += usage.system_ns;
            sample.peak_rss_bytes += usage.peak_rss_bytes;
            sample.rss_bytes += usage.rss_bytes;
            sample.anon_bytes += usage.anon_bytes;
            sample.descriptors += usage.descriptors;
            sample.threads += usage.threads;
            sample.ended.extend(watched.ended());
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};
    use std::process::{Command, Stdio};

    use socket2::{Domain, Socket, Type};

    use super::*;

    fn own_pid() -> i32 {
        std::process::id().cast_signed()
    }

    fn sample_until(watch: &mut Watch, condition: impl Fn(&Sample) -> bool) -> Sample {
        loop {
            let sample = watch.sample();
            if condition(&sample) {
                return sample;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();

        let watch = Watch::new(&[WatchTarget::Port(port), WatchTarget::Pid(own_pid())]).unwrap();

        // A child that another test is just starting may have the listener, too, until it runs its own program.
        assert_eq!(watch.pids().iter().filter(|&&pid| pid == own_pid()).count(), 1);
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_an_error() {
        // Bound, so that no other process gets it, but not listening.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();

        let error = Watch::new(&[WatchTarget::Port(port)]).unwrap_err();
        assert!(matches!(error, WatchError::NoListener(no) if no == port), "{error}");
    }

    #[test]
    fn a_process_that_ends_is_reported_and_keeps_its_cpu_time() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id().cast_signed();
        let mut watch = Watch::new(&[WatchTarget::Pid(pid)]).unwrap();
        let alive = sample_until(&mut watch, |sample| sample.cpu_ns > 0);
        assert!(alive.ended.is_empty() && alive.descriptors >= 3 && alive.threads == 1, "{alive:?}");

        // Killed but not yet waited for, it is a zombie, which is no server either.
        child.kill().unwrap();
        let zombie = sample_until(&mut watch, |sample| !sample.ended.is_empty());
        child.wait().unwrap();
        let gone = watch.sample();

        assert_eq!(gone.ended, [Ended { pid, at: zombie.at }]);
        assert_eq!((gone.descriptors, gone.rss_bytes), (0, 0));
        assert!(gone.cpu_ns >= alive.cpu_ns && gone.peak_rss_bytes >= alive.rss_bytes, "{alive:?} {gone:?}");
        assert!(matches!(Watch::new(&[WatchTarget::Pid(pid)]), Err(WatchError::NoProcess(_))));
    }

    #[test]
    fn work_of_threads_that_are_gone_is_counted() {
        let mut watch = Watch::new(&[WatchTarget::Pid(own_pid())]).unwrap();
        let before = watch.sample();
        let worked = std::thread::spawn(|| {
            let start = crate::host::Own::here();
            while crate::host::Own::here().since(&start).cpu_ns < 5_000_000 {}
        });
        worked.join().unwrap();
        let after = watch.sample();
        assert!(after.cpu_ns - before.cpu_ns >= 5_000_000);
        assert!(after.rss_bytes >= after.anon_bytes && after.anon_bytes > 0);
        assert!(after.peak_rss_bytes > 0 && after.user_ns + after.system_ns > 0);
    }
}
