//! All of it for machines: every round, medians, ratios, verdicts.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::Report;
use crate::bench::figures::Name;
use crate::bench::rounds::Cell;
use crate::bench::targets::{FLOOR, SUBJECT, TARGETS};
use crate::bench::work::Work;

/// The name and the version of what is written here. Fields are only ever added.
const SCHEMA: &str = "peers/1";

pub(super) fn text(report: &Report<'_>) -> Result<String> {
    let entrants = report.results.entrants.iter().map(|entrant| {
        json!({ "name": entrant.name, "about": entrant.about, "version": entrant.version, "left_out": entrant.missing })
    });
    let works = report.works.iter().map(|work| {
        let peers =
            report.present().map(|entrant| (entrant.name.to_owned(), cell(report, work, entrant.name)));
        json!({ "id": work.id, "about": work.about, "peers": peers.collect::<Map<_, _>>() })
    });
    let targets = TARGETS.iter().map(|target| {
        let verdict = target.verdict(&report.results);
        let (word, measured) = verdict.parts();
        json!({
            "work": target.work,
            "figure": target.figure.key(),
            "target": target.text(),
            "verdict": word,
            "measured": measured,
        })
    });
    let whole = json!({
        "schema": SCHEMA,
        "machine": {
            "kernel": report.machine.kernel,
            "processor": report.machine.processor,
            "cores": report.machine.cores,
        },
        "rounds": report.rounds,
        "quick": report.quick,
        "peers": entrants.collect::<Vec<_>>(),
        "works": works.collect::<Vec<_>>(),
        "targets": targets.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

fn cell(report: &Report<'_>, work: &Work, peer: &str) -> Value {
    let rounds = match report.results.cell(work.id, peer) {
        None => return Value::Null,
        Some(Cell::Unable(why)) => return json!({ "unable": why }),
        Some(Cell::Tried(rounds)) => rounds,
    };
    let rounds: Vec<Value> = rounds
        .iter()
        .map(|round| match round {
            Err(why) => json!({ "failed": why }),
            Ok(figures) => {
                let values = Name::ALL.iter().filter_map(|name| Some((name.key(), figures.value(*name)?)));
                let values: Map<_, _> = values.map(|(key, value)| (key.to_owned(), value.into())).collect();
                json!({ "figures": values, "tester": figures.verdict })
            }
        })
        .collect();
    let figures = Name::ALL.iter().filter_map(|name| {
        let spread = report.results.spread(work.id, peer, *name)?;
        let ratio = |over, under| report.results.ratio([work.id, over], [work.id, under], *name);
        let value = json!({
            "unit": name.unit().key(),
            "median": spread.median,
            "min": spread.min,
            "max": spread.max,
            "over_floor": ratio(peer, FLOOR),
            "ours_over_it": ratio(SUBJECT, peer),
        });
        Some((name.key().to_owned(), value))
    });
    json!({ "rounds": rounds, "figures": figures.collect::<Map<_, _>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::fixture;

    #[test]
    fn medians_ratios_failures_and_verdicts_are_there() {
        let report: Value = serde_json::from_str(&text(&fixture::report()).unwrap()).unwrap();
        let at = |pointer: &str| report.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));

        assert_eq!(at("/works/0/peers/floor/figures/cpu_us_per_delivery/median"), 6.0);
        assert_eq!(at("/works/0/peers/sse-server-socket/figures/cpu_us_per_delivery/max"), 7.1);
        assert_eq!(at("/works/0/peers/floor/figures/cpu_us_per_delivery/over_floor"), 1.0);
        assert_eq!(at("/works/1/peers/nchan/rounds/0/failed"), "no end within 30 s");
        assert_eq!(at("/works/1/peers/floor/unable"), "it cannot");
        assert_eq!(at("/targets/0/verdict"), "met");
        assert_eq!(at("/peers/2/left_out"), "no Go here");
    }
}
