//! `cargo xtask bench`: this server beside others that do the same work.

mod check;
mod peers;

use anyhow::Result;
use clap::Subcommand;

use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Build and start every peer, and see that an event arrives
    Check,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match args.what {
        What::Check => check::run(workspace),
    }
}
