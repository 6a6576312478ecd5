//! nginx and HAProxy in front of the hub: with the files under `deploy/`, and nginx as it is when nobody has thought
//! of event streams.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::curl::Answer;
use e2e::deadline::{until, within};
use e2e::front::{Configuration, Front, Kind};
use e2e::{Curl, Next, Reader, Server};

/// What somebody writes who needs a proxy and knows nothing of the hub: buffered, and HTTP/1.0 to the server.
fn as_it_comes(hub: SocketAddr, more: &str) -> Configuration {
    Configuration::own(
        Kind::Nginx,
        format!(
            "pid /run/nginx.pid;\nevents {{}}\nhttp {{\n{more}\nserver {{\nlisten 80;\nlocation / {{ proxy_pass \
             http://{hub}; }}\n}}\n}}\n"
        ),
    )
}

const GZIP: &str = "gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;";

/// Every proxy that the claims below are put to, with its name.
fn all(hub: SocketAddr) -> Result<[(&'static str, Configuration); 4]> {
    Ok([
        ("deploy/nginx.conf", Configuration::deployed(Kind::Nginx, hub)?),
        ("deploy/haproxy.cfg", Configuration::deployed(Kind::Haproxy, hub)?),
        ("nginx as it comes", as_it_comes(hub, "")),
        ("nginx with gzip", as_it_comes(hub, GZIP)),
    ])
}

/// The two under `deploy/`, with a limit of two seconds instead of the minute for a server that is silent.
fn impatient(hub: SocketAddr) -> Result<[(&'static str, Configuration); 2]> {
    let [(nginx_name, nginx), (haproxy_name, haproxy), ..] = all(hub)?;
    Ok([
        (nginx_name, nginx.with("proxy_read_timeout 60s", "proxy_read_timeout 2s")?),
        (haproxy_name, haproxy.with("timeout server 60s", "timeout server 2s")?),
    ])
}

#[tokio::test]
async fn events_pass_at_once() -> Result<()> {
    let hub = Server::start(&[]).await?;
    for (name, configuration) in all(hub.address())? {
        let front = Front::start(&configuration).await?;
        let mut reader = open(&front, "/events/live", None).await.context(name)?;
        let mut took = Vec::new();
        for n in 0..21 {
            let begun = Instant::now();
            hub.publish("live", None, &n.to_string()).await?;
            // None is published before the one before has come, so nothing can push it out of a buffer.
            ensure!(data(&mut reader).await.context(name)? == n.to_string());
            took.push(begun.elapsed());
        }
        took.sort();
        let median = took[took.len() / 2];
        println!("{name}: {median:?} from publisher to reader");
        ensure!(median < Duration::from_millis(200), "{name}: {median:?}");
    }
    Ok(())
}

#[tokio::test]
async fn compressed_events_pass_at_once() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let front = Front::start(&as_it_comes(hub.address(), GZIP)).await?;
    let url = front.url("/events/packed");
    let mut curl = Curl::start(&["--no-buffer", "--compressed", "--include", &url])?;
    let head = curl.output_until("the preamble", |text| text.contains("\nretry: ")).await?;
    ensure!(Answer::parse(&head)?.header("content-encoding") == Some("gzip"), "{head}");
    for n in 0..5 {
        hub.publish("packed", None, &format!("event {n}")).await?;
        curl.output_until("the event", |text| text.contains(&format!("data: event {n}\n"))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_resumes_where_it_was() -> Result<()> {
    let hub = Server::start(&[]).await?;
    for (n, (name, configuration)) in all(hub.address())?.into_iter().enumerate() {
        let front = Front::start(&configuration).await?;
        let (topic, path) = (format!("t{n}"), format!("/events/t{n}"));
        let mut reader = open(&front, &path, None).await.context(name)?;
        let id = hub.publish(&topic, None, "seen").await?;
        ensure!(data(&mut reader).await? == "seen");
        drop(reader);
        hub.publish(&topic, None, "missed").await?;
        let mut reader = open(&front, &path, Some(&id)).await.context(name)?;
        hub.publish(&topic, None, "live").await?;
        ensure!(data(&mut reader).await.context(name)? == "missed");
        ensure!(data(&mut reader).await.context(name)? == "live");
    }
    Ok(())
}

#[tokio::test]
async fn heartbeats_keep_a_stream_open() -> Result<()> {
    let hub = Server::start(&["--heartbeat", "500ms"]).await?;
    for (name, configuration) in impatient(hub.address())? {
        let front = Front::start(&configuration).await?;
        let mut reader = open(&front, "/events/quiet", None).await?;
        // Twice as long as the proxy has patience.
        reader.heartbeats(8).await.context(name)?;
        hub.publish("quiet", None, "still here").await?;
        ensure!(data(&mut reader).await.context(name)? == "still here");
    }
    Ok(())
}

#[tokio::test]
async fn without_heartbeats_a_proxy_cuts_a_stream_off() -> Result<()> {
    let hub = Server::start(&["--heartbeat", "1h"]).await?;
    for (name, configuration) in impatient(hub.address())? {
        let front = Front::start(&configuration).await?;
        let mut reader = open(&front, "/events/quiet", None).await?;
        match reader.next().await {
            Ok(Next::Event(event)) => bail!("{name}: {event:?}"),
            Ok(Next::Cut | Next::End) | Err(_) => {}
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_publisher_may_pause_for_longer_than_a_server() -> Result<()> {
    let hub = Server::start(&["--heartbeat", "500ms"]).await?;
    for (name, configuration) in impatient(hub.address())? {
        let front = Front::start(&configuration).await?;
        let url = front.url("/events/thinking");
        let mut reader = open(&front, "/events/thinking", None).await?;
        let mut curl =
            Curl::start(&["-X", "POST", "-H", "Content-Type: text/event-stream", "-T", "-", &url])?;
        for word in ["first", "second"] {
            curl.write(&format!("data: {word}\n\n")).await?;
            ensure!(data(&mut reader).await.context(name)? == word);
            reader.heartbeats(8).await.context(name)?;
        }
        let answer = curl.finish().await?;
        ensure!(answer.contains("\"count\":2"), "{name}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_that_leaves_is_noticed() -> Result<()> {
    let hub = Server::start(&["--heartbeat", "1h"]).await?;
    for (name, configuration) in all(hub.address())? {
        let front = Front::start(&configuration).await?;
        let reader = open(&front, "/events/left", None).await?;
        subscribers(&hub, 1).await.context(name)?;
        drop(reader);
        subscribers(&hub, 0).await.context(name)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_drain_ends_streams_cleanly() -> Result<()> {
    for number in 0..4 {
        let mut hub = Server::start(&[]).await?;
        let (name, configuration) = all(hub.address())?.into_iter().nth(number).context("there are four")?;
        let front = Front::start(&configuration).await?;
        let mut reader = open(&front, "/events/last", None).await?;
        hub.publish("last", None, "word").await?;
        ensure!(data(&mut reader).await? == "word");
        hub.terminate().await?;
        let Next::Event(drain) = reader.next().await.context(name)? else { bail!("{name}: no sse.drain") };
        ensure!(drain.name == "sse.drain", "{name}: {drain:?}");
        let end = reader.next().await.context(name)?;
        ensure!(matches!(end, Next::End), "{name}: {end:?}");
    }
    Ok(())
}

#[tokio::test]
async fn readers_are_told_to_come_back_while_the_hub_restarts() -> Result<()> {
    for (kind, error) in [(Kind::Nginx, 502), (Kind::Haproxy, 503)] {
        let mut hub = Server::start(&[]).await?;
        let front = Front::start(&Configuration::deployed(kind, hub.address())?).await?;
        let url = front.url("/events/any");
        drop(open(&front, "/events/any", None).await?);
        hub.terminate().await?;

        let answer = Answer::parse(&Curl::run(&["--include", &url]).await?)?;
        ensure!(answer.status == 200, "{kind:?}: {answer:?}");
        ensure!(answer.header("content-type") == Some("text/event-stream"), "{kind:?}: {answer:?}");
        let retry = answer.body.strip_prefix(":come back\nretry: ").context("no retry")?;
        let retry: u32 = retry.trim_end().parse()?;
        ensure!((10_000..20_000).contains(&retry), "{kind:?}: {retry}");
        // A publisher has to know that it did not publish.
        let answer = Answer::parse(&Curl::run(&["--include", "--data", "x", &url]).await?)?;
        ensure!(answer.status == error, "{kind:?}: {answer:?}");

        let hub = hub.start_again().await?;
        until("a stream through the proxy", async || {
            let head = Answer::parse(&Curl::run(&["--head", &url]).await?)?;
            Ok(if head.header("last-event-id").is_some() { Ok(()) } else { Err(format!("{head:?}")) })
        })
        .await?;
        drop(hub);
    }
    Ok(())
}

#[tokio::test]
async fn the_public_does_not_see_what_is_for_operators() -> Result<()> {
    let hub = Server::start(&[]).await?;
    for (kind, refusal) in [(Kind::Nginx, 403), (Kind::Haproxy, 404)] {
        let front = Front::start(&Configuration::deployed(kind, hub.address())?).await?;
        // The whole of 127.0.0.0/8 is this machine, and the files let in one address of it.
        let ask = async |from: &str, path: &str| {
            let answer = Curl::run(&["--include", "--interface", from, &front.url(path)]).await?;
            anyhow::Ok(Answer::parse(&answer)?.status)
        };
        // To the server, %73 is an s.
        for path in ["/metrics", "/slow", "/slow?top=5", "/%73low", "/metric%73"] {
            let (public, operator) = (ask("127.0.0.2", path).await?, ask("127.0.0.1", path).await?);
            ensure!((public, operator) == (refusal, 200), "{kind:?} {path}: {public}, {operator}");
        }
        for path in ["/livez", "/readyz"] {
            let public = ask("127.0.0.2", path).await?;
            ensure!(public == 200, "{kind:?} {path}: {public}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_limit_of_an_event_is_the_hubs() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let large = tempfile::NamedTempFile::new()?;
    let most = 1 << 20;
    for kind in [Kind::Nginx, Kind::Haproxy] {
        let front = Front::start(&Configuration::deployed(kind, hub.address())?).await?;
        let url = front.url("/events/large");
        for (size, status) in [(most, 200), (most + 1, 413)] {
            std::fs::write(large.path(), vec![b'x'; size])?;
            let body = format!("@{}", large.path().display());
            let answer =
                Curl::run(&["--include", "-H", "Expect:", "-X", "POST", "--data-binary", &body, &url])
                    .await?;
            let answer = Answer::parse(&answer)?;
            ensure!(answer.status == status, "{kind:?}: {size} bytes: {} {}", answer.status, answer.body);
            let problem = answer.body.contains("/problems/event-too-large");
            ensure!(problem == (status == 413), "{kind:?}: {}", answer.body);
        }
    }
    Ok(())
}

async fn open(front: &Front, path: &str, position: Option<&str>) -> Result<Reader> {
    Reader::open(&front.url(path), position).await?.context("the topic is live")
}

async fn data(reader: &mut Reader) -> Result<String> {
    within("an event", async {
        match reader.next().await? {
            Next::Event(event) => Ok(event.data),
            end => bail!("{end:?} instead of an event"),
        }
    })
    .await
}

async fn subscribers(hub: &Server, expected: u32) -> Result<()> {
    until("the hub to notice", async || {
        let page = Curl::run(&[&hub.url("/metrics")]).await?;
        let line = format!("\nsse_subscribers {expected}\n");
        Ok(if page.contains(&line) { Ok(()) } else { Err(format!("not {}", line.trim())) })
    })
    .await
}
