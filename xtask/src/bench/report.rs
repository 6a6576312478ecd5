//! What came of it: for the terminal, as Markdown, as JSON, and as a chart.

mod chart;
#[cfg(test)]
mod fixture;
mod json;
mod place;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use self::table::Table;
use super::figures::{Figures, Name, Unit, digits};
use super::machine::Machine;
use super::rounds::{Cell, Entrant, Results};
use super::targets::{FLOOR, SUBJECT, TARGETS};
use super::work::Work;

/// All that there is to tell.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) machine: Machine,
    pub(super) rounds: usize,
    pub(super) quick: bool,
    pub(super) works: Vec<&'a Work>,
    pub(super) results: Results,
}

impl Report<'_> {
    /// For the terminal.
    pub(super) fn text(&self) -> String {
        let mut text = format!("\n{}\n", self.preface());
        for (head, table) in self.tables() {
            text.push_str(&format!("\n{head}\n{}", table.aligned()));
        }
        text
    }

    /// For a document: the same tables.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!("{}\n", self.preface());
        for (head, table) in self.tables() {
            text.push_str(&format!("\n**{head}**\n\n{}", table.markdown()));
        }
        text
    }

    /// Leaves JSON, Markdown and the chart in a folder.
    pub(super) fn leave(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        for (name, text) in [
            ("peers.json", json::text(self)?),
            ("peers.md", self.markdown()),
            ("peers.svg", chart::svg(self)),
        ] {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }

    /// Puts the tables in their place in BENCHMARKING.md, and the chart beside the documents.
    pub(super) fn publish(&self, root: &Path) -> Result<()> {
        place::put(&root.join("BENCHMARKING.md"), &self.markdown())?;
        let chart = root.join("docs/peers.svg");
        fs::write(&chart, chart::svg(self)).with_context(|| format!("cannot write {}", chart.display()))
    }

    fn preface(&self) -> String {
        let rounds = match self.rounds {
            1 => "one round".to_owned(),
            rounds => format!("medians of {rounds} rounds"),
        };
        let quick = if self.quick {
            " A quick run, to see that everything works: its figures mean nothing."
        } else {
            ""
        };
        format!("{}; {rounds}.{quick}", self.machine)
    }

    fn tables(&self) -> Vec<(String, Table)> {
        let mut tables = vec![("Who".to_owned(), self.entrants())];
        tables.extend(self.works.iter().map(|work| (format!("{}: {}", work.id, work.about), self.of(work))));
        // A twentieth of the clients says nothing of them.
        if !self.quick {
            tables.push((format!("What {SUBJECT} is to reach"), self.targets()));
        }
        tables
    }

    fn entrants(&self) -> Table {
        let mut table = Table::new(["server", "what it is", "version"]);
        for Entrant { name, about, version, missing } in &self.results.entrants {
            let version = missing.as_ref().map_or_else(|| version.clone(), |why| format!("left out: {why}"));
            table.row([(*name).to_owned(), (*about).to_owned(), version]);
        }
        table
    }

    /// Who takes part, in the order of the list.
    fn present(&self) -> impl Iterator<Item = &Entrant> {
        self.results.entrants.iter().filter(|entrant| entrant.missing.is_none())
    }

    fn of(&self, work: &Work) -> Table {
        let columns = self.columns(work);
        let heads = columns.iter().map(Column::head);
        let mut table =
            Table::new(["server".to_owned()].into_iter().chain(heads).chain(["notes".to_owned()]));
        let key = work.shows[0];
        let asked = |entrant: &&Entrant| self.results.cell(work.id, entrant.name).is_some();
        for entrant in self.present().filter(asked) {
            let cells = columns.iter().map(|column| self.cell(work, entrant.name, key, *column));
            let cells = [entrant.name.to_owned()].into_iter().chain(cells);
            table.row(cells.chain([self.notes(work, entrant.name)]));
        }
        table
    }

    /// The figure that it is about, beside whom it is compared with, and then those of the others that somebody has.
    fn columns(&self, work: &Work) -> Vec<Column> {
        let (key, others) = (work.shows[0], &work.shows[1..]);
        let has = |name: &Name| {
            self.present().any(|entrant| self.results.median(work.id, entrant.name, *name).is_some())
        };
        let compared = [Column::OverFloor, Column::OursOver].into_iter();
        let compared = compared.filter(|column| {
            let whom = if *column == Column::OverFloor { FLOOR } else { SUBJECT };
            self.results.median(work.id, whom, key).is_some()
        });
        [Column::Figure(key)]
            .into_iter()
            .chain(compared)
            .chain(others.iter().filter(|name| has(name)).map(|name| Column::Figure(*name)))
            .collect()
    }

    fn cell(&self, work: &Work, peer: &str, key: Name, column: Column) -> String {
        let ratio = |over, under| self.results.ratio([work.id, over], [work.id, under], key);
        let none = || "–".to_owned();
        match column {
            Column::OverFloor => ratio(peer, FLOOR).map_or_else(none, digits),
            Column::OursOver => ratio(SUBJECT, peer).map_or_else(none, digits),
            Column::Figure(name) => {
                let Some(spread) = self.results.spread(work.id, peer, name) else { return none() };
                let unit = name.unit();
                // Nothing is fast that drops, so one round is enough to say so.
                let value = if unit == Unit::Count { spread.max } else { spread.median };
                let text = unit.text(value);
                if name == key && self.rounds > 1 {
                    format!("{text} ({} to {})", unit.text(spread.min), unit.text(spread.max))
                } else {
                    text
                }
            }
        }
    }

    fn notes(&self, work: &Work, peer: &str) -> String {
        let unable = match self.results.cell(work.id, peer) {
            Some(Cell::Unable(why)) => Some((*why).to_owned()),
            _ => None,
        };
        let lost = self
            .results
            .lost(work.id, peer)
            .filter(|lost| *lost > 0.0)
            .map(|_| "**loses events**".to_owned());
        let notes = [unable, self.results.failure(work.id, peer), lost, self.results.doubt(work.id, peer)];
        notes.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn targets(&self) -> Table {
        let mut table = Table::new(["work", "figure", "target", "", "measured"]);
        for target in TARGETS.iter().filter(|target| self.works.iter().any(|work| work.id == target.work)) {
            let verdict = target.verdict(&self.results);
            let (word, text) = verdict.parts();
            table.row([target.work, target.figure.label(), &target.text(), word, text].map(str::to_owned));
        }
        table
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Figure(Name),
    /// This server over the floor.
    OverFloor,
    /// Ours over this server.
    OursOver,
}

impl Column {
    fn head(&self) -> String {
        match self {
            Self::Figure(name) => name.label().to_owned(),
            Self::OverFloor => "× floor".to_owned(),
            Self::OursOver => "ours ÷ it".to_owned(),
        }
    }
}

/// As it is shown while rounds go on.
pub(super) fn line(work: &Work, tried: &Result<Figures, String>) -> String {
    let figures = match tried {
        Ok(figures) => figures,
        Err(why) => return format!("failed: {why}"),
    };
    let shown = work.shows.iter().filter_map(|name| Some((name, figures.value(*name)?)));
    let mut parts: Vec<String> =
        shown.map(|(name, value)| format!("{} {}", name.label(), name.unit().text(value))).collect();
    parts.extend(
        figures.verdict.iter().filter(|verdict| *verdict != "ok").map(|verdict| format!("tester {verdict}")),
    );
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_medians_ratios_and_what_failed() {
        let text = fixture::report().markdown();

        for line in [
            "Linux 6.1, 2 × Test CPU; medians of 2 rounds.",
            "| go | the design of an article | left out: no Go here |",
            "| floor | 6.00 µs (5.00 µs to 7.00 µs) | 1.00 | 1.06 | 60.0 ms | 0 |  |",
            "| nchan | 12.0 µs (11.0 µs to 13.0 µs) | 2.03 | 0.52 | 120 ms | 9 | **loses events** |",
            "| sse-server-socket | 6.30 µs (5.50 µs to 7.10 µs) | 1.06 | 1.00 | 61.0 ms | 0 | tester saturated in 1 of 2 |",
            "| nchan | – | – | – | failed: no end within 30 s |",
            "| a | CPU per delivery | at most 1.10 × floor | met | 1.06 × |",
            "| a | CPU per delivery | at most 0.65 × go | not measured | no figure of go |",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_quick_run_says_what_it_is_worth() {
        let quick = Report { quick: true, ..fixture::report() };
        assert!(quick.text().contains("figures mean nothing"));
        assert!(!fixture::report().text().contains("figures mean nothing"));
    }
    #[test]
    fn a_line_shows_what_the_work_is_about() {
        let mut figures = Figures::judged(Some("saturated".to_owned()));
        figures.set(Name::ConnectRate, 9_000.0);
        figures.set(Name::Memory, 2_048.0);
        let work = crate::bench::work::WORKS.iter().find(|work| work.id == "c").unwrap();

        assert_eq!(line(work, &Ok(figures)), "memory per subscriber 2.00 KiB, tester saturated");
        assert_eq!(line(work, &Err("refused".to_owned())), "failed: refused");
    }
}
