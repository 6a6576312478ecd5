//! Whether a server is still there after what was done to it.

use std::fs;

/// Whether all of its processes still run. One that has ended and was not waited for is in `/proc`, too.
pub(super) fn all_run(pids: &[u32]) -> bool {
    pids.iter().all(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| runs(&stat)))
}

/// `PID (NAME) STATE …`, where the name may hold anything.
fn runs(stat: &str) -> bool {
    let state = stat.rsplit_once(')').map(|(_, behind_name)| behind_name.trim_start());
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_gone_is_noticed() {
        assert!(all_run(&[std::process::id()]));
        assert!(!all_run(&[std::process::id(), u32::MAX]));
    }

    #[test]
    fn who_is_only_waited_for_has_gone() {
        assert!(runs("7 (a) Z) S 1 7"));
        assert!(!runs("7 (a) Z 1 7"));
        assert!(!runs(""));
    }
}
