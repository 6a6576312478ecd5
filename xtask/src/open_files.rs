//! How many descriptors a process may have, which is how many streams a server can hold.

use std::fs;

use anyhow::{Context, Result};

/// What a process may raise its limit of open files to.
pub(crate) fn open_files() -> Result<u64> {
    let limits = fs::read_to_string("/proc/self/limits").context("cannot read the limits")?;
    hard_limit(&limits).context("no limit of open files")
}

/// `Max open files 1024 20000 files`: the second number.
fn hard_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let line = |limits: &str| hard_limit(&format!("Limit  Soft  Hard  Units\n{limits}\n"));
        assert_eq!(
            line("Max open files            1024                 20000                files"),
            Some(20_000)
        );
        assert_eq!(
            line("Max open files            1024                 unlimited            files"),
            Some(u64::MAX)
        );
        assert_eq!(line("Max processes 1 2 processes"), None);
    }
}
