//! What a check is, as data. The list of them is in `steps`, running them is the matter of `ci`.

use anyhow::Result;

use crate::invocation::Invocation;
use crate::setup::Need;
use crate::workspace::Workspace;

/// One check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// How `--only` and `--skip` call it.
    pub(crate) name: &'static str,
    /// What is known once it has passed.
    pub(crate) proves: &'static str,
    /// What has to be installed beforehand.
    pub(crate) needs: &'static [Need],
    pub(crate) work: Work,
    /// What to do when it fails.
    pub(crate) hint: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// `cargo` with these arguments, split at spaces, and with these variables.
    Cargo { args: &'static str, env: &'static [(&'static str, &'static str)] },
    /// Whatever takes more than one command.
    Function(fn(&Workspace) -> Result<Outcome>),
}

/// How a check ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// Could not be done on this machine, for the reason given. Counts neither as passed nor as failed.
    Skipped(String),
}

impl Work {
    pub(crate) fn run(self, workspace: &Workspace) -> Result<Outcome> {
        match self {
            Self::Cargo { args, env } => {
                let cargo = Invocation::cargo(args);
                env.iter().fold(cargo, |cargo, (name, value)| cargo.env(name, *value)).run(workspace)?;
                Ok(Outcome::Passed)
            }
            Self::Function(function) => function(workspace),
        }
    }
}
