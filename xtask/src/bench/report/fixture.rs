//! Results to render in tests: a floor, one who loses events, one that is not there, and ours.

use super::Report;
use crate::bench::figures::{Figures, Name};
use crate::bench::machine::Machine;
use crate::bench::rounds::{Entrant, Results};
use crate::bench::targets::{FLOOR, SUBJECT};
use crate::bench::work::WORKS;

pub(super) fn report() -> Report<'static> {
    let mut results = Results::default();
    for (name, about, missing) in [
        (FLOOR, "a bare loop", None),
        ("nchan", "a module of nginx", None),
        ("go", "the design of an article", Some("no Go here".to_owned())),
        (SUBJECT, "this <server> & its sockets", None),
    ] {
        results.entrants.push(Entrant { name, about, version: "1.0".to_owned(), missing });
    }
    for (peer, cpu, p99, lost) in [
        (FLOOR, [5.0, 7.0], 60.0, 0.0),
        ("nchan", [11.0, 13.0], 120.0, 9.0),
        (SUBJECT, [5.5, 7.1], 61.0, 0.0),
    ] {
        for (round, cpu) in cpu.into_iter().enumerate() {
            let mut figures = figures(&[(Name::Cpu, cpu), (Name::P99, p99), (Name::Lost, lost)]);
            let busy = peer == SUBJECT && round == 1;
            figures.verdict = Some(if busy { "saturated" } else { "ok" }.to_owned());
            results.add("a", peer, Ok(figures));
        }
    }
    results.add("c", SUBJECT, Ok(figures(&[(Name::Memory, 276.0), (Name::KernelMemory, 4_800.0)])));
    results.add("c", "nchan", Err("no end within 30 s".to_owned()));
    results.set_unable("c", FLOOR, "it cannot");
    Report {
        machine: Machine { kernel: "6.1".to_owned(), processor: "Test CPU".to_owned(), cores: 2 },
        rounds: 2,
        quick: false,
        works: WORKS.iter().filter(|work| ["a", "c"].contains(&work.id)).collect(),
        results,
    }
}

fn figures(values: &[(Name, f64)]) -> Figures {
    let mut figures = Figures::default();
    values.iter().for_each(|&(name, value)| figures.set(name, value));
    figures
}
