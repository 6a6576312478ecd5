//! The `sse-server` binary: flags, log, bind, run.
//!
//! Ends with 0 when it was asked to (also if connections had to be cut), 2 for flags that are not well-formed,
//! 71 if the operating system refuses something, 78 for a configuration that cannot be used.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sse_server::args::{Args, KeyArgError};
use sse_server::signal::{Hangups, Signals};
use sse_server::{BindError, Server, limits, telemetry};
use tracing::info;

/// `EX_OSERR` and `EX_CONFIG` of `sysexits.h`.
const OS_ERROR: u8 = 71;
const BAD_CONFIGURATION: u8 = 78;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever the log is set to. If stderr is gone there is nobody to tell.
            let _ = writeln!(io::stderr(), "sse-server: {error:#}");
            let bad_configuration = error.is::<KeyArgError>()
                || matches!(error.downcast_ref(), Some(BindError::Config(_) | BindError::Tls(_)));
            ExitCode::from(if bad_configuration { BAD_CONFIGURATION } else { OS_ERROR })
        }
    }
}

fn start() -> anyhow::Result<()> {
    let args = Args::parse();
    telemetry::init(&args.log_settings())?;
    let open_files = limits::raise_open_files();
    let server = Server::bind(args.config()?)?;

    // Connections have threads of their own: this one only waits for the end.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start an event loop")?.block_on(async {
        // Before anybody learns that the server is there, and may want to end it.
        let signals = Signals::catch().context("cannot catch signals")?;
        let hangups = Hangups::catch().context("cannot catch signals")?;
        announce(&server, args.workers);
        info!(version = VERSION, workers = args.workers, open_files, "started");
        tokio::spawn(hangups.reload(server.tls_reloader()));
        server.run_until(signals.shutdown()).await.context("cannot start the workers")?;
        Ok(())
    })
}

/// Tells the person who started the server where it is and what to try. The first lines are for scripts too:
/// they name the real ports.
fn announce(server: &Server, workers: usize) {
    let mut text = String::new();
    let plural = if workers == 1 { "" } else { "s" };
    let scheme = if server.tls_reloader().is_some() { "https" } else { "http" };
    for address in server.local_addrs() {
        text +=
            &format!("sse-server {VERSION} listening on {scheme}://{address} ({workers} worker{plural})\n");
    }
    if let Some(address) = server.operations_addr() {
        text += &format!("sse-server {VERSION} operations on http://{address}\n");
    }
    if let Some(address) = server.local_addrs().first() {
        let access = &server.hub().config().access;
        let with_token = |needed| if needed { "-H \"Authorization: Bearer $TOKEN\" " } else { "" };
        let publish = with_token(!access.keys.is_empty());
        let subscribe = with_token(!access.keys.is_empty() && !access.anonymous_subscribe);
        text += &format!(
            "\n  follow a topic   curl -N {subscribe}{scheme}://{address}/events/news\
             \n  publish to it    curl {publish}-d 'hello' {scheme}://{address}/events/news\
             \n  stop             Ctrl-C; all flags: sse-server --help\n"
        );
    }
    // If nobody reads it, the server is none the worse.
    let _ = io::stdout().write_all(text.as_bytes());
}
