//! What single scenarios want to know, beside what all do.

use clap::Args;

use super::load::LoadArgs;
use super::value::{Share, Span};
use crate::failure::Failure;
use crate::load::Load;
use crate::scenario::Scenario;

/// `churn`
#[derive(Debug, Args)]
pub struct ChurnArgs {
    /// How long a client stays, on average; then another one comes in its place
    ///
    /// Exponentially distributed: some stay for a moment, a few for very long. 15,000 clients for 60s each are 250 that
    /// leave, and 250 that come, per second.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub lifetime: Span,
    /// As for every scenario.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `slow`
#[derive(Debug, Args)]
pub struct SlowArgs {
    /// So many read slowly, from half of the measured time on
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    pub slow: Share,
    /// Bytes per second that these read
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub slow_rate: u32,
    /// So many read nothing at all, and keep their connection
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    pub stalled: Share,
    /// As for every scenario.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `resume`
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// So many are cut off at a time
    #[arg(long, value_name = "SHARE", default_value = "10%")]
    pub cut: Share,
    /// How often
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub every: Span,
    /// As for every scenario.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// `request`
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub timeout: Span,
    /// As for every scenario. `--rate` is that of arrivals, `--clients` the most answers under way at once.
    #[command(flatten)]
    pub load: LoadArgs,
}

impl ChurnArgs {
    /// What is to be done.
    ///
    /// # Errors
    ///
    /// It cannot be done.
    pub fn load(&self, argv: Vec<String>) -> Result<Load, Failure> {
        if self.lifetime.0.is_zero() {
            return Err(Failure::Usage("--lifetime: a client stays longer than 0s".to_owned()));
        }
        self.load.load(Scenario::Churn { lifetime: self.lifetime.0 }, argv)
    }
}

impl SlowArgs {
    /// What is to be done.
    ///
    /// # Errors
    ///
    /// It cannot be done.
    pub fn load(&self, argv: Vec<String>) -> Result<Load, Failure> {
        if self.slow.0 + self.stalled.0 >= 1.0 {
            return Err(Failure::Usage("--slow and --stalled: some clients have to be healthy".to_owned()));
        }
        self.load
            .load(Scenario::Slow { slow: self.slow.0, rate: self.slow_rate, stalled: self.stalled.0 }, argv)
    }
}

impl ResumeArgs {
    /// What is to be done.
    ///
    /// # Errors
    ///
    /// It cannot be done.
    pub fn load(&self, argv: Vec<String>) -> Result<Load, Failure> {
        if self.every.0.as_millis() < 10 {
            return Err(Failure::Usage("--every: at least 10ms".to_owned()));
        }
        self.load.load(Scenario::Resume { share: self.cut.0, every: self.every.0 }, argv)
    }
}

impl RequestArgs {
    /// What is to be done.
    ///
    /// # Errors
    ///
    /// It cannot be done.
    pub fn load(&self, argv: Vec<String>) -> Result<Load, Failure> {
        if self.load.publishes() {
            return Err(Failure::Usage(
                "--publish: an answer is all that a client of `request` comes for".to_owned(),
            ));
        }
        self.load.load(Scenario::Request { timeout: self.timeout.0 }, argv)
    }
}
