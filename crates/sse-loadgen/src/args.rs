//! What was typed: commands, flags, and their help. What they mean together is checked by [`LoadArgs::load`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod load;
mod scenarios;
mod value;

pub use self::load::LoadArgs;
pub(crate) use self::load::header;
pub use self::scenarios::{ChurnArgs, RequestArgs, ResumeArgs, SlowArgs};
pub use self::value::{Ramp, Share, Span};
use crate::doctor::DoctorArgs;
use crate::flood::FloodArgs;

/// A load tester for Server-Sent Events: how late was each event, and was any lost? And was it the tester?
///
/// Opens streams, publishes events with a stamp if it is told where, and holds what every client got against what was
/// published. Times are written as 1500ms, 15s or 1h30m, shares as 5% or 0.05, sizes in bytes.
#[derive(Debug, Parser)]
#[command(
    name = "sse-loadgen",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
#[command(after_long_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do, if not `run`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// `run` is what is done without a command.
    #[command(flatten)]
    pub run: LoadArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, for as long as the program runs")]
pub enum Command {
    /// Broadcast: events reach clients. How late, and do all? (The default.)
    Run(LoadArgs),
    /// All streams are cut off at once. How long until everybody has caught up?
    Storm(LoadArgs),
    /// Clients come and go all the time. Does the server forget them?
    Churn(ChurnArgs),
    /// Some clients read slowly or not at all. What do the others suffer?
    Slow(SlowArgs),
    /// Clients are cut off again and again. Does each get exactly what follows?
    Resume(ResumeArgs),
    /// Finite streams, such as answers of language models, at an arrival rate: time to the first token, between tokens, to the end.
    Request(RequestArgs),
    /// One topic, many readers, events as fast as they are taken: how many deliveries a second, and was any lost?
    Flood(FloodArgs),
    /// What of this machine would stop so many clients, and the line that fixes it
    Doctor(DoctorArgs),
    /// The ceiling of this machine, measured against a server that does next to nothing
    Calibrate(CalibrateArgs),
    /// A server to test against, which can drop, double, reorder, corrupt and delay events, and counts what it did
    Serve(crate::serve::ServeArgs),
    /// A page or a table of a JSON report
    Report(ReportArgs),
    /// The names that `--fail` knows
    Metrics,
    #[command(hide = true)]
    /// A process of a run: what it is to do comes on standard input
    Worker,
}

/// What to measure the machine with.
#[derive(Clone, Debug, Args)]
pub struct CalibrateArgs {
    /// Streams to hold
    #[arg(short, long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub clients: u32,
    /// How long each of the two measurements takes
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub duration: Span,
}

/// What to make of an earlier report.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// What `--json` has written
    pub json: PathBuf,
    /// Write a page to this file, rather than a table to standard output
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  A hub with 15,000 readers, 5 events a second:
    sse-loadgen http://127.0.0.1:8080/events/demo --clients 15000 --publish http://127.0.0.1:8080/events/demo --rate 5
  1,000 topics, a report for a browser, and a condition for CI:
    sse-loadgen 'http://127.0.0.1:8080/events/t{{topic}}' --topics 1000 --clients 5000 \\
        --publish 'http://127.0.0.1:8080/events/t{{topic}}' --rate 1000 --html report.html --fail 'delivery.p99>50ms'
  An endpoint that somebody else publishes to:
    sse-loadgen https://stream.example.org/changes --clients 2
  Answers of a language model, 10 a second:
    sse-loadgen request http://127.0.0.1:8000/v1/chat/completions --rate 10 --method POST \\
        --header 'Content-Type: application/json' --body '{\"stream\":true,\"messages\":[]}'

Exit codes: 0 good, 1 wrong usage or the limits of this machine, 2 the target cannot be reached or is no stream,
3 a condition of --fail held, 4 the tester was saturated and the figures are not to be trusted, 130 interrupted.";
