//! What is seen while a run lasts: bars and a live line on a terminal, a line now and then elsewhere. On standard error;
//! standard output is the report's.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::coordinator::{Now, Progress, Stage};

/// A line so often where nobody can be shown a bar.
const PLAIN_EVERY: u64 = 5_000_000_000;

/// See the module.
#[derive(Debug)]
pub struct Terminal {
    clients: u64,
    stage: Option<Stage>,
    bar: Option<ProgressBar>,
    said: u64,
    live: bool,
}

impl Terminal {
    /// For a run with so many clients.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        Self { clients: clients.into(), stage: None, bar: None, said: 0, live: stderr().is_terminal() }
    }

    fn enter(&mut self, now: &Now) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.stage = Some(now.stage);
        self.said = 0;
        if !self.live {
            return;
        }
        let length =
            if now.stage == Stage::Connect { self.clients } else { now.length.unwrap_or(0) / 1_000_000 };
        let template = "{prefix:>9.bold} {wide_msg} [{bar:20.cyan/dim}]";
        let style =
            ProgressStyle::with_template(template).expect("the template is ours").progress_chars("━━─");
        let bar = ProgressBar::new(length).with_style(style).with_prefix(now.stage.name());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bar = Some(bar);
    }
}

impl Progress for Terminal {
    fn now(&mut self, now: &Now) {
        if self.stage != Some(now.stage) {
            self.enter(now);
        }
        let line = line(now, self.clients);
        if let Some(bar) = &self.bar {
            bar.set_position(if now.stage == Stage::Connect {
                now.counts.ready
            } else {
                now.elapsed / 1_000_000
            });
            bar.set_message(line);
            return;
        }
        if self.said == 0 || now.elapsed >= self.said + PLAIN_EVERY {
            self.said = now.elapsed.max(1);
            self.say(&format!("{:<8} {line}", now.stage.name()));
        }
    }

    fn say(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| write_line(line)),
            None => write_line(line),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn write_line(line: &str) {
    // Nobody is there to be told that it failed.
    let _ = writeln!(stderr(), "{line}");
}

fn line(now: &Now, clients: u64) -> String {
    let counts = &now.counts;
    let mut line = format!("{:>5.1}s  {} of {clients} clients", now.elapsed as f64 / 1e9, counts.ready);
    let mut add = |what: std::fmt::Arguments<'_>| line.write_fmt(what).expect("a String takes every write");
    if counts.failed + counts.stopped > 0 {
        add(format_args!("  {} failed", counts.failed));
    }
    if now.stage != Stage::Connect {
        add(format_args!(
            "  {:.1}k events/s  {:.1} MB/s",
            now.second.events as f64 / 1e3,
            now.second.bytes as f64 / 1e6
        ));
        if let (Some(p50), Some(p99)) = (now.second.p50, now.second.p99) {
            add(format_args!("  p50 {:.1} p99 {:.1} ms", p50 as f64 / 1e6, p99 as f64 / 1e6));
        }
        let faults = counts.duplicated + counts.reordered + counts.corrupted;
        if faults > 0 {
            add(format_args!("  {faults} faults"));
        }
    }
    line
}
