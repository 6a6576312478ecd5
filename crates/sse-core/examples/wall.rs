//! The core without the server: a wall that everybody can read and write to, on nothing but a TCP listener.
//!
//! ```sh
//! cargo run -p sse-core --example wall
//! curl -N http://127.0.0.1:7070/          # read
//! curl -d 'hello' http://127.0.0.1:7070/  # write
//! ```
//!
//! Its HTTP is as small as can be; what it shows is who drives a segment, and how a task takes deliveries.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever starts it")]

use std::time::{Duration, Instant};

use sse_core::{Broadcaster, Config, Delivery, Event, Position, Segment, SegmentConfig, Turn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local, yield_now};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let broadcaster = Broadcaster::new(Config::default());
    let listener = TcpListener::bind("127.0.0.1:7070").await?;
    println!("read it with: curl -N http://127.0.0.1:7070/");

    // A segment and its subscribers live on one thread. With more threads: one segment on each, one broadcaster for all.
    LocalSet::new()
        .run_until(async {
            let segment = Segment::new(&broadcaster, SegmentConfig::default());
            spawn_local(drive(segment.clone()));
            spawn_local(expire(broadcaster.clone()));
            loop {
                let (socket, _) = listener.accept().await?;
                let (segment, broadcaster) = (segment.clone(), broadcaster.clone());
                spawn_local(async move {
                    if let Err(error) = serve(socket, &segment, &broadcaster).await {
                        eprintln!("{error:#}");
                    }
                });
            }
        })
        .await
}

/// Makes a turn whenever there is something new, or a heartbeat is due.
async fn drive(segment: Segment) {
    loop {
        match segment.turn(Instant::now()) {
            // The tasks that this turn has woken come first.
            Turn::More => yield_now().await,
            Turn::Idle(next) => {
                let marked = std::future::poll_fn(|cx| segment.poll_marked(cx));
                match next {
                    Some(next) => drop(tokio::time::timeout_at(next.into(), marked).await),
                    None => marked.await,
                }
            }
        }
    }
}

/// Lets go of what is too old, and of topics that nobody uses.
async fn expire(broadcaster: Broadcaster) {
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        broadcaster.expire();
    }
}

async fn serve(mut socket: TcpStream, segment: &Segment, broadcaster: &Broadcaster) -> anyhow::Result<()> {
    let mut request = vec![0; 8192];
    let read = socket.read(&mut request).await?;
    let request = std::str::from_utf8(&request[..read])?;

    if request.starts_with("POST") {
        let text = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let id = broadcaster.publish(&"wall".parse()?, &Event::message(text))?;
        let body = format!("{id}\n");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        socket.write_all((head + &body).as_bytes()).await?;
        return Ok(());
    }

    let mut subscription = segment.subscribe(["wall".parse()?], Position::Earliest)?;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n:ok\n";
    socket.write_all(head.as_bytes()).await?;
    while let Some(delivery) = subscription.next().await {
        match delivery {
            Delivery::Frames(run) => socket.write_all(run.bytes()).await?,
            Delivery::Heartbeat => socket.write_all(b":\n").await?,
            Delivery::Lagged(gap) => {
                socket.write_all(format!(":missed {:?}\n", gap.missed).as_bytes()).await?
            }
            Delivery::Ended | Delivery::Closed => break,
        }
    }
    Ok(())
}
