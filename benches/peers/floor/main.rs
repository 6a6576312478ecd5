//! The floor: as little as a program can do that hands events to many subscribers, one `send()` for each.
//!
//! One thread, level-triggered epoll, and nothing that a hub is for: no history, no heartbeat, no limit, no deadline. A
//! subscriber is a descriptor in a list. Nothing is lost: sockets block, so one that takes no more holds up all others
//! until it does. A subscriber who has left is noticed when a send to it fails.

mod chunked;
mod connection;
mod request;
mod server;
mod topics;

use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Parser;

use self::server::Server;

#[derive(Debug, Parser)]
#[command(about = "A bare loop that accepts and sends, to be measured beside servers")]
struct Args {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

fn main() -> anyhow::Result<()> {
    let mut server = Server::bind(Args::parse().listen)?;
    writeln!(io::stdout(), "listening on http://{}", server.address()?)?;
    server.run()
}
