//! F24: ids and headers that are made to do harm.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, exchange, measured};
use tokio::io::AsyncWriteExt;

/// What any of them may take.
const QUICK: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f24_hostile_ids_and_headers_are_gaps_or_refused_and_never_logged_raw() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let under = ["sh", "-c", &format!("exec \"$0\" \"$@\" 2>'{}'", log.display())];
    let mut server = Server::start_under(&under, "127.0.0.1:0", &["--log", "debug"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;
    let mut source = Source::connect(address, 0).await?;
    source.publish("a", 10).await?;

    let long = "9".repeat(4 << 10);
    let ids: [&[u8]; 11] = [
        b"18446744073709551616",
        b"-1",
        b"zzzzzzzz-18446744073709551616",
        b"zzzzzzzz--1",
        b"%00%0d%0ainjected: yes",
        b"\xff\xfe\x80",
        "\u{202e}…".as_bytes(),
        b"../../etc/passwd",
        b"${jndi:ldap://x}",
        b"<script>alert(1)</script>",
        long.as_bytes(),
    ];
    let mut slowest = Duration::ZERO;
    for id in ids {
        let shown = String::from_utf8_lossy(id).into_owned();
        let began = Instant::now();
        let mut stream = faults::connect(address, None).await?;
        stream
            .write_all(&[b"GET /events/a HTTP/1.1\r\nhost: f\r\nlast-event-id: ", id, b"\r\n\r\n"].concat())
            .await?;
        let bytes = read_until(&mut stream, b"\n\n").await?;
        let text = String::from_utf8_lossy(&bytes);
        ensure!(text.starts_with("HTTP/1.1 200 ") && text.contains("event: sse.gap\n"), "{shown}: {text}");
        ensure!(!text.contains("injected: yes") || !shown.contains("injected"), "{shown}: {text}");
        slowest = slowest.max(began.elapsed());
    }

    let header = |lines: &str| {
        format!("GET /events/a HTTP/1.1\r\nhost: f\r\nconnection: close\r\n{lines}\r\n").into_bytes()
    };
    let line =
        |target: &str| format!("GET {target} HTTP/1.1\r\nhost: f\r\nconnection: close\r\n\r\n").into_bytes();
    let refused: [(Vec<u8>, &[u16]); 10] = [
        (line("/events/a?last_event_id=%"), &[400]),
        (line("/events/a?last_event_id=%ff"), &[400]),
        (line("/events/%00"), &[400]),
        (line("/events/a%0d%0ainjected:%20yes"), &[400]),
        (line(&format!("/events/{}", "a".repeat(5_000))), &[400, 414]),
        (line("/events?topic="), &[400]),
        (header("x: \0\r\n"), &[400]),
        (header(&"x: y\r\n".repeat(200)), &[400, 431]),
        (header("content-length: 1\r\ncontent-length: 2\r\n"), &[400]),
        (header("content-length: -1\r\n"), &[400]),
    ];
    let count = ids.len() + refused.len();
    for (request, statuses) in refused {
        let shown = String::from_utf8_lossy(&request[..request.len().min(100)]).into_owned();
        let began = Instant::now();
        let answer = exchange(address, &request).await?;
        slowest = slowest.max(began.elapsed());
        ensure!(statuses.contains(&answer.status), "{shown:?} was answered {answer:?}");
    }
    ensure!(slowest < QUICK, "one took {slowest:?}");

    server.end_topic("a").await?;
    survivor.to_the_end().await?;
    ensure!(account(&[survivor.into_events()], source.published())?.missed == 0, "nothing was missed");
    drop(source);
    baseline.returns().await?;
    server.terminate().await?;
    let log = std::fs::read(&log)?;
    ensure!(!log.is_empty(), "there is no log to look at");
    let own_escapes = |byte: &u8| *byte == 0x1b || *byte == b'\n' || *byte == b'\t';
    let raw = log.iter().find(|byte| (**byte < 0x20 && !own_escapes(byte)) || **byte == 0x7f);
    ensure!(raw.is_none(), "the log has the raw byte {raw:?}");
    ensure!(!String::from_utf8_lossy(&log).contains("\ninjected"), "a line of the log was injected");
    measured(
        "F24",
        format!(
            "{count} hostile ids and requests: a gap or a refusal, the slowest after {} ms; nothing raw in the log",
            slowest.as_millis()
        ),
    );
    Ok(())
}

async fn read_until(stream: &mut tokio::net::TcpStream, end: &[u8]) -> Result<Vec<u8>> {
    use tokio::io::AsyncReadExt;
    let mut bytes = Vec::new();
    e2e::deadline::within("the gap", async {
        while !bytes.windows(end.len()).any(|window| window == end) {
            ensure!(
                stream.read_buf(&mut bytes).await? > 0,
                "ended behind {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
        Ok(())
    })
    .await?;
    Ok(bytes)
}
