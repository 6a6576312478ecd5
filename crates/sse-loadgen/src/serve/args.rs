//! What was typed for the test server, and its help.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::config::ServeConfig;
use super::faults::{Faults, FaultsError};

/// Serve events to test against: an ideal server, or one with faults that it counts
///
/// Without faults it shows what this machine can do at best. With faults it shows whether a load tester finds them:
/// GET /faults says exactly what was done. An event suffers at most one fault on its way to a subscriber, so the
/// probabilities may come to 1 together. They are written as 0.001 or 0.1%, times as 250ms or 15s.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on; repeat it, or separate with commas, for more than one
    ///
    /// Port 0 takes a free port, which the first lines of output name. Each address gives clients a range of ports of
    /// its own.
    #[arg(long, value_name = "IP:PORT", value_delimiter = ',', value_parser = address)]
    #[arg(default_values_t = ServeConfig::default().listen)]
    pub listen: Vec<SocketAddr>,

    /// Time after which clients are told to reconnect
    ///
    /// Short, since tests wait for it; browsers' own is 2s to 5s.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "1s")]
    pub retry: Duration,

    /// Time without an event after which a stream gets a comment
    ///
    /// Shorter than the idle limit of every proxy on the way: many have 30s or 60s.
    #[arg(long, value_name = "TIME", value_parser = heartbeat, default_value = "15s")]
    pub heartbeat: Duration,

    /// Probability that an event is not sent to a subscriber
    #[arg(long, help_heading = "Faults", value_name = "P", value_parser = probability, default_value = "0")]
    pub drop: f64,

    /// Probability that an event is sent twice in a row
    #[arg(long, help_heading = "Faults", value_name = "P", value_parser = probability, default_value = "0")]
    pub duplicate: f64,

    /// Probability that an event is held back until a later one was sent
    #[arg(long, help_heading = "Faults", value_name = "P", value_parser = probability, default_value = "0")]
    pub reorder: f64,

    /// Probability that one byte of an event's data is changed
    ///
    /// Not of the first five bytes, by which the load tester's events are recognised.
    #[arg(long, help_heading = "Faults", value_name = "P", value_parser = probability, default_value = "0")]
    pub corrupt: f64,

    /// Probability that an event is sent later than it should be, by --delay-by
    ///
    /// The events behind it do not wait, so they usually overtake it.
    #[arg(long, help_heading = "Faults", value_name = "P", value_parser = probability, default_value = "0")]
    pub delay: f64,

    /// How much later a delayed event is sent
    ///
    /// Longer than the delays of a healthy run, so that it stands out.
    #[arg(long, help_heading = "Faults", value_name = "TIME", default_value = "100ms")]
    #[arg(value_parser = humantime::parse_duration)]
    pub delay_by: Duration,

    /// Where the random numbers start from
    ///
    /// The same seed makes the same decisions in the same order.
    #[arg(long, help_heading = "Faults", value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Ignore Last-Event-ID: who reconnects has lost what was published in between
    #[arg(long, help_heading = "Faults")]
    pub no_resume: bool,
}

impl ServeArgs {
    /// The configuration that was typed.
    ///
    /// # Errors
    ///
    /// The probabilities come to more than 1.
    pub fn config(&self) -> Result<ServeConfig, FaultsError> {
        let &Self { drop, duplicate, reorder, corrupt, delay, delay_by, seed, .. } = self;
        let faults = Faults { drop, duplicate, reorder, corrupt, delay, delay_by, seed };
        faults.check()?;
        Ok(ServeConfig {
            listen: self.listen.clone(),
            retry: self.retry,
            heartbeat: self.heartbeat,
            resume: !self.no_resume,
            faults,
            ..ServeConfig::default()
        })
    }
}

/// Of names, and of ports alone, there is more than one reading.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8090 or [::1]:8090")
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    // Otherwise there would be nothing but heartbeats.
    if time < Duration::from_millis(10) { Err("at least 10ms".into()) } else { Ok(time) }
}

fn probability(text: &str) -> Result<f64, &'static str> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let number = number.parse().map(|number: f64| number / unit).ok();
    number.filter(|number| (0.0..=1.0).contains(number)).ok_or("write a number from 0 to 1, or 0% to 100%")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn parse(args: &[&str]) -> Result<ServeArgs, clap::Error> {
        Command::try_parse_from([&["serve"], args].concat()).map(|command| command.serve)
    }

    #[test]
    fn the_flags_are_sound() {
        Command::command().debug_assert();
    }

    #[test]
    fn without_flags_it_is_the_default() {
        let typed = parse(&[]).unwrap().config().unwrap();
        let default = ServeConfig::default();
        assert_eq!(
            (typed.retry, typed.heartbeat, typed.listen),
            (default.retry, default.heartbeat, default.listen)
        );
        assert!(!typed.faults.any() && typed.resume);
    }

    #[test]
    fn faults_are_what_was_typed() {
        let args = ["--drop", "0.1%", "--delay=0.25", "--delay-by", "2s", "--seed=7", "--no-resume"];
        let typed = parse(&args).unwrap().config().unwrap();
        let delay_by = Duration::from_secs(2);
        let expected = Faults { drop: 0.001, delay: 0.25, delay_by, seed: 7, ..Faults::default() };
        assert_eq!((typed.faults, typed.resume), (expected, false));
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        for (args, reason) in [
            (["--drop", "1.5"], "from 0 to 1"),
            (["--corrupt", "101%"], "from 0 to 1"),
            (["--delay", "nan"], "from 0 to 1"),
            (["--listen", "8090"], "an IP address and a port"),
            (["--heartbeat", "0s"], "at least 10ms"),
            (["--retry", "5"], "time unit"),
        ] {
            let error = parse(&args).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let error = parse(&["--drop", "0.6", "--delay", "0.6"]).unwrap().config().unwrap_err();
        assert!(error.to_string().contains("more than 1"), "{error}");
    }
}
