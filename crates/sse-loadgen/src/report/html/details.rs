//! What is looked up rather than looked at: every distribution, the phases, the command line.

use maud::{Markup, html};

use crate::report::summary::{Distribution, PERCENTILES, Summary};
use crate::report::units::{count, time, time_f, time_or_none};

pub(super) fn distributions(summary: &Summary) -> Markup {
    let measured = summary.latency.iter().map(|(name, times)| (name.replace('_', " "), times));
    let measured: Vec<_> = measured.chain(fanout(summary)).filter(|(_, times)| times.count > 0).collect();
    html! {
        @if !measured.is_empty() {
            section.card {
                h2 { "Every distribution" }
                (scrolling("Every distribution", &html! {
                    table {
                        thead {
                            tr {
                                th scope="col" { "of" }
                                @for percent in PERCENTILES { th scope="col" { "p" (percent) } }
                                @for name in ["max", "mean", "deviation", "samples"] { th scope="col" { (name) } }
                            }
                        }
                        tbody {
                            @for (name, times) in measured {
                                tr {
                                    th scope="row" { (name) }
                                    @for percent in PERCENTILES {
                                        td { (time_or_none(times.at(&percent.to_string()))) }
                                    }
                                    td { (time(times.max)) }
                                    td { (time_f(times.mean)) }
                                    td { (time_f(times.stdev)) }
                                    td { (count(times.count)) }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

/// Distributions over events, not over deliveries.
fn fanout(summary: &Summary) -> impl Iterator<Item = (String, &Distribution)> {
    summary.fanout.iter().flat_map(|fanout| {
        let completion = fanout.completion.iter();
        let completion =
            completion.map(|(share, until)| (format!("until {share} % had an event"), &until.time));
        completion.chain([("from first to last".to_owned(), &fanout.spread)])
    })
}

pub(super) fn phases(summary: &Summary) -> Markup {
    html! {
        @if !summary.run.phases.is_empty() {
            section.card {
                h2 { "Phases" }
                (scrolling("Phases", &html! {
                    table {
                        thead { tr { @for name in ["phase", "from", "to", "length"] { th scope="col" { (name) } } } }
                        tbody {
                            @for phase in &summary.run.phases {
                                tr {
                                    th scope="row" { (phase.name) }
                                    td { (time(phase.start_ns)) }
                                    td { (time(phase.end_ns)) }
                                    td { (time(phase.end_ns.saturating_sub(phase.start_ns))) }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

pub(super) fn command(summary: &Summary) -> Markup {
    let run = &summary.run;
    let command = run.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    html! {
        @if !run.argv.is_empty() {
            section.card {
                h2 { "Command" }
                (scrolling("Command", &html! { pre { code { (command) } } }))
                p.soft { "Run " (run.id) ", seed " (run.seed) "." }
            }
        }
    }
}

/// What may be wider than the screen: it scrolls by itself, with the keyboard too.
fn scrolling(label: &str, content: &Markup) -> Markup {
    html! { div.scrolls role="region" aria-label=(label) tabindex="0" { (content) } }
}

/// A word as a shell takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_given_again() {
        assert_eq!(quoted("http://127.0.0.1:8080/events/demo"), "http://127.0.0.1:8080/events/demo");
        assert_eq!(quoted("delivery.p99>50ms"), "'delivery.p99>50ms'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
