//! Who runs on which core: server and tester must not take each other's time, where there is a choice.

use std::fmt;
use std::thread::available_parallelism;

use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// Which cores there are, if they can be given out.
#[derive(Debug)]
pub(crate) enum Cores {
    /// So many, and `taskset`, which gives them.
    Apart(usize),
    /// For the reason given.
    Shared(&'static str),
}

impl Cores {
    pub(crate) fn here(workspace: &Workspace) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        if cores < 2 {
            return Self::Shared("there is one core only");
        }
        // It may be missing, and the first core may not be ours.
        if !Invocation::new("taskset").args(["-c", "0", "true"]).succeeds(workspace) {
            return Self::Shared("taskset cannot be used");
        }
        Self::Apart(cores)
    }

    /// On the first.
    pub(crate) fn server(&self, invocation: Invocation) -> Invocation {
        match self {
            Self::Apart(_) => invocation.pinned("0"),
            Self::Shared(_) => invocation,
        }
    }

    /// On all others.
    pub(crate) fn tester(&self, invocation: Invocation) -> Invocation {
        match self {
            Self::Apart(cores) => invocation.pinned(&others(*cores)),
            Self::Shared(_) => invocation,
        }
    }
}

/// All but the first, as `taskset` writes them.
fn others(cores: usize) -> String {
    if cores == 2 { "1".to_owned() } else { format!("1-{}", cores - 1) }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apart(cores) => write!(f, "cores: server 0, tester {}", others(*cores)),
            Self::Shared(why) => write!(f, "cores: server and tester share all of them, since {why}"),
        }
    }
}
