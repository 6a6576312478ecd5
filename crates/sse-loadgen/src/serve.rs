//! The test server: what an ideal SSE server does, or one whose every fault is known.
//!
//! It tells three things. Without faults, what the machine gives: a load tester that is measured against it meets its own
//! ceiling, not a server's. With faults, whether a load tester finds each of them: it drops, duplicates, reorders,
//! damages and delays events at given probabilities, and counts exactly what it did. And its finite streams stand in
//! for an endpoint that answers token by token.
//!
//! One thread, one `epoll`. An event is encoded once, and each subscriber gets all that it lacks in one write. It is no
//! server for production: no TLS, no HTTP/2, no limits on who may do what.
//!
//! | request | meaning |
//! | --- | --- |
//! | `GET /events/{topic}` | subscribe; `Last-Event-ID` resumes, `earliest` in it asks for all that is retained |
//! | `POST /events/{topic}` | publish the body as the data of one event; answers `{"id":"…"}` |
//! | `GET /tokens?n=50&interval=20ms&first=200ms` | a finite stream; `truncate=K` cuts it after K tokens |
//! | `GET /faults` | what was done so far, as [`Counts`] |
//! | `POST /cut?how=fin` | closes all streams at once: `fin`, `rst`, or `end` for an orderly end of each |
//!
//! # Layout
//!
//! | module | what it is |
//! | --- | --- |
//! | `args` → `config` | what was typed; what it means |
//! | `server` → `hub` | sockets and readiness; what they are used for |
//! | `request` → `route` → `answer` | bytes in; what is asked for; bytes out |
//! | `connection` → `outgoing` | one client; its socket, with what it has not taken yet |
//! | `topic` → `frame` | the events that are retained; one of them as wire bytes |
//! | `delivery` → `faults` → `counts` | an event on its way to one subscriber; what may happen to it; what did |
//! | `tokens`, `timers` | finite streams; what is due later |

mod answer;
mod args;
mod config;
mod connection;
mod counts;
mod delivery;
mod faults;
mod frame;
mod hub;
mod outgoing;
mod request;
mod route;
mod server;
mod timers;
mod tokens;
mod topic;

use std::io::{self, Write};
use std::thread;

use anyhow::Context;
use rustix::process::{Resource, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

pub use self::args::ServeArgs;
pub use self::config::ServeConfig;
pub use self::counts::Counts;
pub use self::faults::{Faults, FaultsError};
pub use self::server::{Handle, Server};

/// The subcommand: serves until `SIGINT` or `SIGTERM`, then closes all streams in good order. Says on stdout, one line
/// for each address, where it listens.
///
/// Raises the process's limit of open files as far as it may: each subscriber is one.
///
/// # Errors
///
/// The probabilities contradict each other, an address is taken, or the operating system refuses something else.
pub fn run(args: &ServeArgs) -> anyhow::Result<()> {
    raise_open_files();
    let config = args.config()?;
    let listen = config.listen.clone();
    let server = Server::bind(config).with_context(|| format!("cannot listen on {listen:?}"))?;
    for address in server.addresses() {
        writeln!(io::stdout(), "listening on http://{address}").context("cannot write to stdout")?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot catch signals")?;
    let (closer, handle) = (signals.handle(), server.handle());
    let watcher = thread::spawn(move || signals.forever().for_each(|_| handle.stop()));
    let served = server.run();
    closer.close();
    watcher.join().expect("stopping a server does not panic");
    served.context("cannot go on serving")?;
    Ok(())
}

fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If the system refuses, the old limit holds: it is enough for many a test.
    let _ = setrlimit(Resource::Nofile, limit);
}
