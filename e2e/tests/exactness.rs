//! Nothing is lost in silence: whatever two hundred readers do, what each received and what it was told that it
//! missed are together exactly what was published.
//!
//! Readers drop off in the middle of a line, stay away, come back, and stop reading for a while; the hub retains so
//! little that many of them lose events. Each event says who published it and as the how manyth, so that one checker
//! can judge every reader.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::account::{Account, Published, account, sequence};
use e2e::raw::{Answer, Publisher};
use e2e::{Received, Server, deadline, reader};
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const READERS: usize = 200;
const PUBLISHERS: usize = 2;
const EVENTS_EACH: usize = 700;

/// A topic retains this many events, and remembers the numbers of as many more.
const RETAINED: &str = "64";

/// Bytes that a reader takes on one connection before it drops off.
const CUT_AFTER: std::ops::Range<usize> = 1..100_000;

/// For how many events a reader that drops off may stay away: too few to lose any, enough to lose some, and so many
/// that not even their number is remembered.
const AWAY: std::ops::Range<usize> = 0..400;

/// For how many events a reader stops reading: more than fit in all buffers on the way.
const STALLED: usize = 800;

/// What a reader's system takes in ahead, in bytes. Left alone, Linux would take megabytes.
const RECEIVE_BUFFER: u32 = 4096;

/// Data is this long, in bytes, so that a reader which stops reading soon fills what is on the way.
const DATA: usize = 300;

