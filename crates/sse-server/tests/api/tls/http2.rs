//! A real client over TLS, with both protocols, and what only HTTP/2 has.

use actix_web::http::StatusCode;
use reqwest::{Client, Response, Version};
use sse_server::Ended;
use tokio::task::spawn_blocking;

use super::{Files, await_subscribers, start};
use crate::server::TestServer;

fn client(files: &Files, protocol: &str) -> Client {
    let tls = files.client(&[protocol]);
    Client::builder().tls_backend_preconfigured(tls).no_proxy().timeout(crate::http::BOUND).build().unwrap()
}

fn url(server: &TestServer, target: &str) -> String {
    format!("https://{}{target}", server.address())
}

/// A stream that is being read.
struct Reading {
    response: Response,
    text: String,
}

impl Reading {
    async fn open(client: &Client, server: &TestServer, target: &str) -> Self {
        let response = client.get(url(server, target)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut reading = Self { response, text: String::new() };
        reading.until(":ok\n").await;
        reading
    }

    async fn until(&mut self, end: &str) -> &str {
        while !self.text.contains(end) {
            let chunk = self.response.chunk().await.unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("no {end:?} in {:?}", self.text));
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
        &self.text
    }

    /// The rest, up to the good end.
    async fn rest(mut self) -> String {
        while let Some(chunk) = self.response.chunk().await.expect("a good end") {
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
        self.text
    }
}

/// On another thread, so that the client goes on.
async fn await_subscribers_meanwhile(server: &TestServer, wanted: usize) {
    let hub = server.hub().clone();
    spawn_blocking(move || await_subscribers(&hub, wanted)).await.unwrap();
}

async fn publish(client: &Client, server: &TestServer, data: impl Into<String>) -> String {
    let answer = client.post(url(server, "/events/a")).body(data.into()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    answer["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn publish_follow_resume_and_end() {
    for (protocol, version) in [("http/1.1", Version::HTTP_11), ("h2", Version::HTTP_2)] {
        let (server, files) = start();
        let client = client(&files, protocol);
        let mut first = Reading::open(&client, &server, "/events/a").await;
        assert_eq!(first.response.version(), version);
        let one = publish(&client, &server, "one").await;
        first.until(&format!("data: one\nid: {one}\n\n")).await;
        drop(first);
        await_subscribers_meanwhile(&server, 0).await;

        let two = publish(&client, &server, "two").await;
        let mut second = Reading::open(&client, &server, &format!("/events/a?last_event_id={one}")).await;
        let text = second.until(&format!("data: two\nid: {two}\n\n")).await;
        assert!(!text.contains("one") && !text.contains("sse.gap"), "{text}");

        let large = "x".repeat(300_000);
        publish(&client, &server, large.clone()).await;
        second.until(&format!("data: {large}\n")).await;

        let ended = client.delete(url(&server, "/events/a")).send().await.unwrap();
        assert!(ended.status().is_success());
        assert!(second.rest().await.contains("event: sse.end\n"));
    }
}

#[tokio::test]
async fn many_streams_share_a_connection_and_leave_it_one_by_one() {
    let (server, files) = start();
    let client = client(&files, "h2");
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(Reading::open(&client, &server, "/events/a").await);
    }
    publish(&client, &server, "for all").await;
    for stream in &mut streams {
        stream.until("data: for all\n").await;
    }
    // Heartbeats play no part here: a stream that is closed is noticed because it is closed.
    for left in (0..100).rev() {
        streams.pop();
        await_subscribers_meanwhile(&server, left).await;
    }
}

#[tokio::test]
async fn the_server_ends_in_good_order() {
    for protocol in ["http/1.1", "h2"] {
        let (mut server, files) = start();
        let client = client(&files, protocol);
        let stream = Reading::open(&client, &server, "/events/a").await;
        server.begin_shutdown();
        assert!(stream.rest().await.contains("event: sse.drain\n"));
        // The client still has its connection, for the next request: it must not be waited for.
        let ended = spawn_blocking(|| server.ended()).await.unwrap();
        assert_eq!(ended, Ended::Drained);
        drop(client);
    }
}

#[tokio::test]
async fn requests_and_answers_are_the_same_as_over_http1() {
    let (server, files) = start();
    let mut seen = Vec::new();
    for protocol in ["http/1.1", "h2"] {
        let client = client(&files, protocol);
        let origin = url(&server, "");
        let own =
            client.post(url(&server, "/events/a")).header("origin", origin).body("x").send().await.unwrap();
        let evil = client.post(url(&server, "/events/a")).header("origin", "https://evil.example").body("x");
        let evil = evil.send().await.unwrap();
        let head = client.head(url(&server, "/livez")).send().await.unwrap();
        let length = head.headers().get("content-length").unwrap().clone();
        let too_large = "x".repeat(2_000_000);
        let too_large = client.post(url(&server, "/events/a")).body(too_large).send().await.unwrap();
        let nowhere = client.put(url(&server, "/nowhere?x=y")).send().await.unwrap();
        seen.push((
            [own.status(), evil.status(), head.status(), too_large.status(), nowhere.status()],
            length,
            too_large.text().await.unwrap(),
            nowhere.text().await.unwrap(),
        ));
    }
    assert_eq!(seen[0], seen[1]);
    let statuses = seen[0].0.map(|status| status.as_u16());
    assert_eq!(statuses, [200, 403, 200, StatusCode::PAYLOAD_TOO_LARGE.as_u16(), 404]);
}

#[tokio::test]
async fn a_stream_can_be_published_while_it_is_read() {
    let (server, files) = start();
    let client = client(&files, "h2");
    let mut reading = Reading::open(&client, &server, "/events/a").await;
    let source = Reading::open(&client, &server, "/events/b").await;
    // What is published to b goes on to a, over one connection.
    let piped = client.post(url(&server, "/events/a")).header("content-type", "text/event-stream");
    let piped = tokio::spawn(piped.body(reqwest::Body::from(source.response)).send());
    for data in ["one", "two"] {
        client.post(url(&server, "/events/b")).body(data).send().await.unwrap();
        reading.until(&format!("data: {data}\n")).await;
    }
    client.delete(url(&server, "/events/b")).send().await.unwrap();
    let answer = piped.await.unwrap().unwrap().text().await.unwrap();
    assert!(answer.contains("\"count\":2"), "{answer}");
}
