//! curl: what stands on the wire, byte for byte, and what one can do from a shell.

use anyhow::{Context, Result, ensure};
use e2e::curl::Answer;
use e2e::events::publish_numbers;
use e2e::reader::parse;
use e2e::seen::Received;
use e2e::{Curl, Next, Reader, Server};

/// What every answer of a stream has, whether to GET or to HEAD.
const STREAM_HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-store, no-transform"),
    ("x-accel-buffering", "no"),
    ("x-content-type-options", "nosniff"),
];

/// Milliseconds: `--retry 200ms`, as the tests start the server, up to twice that.
const RETRY: std::ops::RangeInclusive<u32> = 200..=400;

#[tokio::test]
async fn a_stream_opens_before_any_event_and_then_shows_each_as_it_is_published() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let mut curl = Curl::start(&["--no-buffer", "--include", &hub.url("/events/golden")])?;
    let opened = |text: &str| Answer::parse(text).is_ok_and(|answer| answer.body.matches('\n').count() == 2);
    let head = Answer::parse(&curl.output_until("the head and the first comment", opened).await?)?;
    expect_stream_headers(&head)?;
    ensure!(head.header("transfer-encoding") == Some("chunked"), "{head:?}");
    expect_preamble(&head.body)?;

    let unnamed = hub.publish("golden", None, "hello").await?;
    let named = hub.publish("golden", Some("price"), "one\n two").await?;
    let golden = format!(
        "data: hello\nid: {unnamed}\n\n\
         event: price\ndata: one\ndata:  two\nid: {named}\n\n"
    );
    let whole = head.body.len() + golden.len();
    let text = curl
        .output_until("both events", |text| {
            Answer::parse(text).is_ok_and(|answer| answer.body.len() >= whole)
        })
        .await?;
    let body = Answer::parse(&text)?.body;
    ensure!(body[head.body.len()..] == golden, "{body:?}, expected {golden:?}");
    Ok(())
}

#[tokio::test]
async fn head_answers_the_headers_and_the_cursor_without_a_body() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let id = hub.publish("head", None, "hello").await?;
    // Two requests: a body, or a connection left unusable, would show in the second.
    let url = hub.url("/events/head");
    let text = Curl::run(&["--head", &url, &url]).await?;
    let first = Answer::parse(&text)?;
    let second = Answer::parse(&first.body)?;
    for answer in [&first, &second] {
        expect_stream_headers(answer)?;
        ensure!(answer.header("last-event-id") == Some(&id), "{answer:?}");
        ensure!(answer.header("content-length").is_none(), "{answer:?}");
    }
    ensure!(second.body.is_empty(), "{:?}", second.body);
    Ok(())
}

#[tokio::test]
async fn http_1_0_gets_the_bytes_bare_and_the_end_of_the_connection() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let published = publish_numbers(&hub, "old", 0..3).await?;
    hub.end_topic("old").await?;
    // `--raw` keeps chunk framing visible, were there any.
    let url = hub.url("/events/old?last_event_id=earliest");
    let text = Curl::run(&["--http1.0", "--raw", "--include", &url]).await?;
    let answer = Answer::parse(&text)?;
    expect_stream_headers(&answer)?;
    ensure!(answer.header("transfer-encoding").is_none(), "{answer:?}");
    ensure!(answer.header("content-length").is_none(), "{answer:?}");
    // To close is the rule in HTTP/1.0, which an answer need not repeat.
    ensure!(answer.header("connection").is_none_or(|value| value == "close"), "{answer:?}");
    expect_preamble(&answer.body)?;
    expect_events_and_end(&answer.body, &published)
}

#[tokio::test]
async fn a_reader_at_a_limited_rate_gets_everything() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let mut published = Vec::new();
    for n in 0..40 {
        let data = format!("{n} ").repeat(1_000);
        let id = hub.publish("slow", None, &data).await?;
        published.push(Received { name: "message".into(), data, id });
    }
    hub.end_topic("slow").await?;
    let url = hub.url("/events/slow?last_event_id=earliest");
    let body = Curl::run(&["--limit-rate", "64K", &url]).await?;
    expect_events_and_end(&body, &published)
}

