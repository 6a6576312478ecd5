//! `cargo xtask ci`: runs the checks of `steps` one after the other and says at the end how each of them went.
//!
//! Nothing here knows a particular check. The same list runs on a laptop and on the CI server.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use crate::report::{Finished, Report, Verdict};
use crate::setup::{self, Need};
use crate::step::{Outcome, Step};
use crate::steps::STEPS;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only this step; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names())]
    only: Vec<String>,
    /// Leave this step out; may be repeated
    #[arg(long, value_name = "NAME", value_parser = names())]
    skip: Vec<String>,
    /// Stop at the first failure, instead of going on and listing every failure at the end
    #[arg(long)]
    fail_fast: bool,
    /// Show the steps and what each of them proves, and run none
    #[arg(long)]
    list: bool,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(STEPS.iter().map(|step| step.name))
}

/// Whether no step failed.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<bool> {
    let steps = selected(STEPS, &args.only, &args.skip);
    if args.list {
        steps.iter().for_each(|step| println!("{:12} {}", step.name, step.proves));
        return Ok(true);
    }
    let mut report = Report::default();
    let ready = prepare(workspace, &steps, &mut report);
    if ready || !args.fail_fast {
        run_steps(workspace, &steps, args.fail_fast, &mut report);
    }
    print!("{report}");
    Ok(report.failed() == 0)
}

fn selected<'a>(steps: &'a [Step], only: &[String], skip: &[String]) -> Vec<&'a Step> {
    let names = |list: &[String], step: &Step| list.iter().any(|name| name == step.name);
    steps
        .iter()
        .filter(|step| only.is_empty() || names(only, step))
        .filter(|step| !names(skip, step))
        .collect()
}

/// Installs what the steps need. Takes no place in the report unless something is needed.
///
/// A failure here does not keep the other steps from running: most of them need nothing.
fn prepare(workspace: &Workspace, steps: &[&Step], report: &mut Report) -> bool {
    let needs: BTreeSet<Need> = steps.iter().flat_map(|step| step.needs).copied().collect();
    if needs.is_empty() {
        return true;
    }
    println!("\n==> setup: what the steps need is installed");
    let started = Instant::now();
    let done = setup::prepare(workspace, &needs).map(|()| Outcome::Passed);
    report.add(Finished {
        name: "setup",
        hint: "install by hand what the message names; `cargo xtask setup` tries again",
        took: started.elapsed(),
        verdict: Verdict::from(done),
    })
}

fn run_steps(workspace: &Workspace, steps: &[&Step], fail_fast: bool, report: &mut Report) {
    for (index, step) in steps.iter().enumerate() {
        println!("\n==> {}/{} {}: {}", index + 1, steps.len(), step.name, step.proves);
        let started = Instant::now();
        let done = step.work.run(workspace);
        let passed = report.add(Finished {
            name: step.name,
            hint: step.hint,
            took: started.elapsed(),
            verdict: Verdict::from(done),
        });
        if fail_fast && !passed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Work;
    use anyhow::bail;

    const FAKES: &[Step] = &[
        fake("first", |_| Ok(Outcome::Passed)),
        fake("broken", |_| bail!("on purpose")),
        fake("absent", |_| Ok(Outcome::Skipped("no such tool".to_owned()))),
        fake("last", |_| Ok(Outcome::Passed)),
    ];

    const fn fake(name: &'static str, work: fn(&Workspace) -> Result<Outcome>) -> Step {
        Step { name, proves: "nothing", needs: &[], work: Work::Function(work), hint: "mend it" }
    }

    fn report(fail_fast: bool) -> Report {
        let mut report = Report::default();
        run_steps(&Workspace::here(), &selected(FAKES, &[], &[]), fail_fast, &mut report);
        report
    }

    fn selected_names(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        let owned = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        selected(FAKES, &owned(only), &owned(skip)).iter().map(|step| step.name).collect()
    }

    #[test]
    fn goes_on_after_a_failure_and_counts_it() {
        let report = report(false);

        assert_eq!(report.failed(), 1);
        assert!(report.to_string().ends_with("\n2 passed, 1 failed\n"), "{report}");
    }

    #[test]
    fn fail_fast_stops_at_the_first_failure() {
        assert!(report(true).to_string().ends_with("\n1 passed, 1 failed\n"));
    }

    #[test]
    fn selects_in_the_order_of_the_list() {
        assert_eq!(selected_names(&["last", "first"], &[]), ["first", "last"]);
        assert_eq!(selected_names(&[], &["broken"]), ["first", "absent", "last"]);
        assert_eq!(selected_names(&["first", "broken"], &["broken"]), ["first"]);
    }

    #[test]
    fn steps_without_needs_prepare_nothing() {
        let mut report = Report::default();

        assert!(prepare(&Workspace::here(), &selected(FAKES, &[], &[]), &mut report));
        assert_eq!(report.to_string().lines().last(), Some("0 passed, 0 failed"));
    }
}
