//! The ceiling of this machine: how fast the tester connects and reads when the server does next to nothing.
//!
//! The [built-in server](crate::serve) is started beside, on a core of its own, and real runs are led against it. What they
//! find is a ceiling of tester *and* server together, since both are on this machine: a server elsewhere leaves more to
//! the tester. A run that stays well below has measured its server; one that comes close may have measured itself.

mod ceiling;
mod source;

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;

use self::ceiling::{Ceiling, Probe};
use self::source::Source;
use crate::args::{Cli, Command};
use crate::coordinator::{Silent, conduct};
use crate::report::Summary;
use crate::scenario::Scenario;

/// What of the ceiling a run may use. At more, queues in tester and kernel grow faster than linearly, and what is
/// measured is more and more these.
pub const USABLE: f64 = 0.7;

/// A probe is measured for at least so long: shorter ones say more about the moment than about the machine.
const LEAST: Duration = Duration::from_millis(500);
/// Deliveries per second that the search begins with: any machine reads these.
const FIRST: f64 = 10_000.0;

/// On a loopback interface, what comes later has waited behind others: more is published than is read. In ns.
const LATE: u64 = 100_000_000;
/// Beside the time that one event to all clients takes: for each of them, twice what the built-in server needs. In ns.
const SWEEP: u64 = 15_000;

/// Measures, for about twice `duration` in all and some time to connect, with so many streams. The answer is for a reader.
///
/// # Errors
///
/// The server cannot be started, or a run cannot be done or was interrupted.
pub fn run(clients: u32, duration: Duration) -> anyhow::Result<String> {
    let source = Source::start()?;
    let crowd = connect(&source, clients)?;
    let opened_per_s = connects_per_second(&crowd).context("no client got a stream")?;
    let length = (duration / ceiling::TYPICAL).max(LEAST);
    let ceiling = Ceiling::find(FIRST, |per_second| {
        let summary = deliver(&source, clients, per_second / f64::from(clients), length)?;
        anyhow::Ok(probe(&summary, length))
    })?;
    Ok(text(clients, opened_per_s, crowd.client_health.memory_per_client, &ceiling))
}

/// All clients come at once, so that nothing but the machine is in their way.
fn connect(source: &Source, clients: u32) -> anyhow::Result<Summary> {
    let clients = clients.to_string();
    lead(&[&source.url, "--clients", &clients, "--ramp", "1ms", "--duration", "500ms", "--warmup", "0s"])
}

/// Every client gets so many events per second.
fn deliver(source: &Source, clients: u32, rate: f64, length: Duration) -> anyhow::Result<Summary> {
    let (clients, rate) = (clients.to_string(), rate.to_string());
    let length = format!("{}ms", length.as_millis());
    let line = ["--clients", &clients, "--rate", &rate, "--duration", &length, "--warmup", "300ms"];
    lead(&[&line[..], &["--drain", "2s", "--publish", &source.url, &source.url]].concat())
}

/// A run as if it had been typed: what is measured here is what a user gets.
fn lead(line: &[&str]) -> anyhow::Result<Summary> {
    let line = ["sse-loadgen", "run", "--settle", "200ms"].iter().chain(line);
    let Some(Command::Run(args)) = Cli::try_parse_from(line)?.command else { bail!("a run was asked for") };
    let load = args.load(Scenario::Run, Vec::new())?;
    let summary = conduct(&load, &mut Silent)?;
    if summary.run.interrupted {
        bail!("interrupted");
    }
    Ok(summary)
}

/// Over the time until the last one had its stream: the ramp had planned all of them for the first millisecond.
fn connects_per_second(summary: &Summary) -> Option<f64> {
    let last = summary.latency.get("connect_planned")?.max;
    (last > 0).then(|| summary.connections.ready as f64 / (last as f64 / 1e9))
}

