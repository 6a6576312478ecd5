//! `sse-loadgen doctor`: what of this machine would stop so many clients, and the line that changes it.
//!
//! The examination is pure: it takes limits, and gives a list of checks. Only [`run`] looks at the machine.

mod check;
mod checks;
mod situation;
mod text;

use std::io;
use std::net::IpAddr;

use clap::Args;
use serde::Serialize;
use thiserror::Error;
use url::Url;

use crate::host::Limits;
use crate::plan::{MAX_CLIENTS, Plan, PlanError, plan};

pub use check::{Check, Verdict};
pub use situation::{Server, Situation};

/// What `sse-loadgen doctor` takes.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// How many clients there shall be
    #[arg(long, short = 'c', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CLIENTS)))]
    pub clients: u32,
    /// What they will connect to; may be repeated [default: a server on 127.0.0.1]
    #[arg(long, value_name = "URL")]
    pub url: Vec<Url>,
    /// An address of this machine to connect from; may be repeated
    #[arg(long, value_name = "IP")]
    pub source: Vec<IpAddr>,
    /// Print JSON instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Why nothing could be examined.
#[derive(Debug, Error)]
pub enum DoctorError {
    /// No such host, or a URL without one.
    #[error("{url} cannot be resolved")]
    Unresolved {
        /// Which.
        url: Url,
        /// What the resolver said.
        #[source]
        error: io::Error,
    },
    /// There is nothing to examine.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// What `sse-loadgen doctor` answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// To be printed: lines, or JSON; ends with a line feed.
    pub text: String,
    /// Whether so many clients are possible as the machine stands. If not, the exit code is 1.
    pub possible: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// How many clients were asked about.
    pub clients: u32,
    /// Whether they are possible as the machine stands.
    pub possible: bool,
    /// How many worker processes would run them; none if it cannot be planned.
    pub workers: Option<u32>,
    /// From how many pairs of addresses they would connect; none if it cannot be planned.
    pub pairs: Option<usize>,
    /// Every limit.
    pub checks: Vec<Check>,
    /// What was read of the machine.
    pub limits: Limits,
}

/// Examines this machine. Resolves the URLs, and opens one connection to each of their addresses that is on this
/// machine.
///
/// # Errors
///
/// A URL does not resolve, or there is nothing to examine. Limits that are too low are no errors, but the answer.
pub fn run(args: &DoctorArgs) -> Result<Answer, DoctorError> {
    let situation = Situation::here(&args.url, &args.source)?;
    let diagnosis = examine(args.clients, &situation, Limits::here())?;
    let text = if args.json { json(&diagnosis) } else { text::render(&diagnosis) };
    Ok(Answer { text, possible: diagnosis.possible })
}

/// Holds every limit against what so many clients need.
///
/// # Errors
///
/// There are no clients, no targets, or a target that no source reaches.
pub fn examine(clients: u32, situation: &Situation, limits: Limits) -> Result<Diagnosis, DoctorError> {
    let plan = plan(clients, &situation.targets, None, &situation.sources, &limits);
    match plan {
        Ok(_) | Err(PlanError::Ports { .. } | PlanError::Descriptors(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let checks = checks::all(clients, situation, &limits, &plan);
    let plan = plan.ok();
    Ok(Diagnosis {
        clients,
        possible: checks.iter().all(|check| check.verdict.allows(clients)),
        workers: plan.as_ref().map(|plan| plan.workers),
        pairs: plan.as_ref().map(Plan::pairs),
        checks,
        limits,
    })
}

fn json(diagnosis: &Diagnosis) -> String {
    let mut json = serde_json::to_string_pretty(diagnosis).expect("it has no keys but strings");
    json.push('\n');
    json
}

#[cfg(test)]
mod tests;
