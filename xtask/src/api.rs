//! Asks the release server what its OpenAPI document allows, and what it forbids: every answer has to be one that the
//! document describes, with the headers and the body that it describes.
//!
//! Schemathesis makes up the requests. What it cannot read in the document, such as that a stream does not end by
//! itself, is in `e2e/api/hooks.py`. That the document is complete is for the tests of sse-server to say.

use std::fs;

use anyhow::{Context, Result};

use crate::invocation::Invocation;
use crate::server::Server;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// So that a run can be repeated, and a change that breaks nothing does not fail by chance.
const SEED: &str = "1";

/// Requests for each operation and kind of data, at most. With these the step takes ten seconds; a longer search is for
/// somebody who waits for it.
const EXAMPLES: &str = "30";

/// Of use to nobody but the server of a run.
const SECRET: &str = "only for the check of the surface: no secret";

/// Where [`SECRET`] is, for the server and for those who sign with it.
const VARIABLE: &str = "SSE_SERVER_SECRET";

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let binary = workspace.release_server()?;

    println!("everybody may do everything");
    // At `info`, it tells the life of every stream.
    let quiet = Invocation::path(&binary).env("SSE_LOG", "warn");
    let server = Server::start_as(workspace, quiet.clone())?;
    ask(workspace, &server, "", "examples,coverage,fuzzing")?;
    drop(server);

    println!("everything needs a token");
    let keyed = quiet.args(["--jwt-key", &format!("hs256:env:{VARIABLE}")]);
    let server = Server::start_as(workspace, keyed.env(VARIABLE, SECRET))?;
    // What the parameters may be was seen above. These phases leave out the token, or send a wrong one.
    ask(workspace, &server, SECRET, "examples,coverage")?;
    Ok(Outcome::Passed)
}

/// # Errors
///
/// Some answer is none that the document describes. The lines above say which, and how to ask for it with curl.
fn ask(workspace: &Workspace, server: &Server, secret: &str, phases: &str) -> Result<()> {
    // It leaves what it learned in the folder that it is started in.
    let folder = workspace.clients().join("api");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let own = workspace.root().join("e2e/api");
    Invocation::new("env")
        .args([format!("--chdir={}", folder.display())])
        .args([workspace.clients().join("api-venv/bin/schemathesis").to_string_lossy()])
        .args(["--config-file", &own.join("schemathesis.toml").to_string_lossy()])
        .args(["run", &server.url("/openapi.json"), "--phases", phases])
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--generation-database", "none"])
        // A stream that does not end is a finding, and must not hold up the run for long.
        .args(["--request-timeout", "5"])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", own.to_string_lossy())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .env(VARIABLE, secret)
        .run(workspace)
}
