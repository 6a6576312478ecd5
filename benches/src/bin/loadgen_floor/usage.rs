//! What a process has used so far, as the kernel counts it: of all its threads.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;

/// User and system time, in nanoseconds.
pub(super) fn cpu_ns(pid: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        let ran = schedstat.split_whitespace().next().context("schedstat is empty")?;
        sum += ran.parse::<u64>()?;
    }
    Ok(sum)
}

/// Waits until a process has nothing more to do: it uses less than a hundredth of a core.
pub(super) fn quiet(pid: u32) -> anyhow::Result<()> {
    const LOOK: Duration = Duration::from_millis(300);
    let mut before = cpu_ns(pid)?;
    loop {
        sleep(LOOK);
        let now = cpu_ns(pid)?;
        if now - before < LOOK.as_nanos() as u64 / 100 {
            return Ok(());
        }
        before = now;
    }
}

/// Bytes of memory that belong to the process alone: heap and stacks, not code.
pub(super) fn anonymous(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}