#[tokio::test]
async fn options_answers_what_is_allowed_and_to_whom() -> Result<()> {
    let hub = Server::start(&["--allow-origin", "https://app.example"]).await?;
    let url = hub.url("/events/any");
    let plain = Answer::parse(&Curl::run(&["-X", "OPTIONS", "--include", &url]).await?)?;
    ensure!(plain.status == 204, "{plain:?}");
    let methods = plain.header("allow").context("Allow")?;
    for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS"] {
        ensure!(lists(methods, method), "Allow is {methods}");
    }

    let preflight = |origin: &str| {
        ["-X", "OPTIONS", "--include", "-H", origin, "-H", "Access-Control-Request-Method: POST", "-H"]
            .map(str::to_owned)
            .into_iter()
            .chain(["Access-Control-Request-Headers: content-type,idempotency-key".to_owned(), url.clone()])
            .collect::<Vec<_>>()
    };
    let arguments = preflight("Origin: https://app.example");
    let allowed = Answer::parse(&Curl::run(&as_strs(&arguments)).await?)?;
    ensure!(allowed.header("access-control-allow-origin") == Some("https://app.example"), "{allowed:?}");
    let methods = allowed.header("access-control-allow-methods").context("Access-Control-Allow-Methods")?;
    ensure!(lists(methods, "POST"), "{methods}");
    let headers = allowed.header("access-control-allow-headers").context("Access-Control-Allow-Headers")?;
    ensure!(lists(headers, "content-type") && lists(headers, "idempotency-key"), "{headers}");

    let arguments = preflight("Origin: https://evil.example");
    let refused = Answer::parse(&Curl::run(&as_strs(&arguments)).await?)?;
    ensure!(refused.header("access-control-allow-origin").is_none(), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_pipe_into_curl_publishes_each_event_as_it_comes() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let mut reader = Reader::open(&hub.url("/events/pipe"), None).await?.context("the topic is live")?;
    let url = hub.url("/events/pipe?end=true");
    let mut curl = Curl::start(&["-X", "POST", "-H", "Content-Type: text/event-stream", "-T", "-", &url])?;

    let mut last = String::new();
    // Each is read before the next is written, so the hub cannot have waited for the end of the body.
    for (written, name, data) in [
        ("data: one\n\n", "message", "one"),
        ("event: price\r\ndata: two\r\ndata: lines\r\n\r\n", "price", "two\nlines"),
        (": comment\nid: 99\ndata:three\n\n", "message", "three"),
    ] {
        curl.write(written).await?;
        let Next::Event(event) = reader.next().await? else {
            anyhow::bail!("the stream ended before {data}")
        };
        ensure!((event.name.as_str(), event.data.as_str()) == (name, data), "{event:?}");
        last = event.id;
    }
    let answer = curl.finish().await?;
    ensure!(answer.contains(&last), "the answer {answer:?} does not name the last id {last}");
    let Next::Event(end) = reader.next().await? else { anyhow::bail!("the stream ended without sse.end") };
    ensure!(end.name == "sse.end", "{end:?}");
    ensure!(matches!(reader.next().await?, Next::End));
    Ok(())
}

fn expect_stream_headers(answer: &Answer) -> Result<()> {
    ensure!(answer.status == 200, "{answer:?}");
    for (name, value) in STREAM_HEADERS {
        ensure!(answer.header(name) == Some(value), "{name} is {:?}", answer.header(name));
    }
    Ok(())
}

/// A comment and a jittered `retry:`, and no blank line: there are clients to whom each of those is an empty event.
fn expect_preamble(body: &str) -> Result<()> {
    let retry = body.strip_prefix(":ok\nretry: ").context("no preamble")?;
    let (milliseconds, rest) = retry.split_once('\n').context("no end of the retry line")?;
    let milliseconds: u32 = milliseconds.parse()?;
    ensure!(RETRY.contains(&milliseconds), "retry: {milliseconds}");
    ensure!(!rest.starts_with('\n'), "a blank line of its own in {body:?}");
    Ok(())
}

fn expect_events_and_end(body: &str, published: &[Received]) -> Result<()> {
    let events = parse(body)?;
    let (end, events) = events.split_last().context("no events")?;
    ensure!(end.name == "sse.end", "{end:?}");
    ensure!(events == published, "{} events, published {}", events.len(), published.len());
    Ok(())
}

fn lists(list: &str, item: &str) -> bool {
    list.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(item))
}

fn as_strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}
