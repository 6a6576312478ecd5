//! What a run comes down to: one line, and the code that the program ends with.

use super::summary::{Severity, Summary, Verdict};
use super::units::{count, count_of};

/// How a run that measured something ended. What is wrong with the arguments ends with 1, before there is a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over, and no gate failed.
    Passed,
    /// No client ever got a stream.
    Unreachable,
    /// A condition of `--fail` held, or could not be checked.
    GateFailed,
    /// The tester was the bottleneck.
    Saturated,
    /// Ctrl-C.
    Interrupted,
}

impl Outcome {
    /// Of a run whose gates are checked. Who broke it off knows why; then, what cannot be trusted passes no gate.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        match () {
            () if summary.run.interrupted => Self::Interrupted,
            () if unreachable(summary) => Self::Unreachable,
            () if summary.client_health.verdict == Verdict::Saturated => Self::Saturated,
            () if summary.gates.iter().any(|gate| !gate.pass) => Self::GateFailed,
            () => Self::Passed,
        }
    }

    /// Of the program.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Unreachable => 2,
            Self::GateFailed => 3,
            Self::Saturated => 4,
            // As shells count a program that SIGINT ended.
            Self::Interrupted => 130,
        }
    }

    /// What the code means.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Passed => "the run is over and no gate failed",
            Self::Unreachable => "no client got a stream",
            Self::GateFailed => "a gate failed",
            Self::Saturated => "the tester was saturated: the figures say nothing about the server",
            Self::Interrupted => "interrupted: the figures are of the part that ran",
        }
    }
}

/// The one line that matters, and how bad it is.
#[must_use]
pub fn headline(summary: &Summary) -> (Severity, String) {
    let (delivery, health) = (&summary.delivery, &summary.client_health);
    if unreachable(summary) {
        return (Severity::Error, "No client got a stream".to_owned());
    }
    if health.verdict == Verdict::Saturated {
        return (
            Severity::Error,
            "The tester was the bottleneck: this does not measure the server".to_owned(),
        );
    }
    let faults = faults(summary);
    if !faults.is_empty() {
        return (Severity::Error, format!("Not every delivery was right: {}", faults.join(", ")));
    }
    if answers(summary).is_some_and(|(completed, planned)| completed < planned) {
        return (Severity::Error, without_a_plan(summary));
    }
    let failed = summary.gates.iter().filter(|gate| !gate.pass).count() as u64;
    if failed > 0 {
        return (Severity::Error, format!("{} failed", count_of(failed, "gate")));
    }
    let text = match (delivery.expected, delivery.received) {
        (0, _) => without_a_plan(summary),
        (expected, _) if delivery.announced > 0 => {
            format!(
                "{} of {} deliveries were missed, and announced",
                count(delivery.announced),
                count(expected)
            )
        }
        (expected, _) => format!("All {} deliveries arrived, once and in order", count(expected)),
    };
    if health.verdict == Verdict::Degraded {
        return (Severity::Warning, format!("{text}; the tester was busy"));
    }
    let severity = if delivery.announced > 0 { Severity::Warning } else { Severity::Note };
    (severity, text)
}

/// What is wrong with the deliveries, in a few words each; nothing if they are exact.
pub(super) fn faults(summary: &Summary) -> Vec<String> {
    let delivery = &summary.delivery;
    let faults = [
        (delivery.lost, "lost"),
        (delivery.duplicated, "duplicated"),
        (delivery.reordered, "reordered"),
        (delivery.corrupted, "corrupted"),
    ];
    faults
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(*number)))
        .collect()
}

/// Of a run that did not publish: nobody knows what ought to have come.
/// How many answers were complete, of how many that were planned; none if the run was not about answers.
fn answers(summary: &Summary) -> Option<(u64, u64)> {
    Some((summary.figure("request.completed")?, summary.figure("request.planned")?))
}

fn without_a_plan(summary: &Summary) -> String {
    if let Some((completed, planned)) = answers(summary) {
        return format!("{} of {} were complete", count(completed), count_of(planned, "answer"));
    }
    match (summary.delivery.received + summary.delivery.foreign, summary.connections.opened) {
        (0, 0) => "Nothing was measured".to_owned(),
        (0, opened) => format!("{} opened", count_of(opened, "stream")),
        (events, _) => format!(
            "{} came; without a publisher, nobody knows what ought to have",
            count_of(events, "event")
        ),
    }
}

fn unreachable(summary: &Summary) -> bool {
    // What the workers that died had opened, nobody counts any more.
    let connections = &summary.connections;
    connections.planned > 0 && connections.opened == 0 && connections.ready == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::summary::Figure;
    use crate::report::summary::Gate;

    #[test]
    fn an_answer_that_is_not_complete_is_no_success() {
        let mut summary = fixture::request();
        summary.gates.clear();
        let planned =
            Figure { name: "request.planned".to_owned(), value: Some(1_197.0), ..Figure::default() };
        summary.scenario.push(planned);
        assert_eq!(headline(&summary), (Severity::Note, "1,197 of 1,197 answers were complete".to_owned()));
        summary.scenario.last_mut().unwrap().value = Some(1_200.0);
        assert_eq!(headline(&summary), (Severity::Error, "1,197 of 1,200 answers were complete".to_owned()));
    }

    #[test]
    fn a_clean_run_passes() {
        let summary = fixture::clean();
        assert_eq!(Outcome::of(&summary).code(), 0);
        assert_eq!(
            headline(&summary),
            (Severity::Note, "All 2,250,000 deliveries arrived, once and in order".to_owned())
        );
    }

    #[test]
    fn the_worst_decides() {
        let mut summary = fixture::clean();
        summary.gates = vec![Gate::default()];
        assert_eq!(Outcome::of(&summary), Outcome::GateFailed);
        assert_eq!(headline(&summary).1, "1 gate failed");
        summary.client_health.verdict = Verdict::Saturated;
        assert_eq!(Outcome::of(&summary), Outcome::Saturated);
        (summary.connections.opened, summary.connections.ready) = (0, 0);
        assert_eq!(Outcome::of(&summary), Outcome::Unreachable);
        summary.run.interrupted = true;
        assert_eq!(Outcome::of(&summary).code(), 130);
    }

    #[test]
    fn faults_are_named() {
        let mut summary = fixture::lossy();
        summary.client_health.verdict = Verdict::Degraded;
        let (severity, text) = headline(&summary);
        assert_eq!(severity, Severity::Error);
        assert_eq!(text, "Not every delivery was right: 690 lost, 12 duplicated, 3 reordered, 1 corrupted");
    }

    #[test]
    fn a_busy_tester_is_said_to_be_one() {
        let mut summary = fixture::clean();
        summary.client_health.verdict = Verdict::Degraded;
        assert_eq!(headline(&summary).0, Severity::Warning);
        assert_eq!(headline(&Summary::default()).1, "Nothing was measured");
    }
}
