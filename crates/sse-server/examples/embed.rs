//! The whole server inside a program of your own, which publishes without HTTP.
//!
//! ```sh
//! cargo run -p sse-server --example embed
//! curl -N http://127.0.0.1:8080/events/clock
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever starts it")]

use std::time::Duration;

use sse_core::{Event, TopicName};
use sse_server::{Config, Server, Shutdown};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let server = Server::bind(Config::default())?;
    println!("try: curl -N http://{}/events/clock", server.local_addrs()[0]);

    let broadcaster = server.hub().broadcaster().clone();
    tokio::spawn(async move {
        let clock: TopicName = "clock".parse().expect("it is a valid name");
        for second in 0.. {
            let data = format!("{second} s");
            if broadcaster.publish(&clock, &Event::message(&data)).is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });

    server
        .run_until(async {
            // With no way to catch Ctrl-C there is none to end in good order.
            let _ = tokio::signal::ctrl_c().await;
            Shutdown::graceful()
        })
        .await?;
    Ok(())
}
