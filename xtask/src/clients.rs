//! Runs the end-to-end tests: the clients that people use, against the release binary. The tests themselves are the
//! `e2e` package; what they need is installed by `setup`.

use anyhow::Result;

use crate::invocation::Invocation;
use crate::step::Outcome;
use crate::workspace::Workspace;

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let server = workspace.release_server()?;
    // One at a time: each test starts a server and often a browser, and their deadlines assume a free machine.
    Invocation::cargo("test -p e2e --locked -- --test-threads=1")
        .env("SSE_SERVER_BIN", server.to_string_lossy())
        .run(workspace)?;
    Ok(Outcome::Passed)
}
