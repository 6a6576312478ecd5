//! The real thing: a compiler at work is piped into a topic as it speaks, and readers come, drop off and return.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Curl, Next, Reader, Server};
use fastrand::Rng;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

const READERS: u64 = 20;

/// Fewer would not be the length of a real log.
const LINES_AT_LEAST: usize = 2_000;

/// Readers join while the first of these lines are published, the last of them still in mid-stream.
const JOIN_WITHIN: usize = 1_500;

/// Bytes of body until a reader is cut off: within the preamble, within an event, after many.
const CUT_AFTER: std::ops::Range<usize> = 1..40_000;

/// What one reader got in the end.
struct Read {
    lines: Vec<String>,
    cuts: usize,
    /// Whether it heard `sse.end`.
    ended: bool,
}

#[tokio::test]
async fn every_reader_gets_each_line_of_a_live_build_once_and_in_order() -> Result<()> {
    let seed = seed()?;
    println!("seed {seed}: set E2E_SEED to repeat the joins and the cuts");
    // The whole log stays in reach, for the claim here is exactness and not what happens to those who fall behind.
    let hub = Server::start(&["--retain-events", "100000", "--retain-bytes", "64MiB"]).await?;
    let url = Arc::new(hub.url("/events/build?last_event_id=earliest"));

    let (spoken, listening) = watch::channel(0);
    let mut readers = JoinSet::new();
    for n in 0..READERS {
        let (url, mut listening, mut rng) = (Arc::clone(&url), listening.clone(), Rng::with_seed(seed ^ n));
        let join_at = rng.usize(..JOIN_WITHIN);
        readers.spawn(async move {
            listening.wait_for(|lines| *lines >= join_at).await?;
            read_all(&url, &mut rng).await.with_context(|| format!("reader {n}"))
        });
    }
    let lines = publish_build(&hub, &spoken).await?;
    ensure!(lines.len() >= LINES_AT_LEAST, "the build spoke only {} lines", lines.len());

    let (mut cuts, mut ends) = (0, 0);
    while let Some(read) = readers.join_next().await {
        let read = read??;
        let difference = read.lines.iter().zip(&lines).position(|(read, line)| read != line);
        ensure!(difference.is_none(), "line {difference:?} differs");
        ensure!(read.lines.len() == lines.len(), "{} lines, published {}", read.lines.len(), lines.len());
        cuts += read.cuts;
        ends += usize::from(read.ended);
    }
    println!("{} lines to {READERS} readers, cut off {cuts} times, {ends} heard sse.end", lines.len());
    ensure!(cuts > 0 && ends > 0, "{cuts} cuts, {ends} ends: the seed is of no use");
    Ok(())
}

/// Pipes a build into the topic, line by line as the compiler speaks, and answers the lines.
async fn publish_build(hub: &Server, spoken: &watch::Sender<usize>) -> Result<Vec<String>> {
    let target = TempDir::new()?;
    let mut build = start_build(&target)?;
    let url = hub.url("/events/build?end=true");
    let mut curl = Curl::start(&["-X", "POST", "-H", "Content-Type: text/event-stream", "-T", "-", &url])?;
    let mut output = BufReader::new(build.stdout.take().expect("stdout is piped")).lines();
    let mut lines = Vec::new();
    while let Some(line) = output.next_line().await? {
        // Data can hold no bare CR; a progress bar would be the only one to write it.
        let line = line.replace('\r', " ");
        curl.write(&format!("data: {line}\n\n")).await?;
        lines.push(line);
        spoken.send_replace(lines.len());
    }
    let status = build.wait().await?;
    ensure!(status.success(), "the build ended with {status}: {}", lines.last().map_or("", String::as_str));
    curl.finish().await?;
    Ok(lines)
}

/// A few seconds of work on the core crate, spoken out as cargo does when one debugs a build.
fn start_build(target: &TempDir) -> Result<Child> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let command = "exec \"$0\" check -vv --offline --package sse-core --lib --target-dir \"$1\" 2>&1";
    let build = Command::new("sh")
        .args(["-c", command, &cargo])
        .arg(target.path())
        .current_dir(e2e::tools::workspace())
        .env("CARGO_LOG", "cargo=debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok(build)
}

/// Reads the topic to its end, which is 204, over as many connections as it takes.
async fn read_all(url: &str, rng: &mut Rng) -> Result<Read> {
    let mut lines = Vec::new();
    let mut cuts = 0;
    let mut position = None;
    let mut ended = false;
    while let Some(reader) = Reader::open(url, position.as_deref()).await? {
        ensure!(!ended, "the topic went on after sse.end");
        let mut reader = reader.cut_after(rng.usize(CUT_AFTER));
        loop {
            match reader.next().await? {
                Next::Event(event) if event.name == "sse.end" => ended = true,
                Next::Event(event) if event.is_control() => bail!("unexpected {event:?}"),
                Next::Event(event) => {
                    ensure!(!ended, "an event after sse.end");
                    position = Some(event.id);
                    lines.push(event.data);
                }
                Next::Cut => {
                    cuts += 1;
                    break;
                }
                Next::End => {
                    ensure!(ended, "the stream ended without sse.end");
                    break;
                }
            }
        }
    }
    // Whoever was cut off between the last event and `sse.end` learns of the end by the 204 alone.
    Ok(Read { lines, cuts, ended })
}

fn seed() -> Result<u64> {
    match std::env::var("E2E_SEED") {
        Ok(seed) => seed.parse().context("E2E_SEED is a number"),
        Err(_) => Ok(fastrand::u64(..)),
    }
}