fn probe(summary: &Summary, length: Duration) -> Probe {
    let delivery = summary.latency.get("delivery");
    // What was planned in the measured time, and read, whenever that was: hence the look at how late it came.
    let read = delivery.map_or(0.0, |delivery| delivery.count as f64) / length.as_secs_f64();
    let p99 = delivery.and_then(|delivery| delivery.p.get("99")).copied().unwrap_or(u64::MAX);
    let busy: f64 = summary.client_health.worker_cpu.iter().sum();
    Probe {
        read,
        cpu_ns: if read > 0.0 { busy * 1e9 / read } else { 0.0 },
        unfit: summary.client_health.reasons.iter().map(|reason| reason.text.clone()).collect(),
        kept_up: summary.delivery.lost == 0 && p99 < LATE + SWEEP * summary.plan.clients,
    }
}

fn text(clients: u32, opened_per_s: f64, memory: u64, ceiling: &Ceiling) -> String {
    let &Probe { read, cpu_ns, .. } = &ceiling.best;
    let mut text = String::new();
    let mut row = |what: &str, value: String, usable: String| {
        // A String takes every write.
        let _ = writeln!(text, "{what:<34}{value:>20}{usable:>20}");
    };
    let per_second = |value: f64| format!("{}/s", thousands(value));
    row(&format!("{} clients", thousands(clients.into())), "ceiling".to_owned(), "use up to".to_owned());
    row("streams opened", per_second(opened_per_s), per_second(opened_per_s * USABLE));
    row("events read", per_second(read), per_second(read * USABLE));
    row("CPU of the tester per event", format!("{:.2} µs", cpu_ns / 1e3), String::new());
    row("its memory per idle client", format!("{memory} B"), String::new());
    let why = match &ceiling.beyond {
        None => "no end was found: the machine can do more".to_owned(),
        Some(Probe { unfit, .. }) if !unfit.is_empty() => {
            format!("at more, the tester was not ok: {}", unfit.join("; "))
        }
        Some(_) => "at more, events were late or lost, though the tester was ok: the server was at its end"
            .to_owned(),
    };
    let _ = write!(
        text,
        "\nEvents read: {why}.\n\
         The server had one core of this machine, the tester the others; whatever else ran here is in these figures, too. \
         Against\na server elsewhere, the tester can do more.\nA run that uses more than {:.0} % of a ceiling measures the tester as well as the server.\n",
        USABLE * 100.0
    );
    text
}

/// `12,345`, to three digits: more would claim to be exact.
fn thousands(value: f64) -> String {
    let digits = value.max(1.0).log10().floor() as i32 - 2;
    let unit = 10_f64.powi(digits.max(0));
    let whole = ((value / unit).round() * unit) as u64;
    let text = whole.to_string();
    let groups: Vec<&str> =
        text.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::Distribution;

    #[test]
    fn figures_claim_three_digits() {
        for (value, text) in
            [(0.0, "0"), (7.4, "7"), (999.0, "999"), (12_345.0, "12,300"), (1_234_567.0, "1,230,000")]
        {
            assert_eq!(thousands(value), text);
        }
    }

    /// What a probe makes of a run with 1,000 clients, so late and so many events lost.
    fn probed(p99: u64, lost: u64) -> Probe {
        let mut summary = Summary::default();
        summary.plan.clients = 1_000;
        summary.delivery.lost = lost;
        let p = [("99".to_owned(), p99)].into();
        summary
            .latency
            .insert("delivery".to_owned(), Distribution { count: 5_000, p, ..Distribution::default() });
        probe(&summary, LEAST)
    }

    #[test]
    fn what_was_lost_or_late_was_too_much() {
        assert!(probed(LATE, 0).kept_up);
        assert!(!probed(LATE, 1).kept_up);
        assert!(!probed(10 * LATE, 0).kept_up);
        assert_eq!(probed(LATE, 0).read, 10_000.0);
        assert!(!probe(&Summary::default(), LEAST).kept_up, "nothing came");
    }

    #[test]
    fn what_may_be_used_is_said() {
        let best = Probe { read: 100_000.0, cpu_ns: 2_500.0, unfit: Vec::new(), kept_up: true };
        let beyond = Probe { unfit: vec!["a worker had no idle time left".to_owned()], ..best.clone() };
        let text = text(1_000, 20_000.0, 400, &Ceiling { beyond: Some(beyond), best });
        for part in ["20,000/s", "14,000/s", "100,000/s", "70,000/s", "2.50 µs", "400 B", "no idle time"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
