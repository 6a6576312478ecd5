//! The commands that check the core's concurrency with loom and shuttle. The models themselves are tests of
//! sse-core; the mutants run some of them again with a bug built in.

use std::path::PathBuf;

use anyhow::Result;

use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// Every interleaving of the models in `crates/sse-core/tests/loom*.rs`, up to the bound on preemptions.
pub(crate) fn loom(workspace: &Workspace) -> Result<Outcome> {
    check(workspace, "loom")
}

/// Random interleavings of the models in `crates/sse-core/tests/shuttle*.rs`.
pub(crate) fn shuttle(workspace: &Workspace) -> Result<Outcome> {
    check(workspace, "shuttle")
}

fn check(workspace: &Workspace, cfg: &str) -> Result<Outcome> {
    let models = format!("{cfg}*");
    // cargo fails when no test target has such a name: models that are gone do not pass.
    test(workspace, "sse-core", Some(cfg)).args(["--test", &models]).run(workspace)?;
    Ok(Outcome::Passed)
}

/// `cargo test` of one package, as it is or with the types of the model checker that `cfg` names.
pub(crate) fn test(workspace: &Workspace, package: &str, cfg: Option<&str>) -> Invocation {
    let test = Invocation::cargo("test --locked").args(["-p", package]);
    let Some(cfg) = cfg else { return test };
    test.args(["--release"])
        .env("CARGO_TARGET_DIR", build_folder(workspace, cfg).to_string_lossy())
        .env("RUSTFLAGS", format!("--cfg {cfg}"))
        // loom's manual says that two or three find most bugs; each further one multiplies the time.
        // Means nothing to shuttle.
        .env("LOOM_MAX_PREEMPTIONS", "2")
}

/// A folder per flag: it changes every dependency, and would throw out the ordinary build each time.
fn build_folder(workspace: &Workspace, cfg: &str) -> PathBuf {
    workspace.target().join(cfg)
}
