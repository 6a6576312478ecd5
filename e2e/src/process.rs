//! A process from outside: what it costs, as the kernel counts it, and signals to it. Linux only.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit, setrlimit};

/// A process that a test has started.
#[derive(Clone, Copy, Debug)]
pub struct Process(u32);

impl Process {
    pub(crate) fn of(pid: u32) -> Self {
        Self(pid)
    }

    /// Its number.
    #[must_use]
    pub fn pid(self) -> u32 {
        self.0
    }

    /// Its memory that is not swapped out, in bytes.
    ///
    /// # Errors
    /// If it has ended.
    pub fn resident(self) -> Result<usize> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kibibytes: usize = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }

    /// Time that it has spent on a processor, its own and the kernel's for it.
    ///
    /// # Errors
    /// If it has ended.
    pub fn processor_time(self) -> Result<Duration> {
        let stat = self.read("stat")?;
        // The name, in brackets, may have spaces in it; fields 14 and 15 are utime and stime (proc(5)).
        let (_, fields) = stat.rsplit_once(") ").context("a name in brackets")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64))
    }

    /// How many files it has open.
    ///
    /// # Errors
    /// If it has ended.
    pub fn descriptors(self) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.0))?.count())
    }

    /// Sends a signal, such as `STOP`.
    ///
    /// # Errors
    /// If it has ended.
    pub fn signal(self, name: &str) -> Result<()> {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.0.to_string()]).status()?;
        ensure!(kill.success(), "kill -{name} {}: {kill}", self.0);
        Ok(())
    }

    fn read(self, file: &str) -> Result<String> {
        Ok(std::fs::read_to_string(format!("/proc/{}/{file}", self.0))?)
    }
}

/// Raises this process's limit of open files as far as it may be: the usual soft limit of 1,024 is less than a test with
/// many connections holds open.
///
/// # Errors
/// If that is less than `enough`.
pub fn raise_open_files(enough: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let most = limit.maximum;
    ensure!(most.is_none_or(|most| most >= enough), "at most {most:?} open files: raise it (`ulimit -Hn`)");
    Ok(())
}