/// A reader of all topics.
#[derive(Debug)]
struct Reader {
    address: SocketAddr,
    topics: &'static [&'static str],
    /// The id that it begins after.
    start: String,
    /// What each connection gave.
    received: Vec<Vec<Received>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_of_a_topic_can_account_for_every_event() -> Result<()> {
    play(&["a"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_of_several_topics_can_account_for_every_event() -> Result<()> {
    play(&["a", "b"]).await
}

#[expect(clippy::print_stdout, reason = "cargo shows it when the test fails, and then the seed is needed")]
async fn play(topics: &'static [&'static str]) -> Result<()> {
    let seed = seed()?;
    println!("seed {seed}: set E2E_SEED to repeat what readers and publishers do");
    let mut server = Server::start(&["--retain-events", RETAINED, "--workers", "2"]).await?;
    let address = server.address();
    let before_all = server.cursor(topics[0]).await?;

    let (tell, progress) = watch::channel(0);
    let tell = Arc::new(tell);
    let mut publishers = JoinSet::new();
    for n in 0..PUBLISHERS {
        let rng = Rng::with_seed(seed ^ n as u64);
        publishers.spawn(publish(address, topics, n, rng, Arc::clone(&tell)));
    }
    let mut readers = JoinSet::new();
    for n in 0..READERS {
        let mut rng = Rng::with_seed(seed ^ (1000 + n as u64));
        let progress = progress.clone();
        let start = before_all.clone();
        let reader = Reader { address, topics, start, received: Vec::new() };
        readers.spawn(
            async move { reader.read(&mut rng, progress).await.with_context(|| format!("reader {n}")) },
        );
    }

    let mut published = Published::new();
    while let Some(events) = publishers.join_next().await {
        published.extend(events??);
    }
    ensure!(published.keys().copied().eq(1..=(PUBLISHERS * EVENTS_EACH) as u64), "every sequence once");
    for topic in topics {
        server.end_topic(topic).await?;
    }

    let mut total = Account::default();
    let mut connections = 0;
    while let Some(reader) = readers.join_next().await {
        let reader = reader??;
        connections += reader.received.len();
        total.add(account(&reader.received, &published)?);
    }
    println!("{READERS} readers on {connections} connections: {total:?}");
    ensure!(connections > 2 * READERS, "hardly anybody dropped off: the seed is of no use");
    ensure!(total.counted > 0 && total.uncounted > 0, "no gaps: the seed is of no use");
    for reason in ["expired", "slow"] {
        ensure!(total.reasons.contains_key(reason), "nobody was {reason}: the seed is of no use");
    }
    server.terminate().await
}

/// Publishes to any of the topics, at a pace at which readers can follow, and tells how much has been published in all.
async fn publish(
    address: SocketAddr,
    topics: &'static [&'static str],
    publisher: usize,
    mut rng: Rng,
    tell: Arc<watch::Sender<usize>>,
) -> Result<Published> {
    let mut connection = Publisher::connect(address).await?;
    let mut published = Published::new();
    for n in 0..EVENTS_EACH {
        let topic = rng.choice(topics).expect("there is a topic");
        let data = format!("{:<DATA$}|", format!("publisher {publisher} event {n} to {topic}"));
        let id = connection.publish(topic, &data).await?;
        published.insert(sequence(&id)?, (topic, data));
        tell.send_modify(|published| *published += 1);
        tokio::time::sleep(Duration::from_millis(rng.u64(..3))).await;
    }
    ensure!(published.len() == EVENTS_EACH, "an id was given twice");
    ensure!(in_own_order(&published), "the order of a publisher's own events has changed");
    Ok(published)
}

/// Events of one publisher are numbered in the order of their sequences.
fn in_own_order(published: &Published) -> bool {
    let number = |data: &str| data.split(' ').nth(3).and_then(|number| number.parse::<usize>().ok());
    published.values().enumerate().all(|(n, (_, data))| number(data) == Some(n))
}

impl Reader {
    /// Reads to the end of its topics, over as many connections as it takes.
    async fn read(mut self, rng: &mut Rng, mut progress: watch::Receiver<usize>) -> Result<Self> {
        // Some are there from the beginning, others come later; all want everything.
        self.stay_away(rng, &mut progress).await;
        loop {
            let Some(received) = self.read_once(rng, &mut progress).await? else { return Ok(self) };
            self.received.push(received);
            if rng.u8(..3) == 0 {
                self.stay_away(rng, &mut progress).await;
            }
        }
    }

    /// What one connection gave before it was cut; none if there is nothing more, ever.
    async fn read_once(
        &self,
        rng: &mut Rng,
        progress: &mut watch::Receiver<usize>,
    ) -> Result<Option<Vec<Received>>> {
        let mut stream = self.subscribe().await?;
        let stall = (rng.u8(..20) == 0).then(|| rng.usize(CUT_AFTER));
        // Who stalled reads on to the gap that came of it, behind all that was on the way.
        let cut = if stall.is_some() { usize::MAX } else { rng.usize(CUT_AFTER) };
        let mut bytes = Vec::new();
        let mut piece = [0; 1024];
        while bytes.len() < cut {
            let most = piece.len().min(cut - bytes.len());
            let read = async { Ok(stream.read(&mut piece[..most]).await?) };
            let read = deadline::within("bytes of a stream", read).await?;
            if read == 0 {
                break;
            }
            let before = bytes.len();
            bytes.extend_from_slice(&piece[..read]);
            if stall.is_some_and(|at| (before..bytes.len()).contains(&at)) {
                pause(STALLED, progress).await;
            }
        }
        let Some(answer) = Answer::parse(&bytes)? else { return Ok(Some(Vec::new())) };
        match answer.status {
            200 => Ok(Some(reader::parse(&answer.body)?)),
            204 => Ok(None),
            other => bail!("a stream answered {other}"),
        }
    }

    async fn subscribe(&self) -> Result<TcpStream> {
        let position = self.received.iter().flatten().last().map_or(&self.start, |event| &event.id);
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let mut stream = socket.connect(self.address).await?;
        let topics: Vec<_> = self.topics.iter().map(|topic| format!("topic={topic}")).collect();
        let request = format!(
            "GET /events?{} HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\nlast-event-id: {position}\r\n\r\n",
            topics.join("&")
        );
        stream.write_all(request.as_bytes()).await?;
        Ok(stream)
    }

    async fn stay_away(&self, rng: &mut Rng, progress: &mut watch::Receiver<usize>) {
        pause(rng.usize(AWAY), progress).await;
    }
}

/// Waits until this many more events have been published, or all.
async fn pause(events: usize, progress: &mut watch::Receiver<usize>) {
    let until = (*progress.borrow() + events).min(PUBLISHERS * EVENTS_EACH);
    // It fails when the publishers have gone: then there is nothing to wait for.
    let _ = progress.wait_for(|published| *published >= until).await;
}

fn seed() -> Result<u64> {
    match std::env::var("E2E_SEED") {
        Ok(seed) => seed.parse().context("E2E_SEED is a number"),
        Err(_) => Ok(fastrand::u64(..)),
    }
}
