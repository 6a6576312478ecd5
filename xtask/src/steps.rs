//! The list of checks, in the order in which they run: the cheapest and the most often broken first.

use crate::setup::Need;
use crate::step::{Step, Work};
use crate::{api, clients, faults, fuzz, instructions, models, mutants, quick_start, smoke, stress, tidy};

pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        proves: "the code is formatted",
        needs: &[],
        work: Work::Cargo { args: "fmt --all --check", env: &[] },
        hint: "run `cargo fmt --all`",
    },
    Step {
        name: "clippy",
        proves: "no lint of the workspace fires, in any target",
        needs: &[],
        work: Work::Cargo { args: "clippy --workspace --all-targets --locked -- -D warnings", env: &[] },
        hint: "fix what clippy shows, or `#[expect]` it with a reason; the lints are in Cargo.toml",
    },
    Step {
        name: "tidy",
        proves: "the rules of the house that no lint knows hold",
        needs: &[],
        work: Work::Function(tidy::check),
        hint: "each complaint above says what to do",
    },
    Step {
        name: "test",
        proves: "unit, integration and property tests pass, and the examples build",
        needs: &[],
        work: Work::Cargo {
            // Clients, faults and benches have steps of their own: two need the release server, one measures time.
            args: "test --workspace --exclude e2e --exclude faults --exclude benches --all-targets --locked",
            env: &[],
        },
        hint: "run the failing test alone: `cargo test -p PACKAGE NAME`",
    },
    Step {
        name: "doc-test",
        proves: "every example in the documentation compiles and does what it says",
        needs: &[],
        // `--all-targets` above leaves these out.
        work: Work::Cargo { args: "test --doc --workspace --locked", env: &[] },
        hint: "the example in the doc comment shown above has fallen behind the code",
    },
    Step {
        name: "doc",
        proves: "the documentation builds, with every link in it",
        needs: &[],
        work: Work::Cargo {
            args: "doc --workspace --no-deps --document-private-items --locked",
            env: &[("RUSTDOCFLAGS", "-D warnings")],
        },
        hint: "fix the link or the markup that rustdoc shows",
    },
    Step {
        name: "loom",
        proves: "the core's concurrency holds in every interleaving of small models",
        needs: &[],
        work: Work::Function(models::loom),
        hint: "run the failing model alone with LOOM_LOG=1 LOOM_LOCATION=1; loom prints the schedule",
    },
    Step {
        name: "shuttle",
        proves: "the core's concurrency holds in many random interleavings of larger models",
        needs: &[],
        work: Work::Function(models::shuttle),
        hint: "shuttle prints the failing schedule; give it to shuttle::replay",
    },
    Step {
        name: "mutants",
        proves: "the tests notice seeded bugs",
        needs: &[],
        work: Work::Function(mutants::check),
        hint: "a test that no bug can fail proves nothing: sharpen it; the list is in xtask/src/mutants/list.rs",
    },
    Step {
        name: "fuzz",
        proves: "no input found in a short search breaks the core's parsing, or eats memory",
        needs: &[],
        work: Work::Function(fuzz::check),
        hint: "keep the input that cargo-fuzz saved as fuzz/corpus/TARGET/seed-WHAT, then fix the bug",
    },
    Step {
        name: "bench-smoke",
        proves: "every benchmark runs, once, without being measured",
        needs: &[],
        // Unoptimised: what is compiled for the tests serves here, too.
        work: Work::Cargo { args: "test -p benches --benches --locked -- --test", env: &[] },
        hint: "run `cargo bench -p benches` and mend the benchmark that fails",
    },
    Step {
        name: "smoke",
        proves: "the release binary publishes, delivers, resumes, ends and drains, as curl sees it",
        needs: &[Need::Curl],
        work: Work::Function(smoke::check),
        hint: "the lines above show what server and curl said; curl missing? `cargo xtask setup`",
    },
    Step {
        name: "api",
        proves: "the HTTP surface is as its OpenAPI document says, whatever is sent",
        needs: &[Need::ApiTester],
        work: Work::Function(api::check),
        hint: "the lines above have a curl command for each finding; mend the server or crates/sse-server/src/openapi.json",
    },
    Step {
        name: "instructions",
        proves: "a publish and a delivery take no more instructions than they did",
        needs: &[Need::Valgrind],
        work: Work::Function(instructions::check),
        hint: "the table above says which; BENCHMARKING.md, how to find where, and when to write new counts down",
    },
    Step {
        name: "stress",
        proves: "under load, every event reaches every client once, in order and whole, in every scenario",
        needs: &[],
        work: Work::Function(stress::check),
        hint: "the table above says what went wrong; the reports are under target/stress/quick",
    },
    Step {
        name: "faults",
        proves: "what goes wrong around the server costs it little, and its other clients nothing",
        needs: &[],
        work: Work::Function(faults::check),
        hint: "docs/reliability.md says what is promised; run one alone: `cargo xtask faults f07`",
    },
    Step {
        name: "quick-start",
        proves: "the commands of the README's quick start do what the README says",
        needs: &[Need::Curl],
        work: Work::Function(quick_start::check),
        hint: "run the README's block by hand; mend the README or the server",
    },
    Step {
        name: "clients",
        proves: "the clients that people use get every event from the release binary, and come back",
        needs: &[Need::Browser, Need::Curl, Need::NodeClients, Need::Proxies, Need::PythonClients],
        work: Work::Function(clients::check),
        hint: "a client missing? `cargo xtask setup`; else run the failing test alone, see CONTRIBUTING.md",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = STEPS.iter().map(|step| step.name).collect();

        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn contributors_are_told_of_every_step() {
        let told = include_str!("../../CONTRIBUTING.md");
        for Step { name, proves, .. } in STEPS {
            let row = format!("| `{name}` | {proves} |");
            assert!(told.contains(&row), "CONTRIBUTING.md lacks the row {row}");
        }
    }

    #[test]
    fn every_step_says_what_it_proves_and_what_to_do() {
        for step in STEPS {
            assert!(!step.proves.is_empty() && !step.hint.is_empty(), "{}", step.name);
        }
    }
}
