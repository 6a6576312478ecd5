//! One connection in memory, between a client of the `h2` crate and ours, on a clock that only moves when nobody has
//! anything to do.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;

use actix_http::HttpMessage;
use actix_service::fn_service;
use actix_web::body::BodyStream;
use futures_util::stream;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::Method;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, LocalSet};

use super::*;
use crate::counters::Count;
use crate::transport::Connection;

const LIMITS: Limits = Limits {
    head: Duration::from_secs(5),
    keep_alive: Duration::from_secs(20),
    write: Duration::from_secs(10),
    head_bytes: 64 * 1024,
};

/// A connection that is being served, and what its application does.
struct Running {
    /// What is sent here, the body of `/stream` says. Closed when the body is dropped.
    says: mpsc::Sender<Bytes>,
    stop: Option<oneshot::Sender<()>>,
    counters: Arc<Counters>,
    ended: JoinHandle<()>,
}

impl Running {
    fn new() -> (Self, DuplexStream) {
        let (client, io) = duplex(1 << 20);
        let (says, said) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel::<()>();
        let said = Rc::new(RefCell::new(Some(said)));
        let app = Rc::new(fn_service(move |request: Request| {
            let answer = answer(&request, &said);
            async move { Ok::<_, Response<BoxBody>>(answer) }
        }));
        let stopping = async {
            if stopped.await.is_err() {
                pending().await
            }
        };
        let counters = Arc::<Counters>::default();
        let terms = Terms { peer: None, limits: LIMITS, counters: Arc::clone(&counters) };
        let ended = spawn_local(serve(io, app, terms, stopping));
        (Self { counters, says, stop: Some(stop), ended }, client)
    }

    async fn say(&self, text: impl Into<Bytes>) {
        self.says.send(text.into()).await.unwrap();
    }
}

fn answer(request: &Request, said: &RefCell<Option<mpsc::Receiver<Bytes>>>) -> Response<BoxBody> {
    if request.path() == "/stream" {
        let mut said = said.borrow_mut().take().expect("one stream is asked for");
        let said = stream::poll_fn(move |cx| said.poll_recv(cx).map(|text| text.map(Ok::<_, Infallible>)));
        return Response::ok().set_body(BoxBody::new(BodyStream::new(said)));
    }
    if let Some(connection) = Connection::of_request(request).filter(|_| request.path() == "/evicted") {
        spawn_local(async move {
            sleep(Duration::from_secs(1)).await;
            connection.evict();
        });
        let silent = stream::pending::<Result<Bytes, Infallible>>();
        return Response::ok().set_body(BoxBody::new(BodyStream::new(silent)));
    }
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or("nobody");
    Response::ok().set_body(BoxBody::new(format!("{} at {host}", request.uri())))
}

/// A client whose connection is driven until the handle is aborted.
async fn connect(io: DuplexStream, window: u32) -> (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let (client, connection) =
        client::Builder::new().initial_window_size(window).handshake(io).await.unwrap();
    (client, spawn_local(connection))
}

async fn ask(client: &mut SendRequest<Bytes>, method: Method, path: &str) -> ResponseFuture {
    poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
    let request = http::Request::builder().method(method).uri(format!("https://hub.example{path}"));
    client.send_request(request.body(()).unwrap(), true).unwrap().0
}

async fn get(client: &mut SendRequest<Bytes>, path: &str) -> RecvStream {
    let answer = ask(client, Method::GET, path).await.await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body()
}

async fn text(body: &mut RecvStream) -> String {
    let chunk = body.data().await.unwrap().unwrap();
    body.flow_control().release_capacity(chunk.len()).unwrap();
    String::from_utf8(chunk.to_vec()).unwrap()
}

async fn assert_good_end(mut body: RecvStream) {
    while let Some(last) = body.data().await {
        assert!(last.expect("no reset").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_answered_side_by_side() {
    let connection = async {
        let (served, io) = Running::new();
        let (mut client, _driven) = connect(io, 65_535).await;
        let mut stream = get(&mut client, "/stream").await;
        let mut short = get(&mut client, "/short?x=y").await;
        assert_eq!(text(&mut short).await, "/short?x=y at hub.example");
        for said in ["one", "two"] {
            served.say(said).await;
            assert_eq!(text(&mut stream).await, said);
        }
        assert_eq!(client.current_max_send_streams(), STREAMS as usize);
        drop(served.says);
        assert_good_end(stream).await;
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_alone_has_the_length_of_what_it_is_about() {
    let connection = async {
        let (_served, io) = Running::new();
        let (mut client, _driven) = connect(io, 65_535).await;
        let answer = ask(&mut client, Method::HEAD, "/short").await.await.unwrap();
        assert_eq!(answer.headers()["content-length"], "/short at hub.example".len().to_string());
        assert!(answer.headers().contains_key("date"));
        assert!(answer.into_body().is_end_stream());
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_its_reader_closes_ends_at_once() {
    let connection = async {
        let (served, io) = Running::new();
        let (mut client, _driven) = connect(io, 65_535).await;
        let stream = get(&mut client, "/stream").await;
        let before = Instant::now();
        // Dropped, and so reset: with nothing to say on it, only the reset can end it.
        drop(stream);
        served.says.closed().await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(text(&mut get(&mut client, "/short").await).await, "/short at hub.example");
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_window_is_reset_and_no_other() {
    let connection = async {
        let (served, io) = Running::new();
        let (mut client, _driven) = connect(io, 64).await;
        let mut stream = get(&mut client, "/stream").await;
        served.say(vec![b'x'; 65]).await;
        let before = Instant::now();
        served.says.closed().await;
        assert_eq!(before.elapsed().as_secs(), LIMITS.write.as_secs());
        assert_eq!(served.counters.count(Count::EvictedStalled), 1);
        assert_eq!(stream.data().await.unwrap().unwrap().len(), 64);
        assert_eq!(stream.data().await.unwrap().unwrap_err().reason(), Some(Reason::CANCEL));
        assert_eq!(text(&mut get(&mut client, "/short").await).await, "/short at hub.example");
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_evicted_loses_that_stream_and_no_other() {
    let connection = async {
        let (_served, io) = Running::new();
        let (mut client, _driven) = connect(io, 65_535).await;
        let mut stream = get(&mut client, "/evicted").await;
        assert_eq!(stream.data().await.unwrap().unwrap_err().reason(), Some(Reason::CANCEL));
        assert_eq!(text(&mut get(&mut client, "/short").await).await, "/short at hub.example");
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_opens_the_window_in_time_gets_everything() {
    let connection = async {
        let (served, io) = Running::new();
        let (mut client, _driven) = connect(io, 1000).await;
        let mut stream = get(&mut client, "/stream").await;
        let before = Instant::now();
        for _ in 0..10 {
            served.say(vec![b'x'; 1500]).await;
        }
        drop(served.says);
        let mut received = 0;
        while let Some(chunk) = stream.data().await {
            let chunk = chunk.unwrap().len();
            received += chunk;
            sleep(LIMITS.write / 6).await;
            stream.flow_control().release_capacity(chunk).unwrap();
        }
        assert_eq!(received, 10 * 1500);
        assert!(before.elapsed() > LIMITS.write, "altogether it may take longer");
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_no_ping_is_gone() {
    let connection = async {
        let (served, io) = Running::new();
        let (mut client, connection) = client::handshake(io).await.unwrap();
        let mut connection = Box::pin(connection);
        let before = Instant::now();
        {
            let stream = async { get(&mut client, "/stream").await };
            let stream =
                tokio::select! { stream = stream => stream, _ = &mut connection => panic!("it ends") };
            // Kept, and never looked at again: neither is the connection.
            std::mem::forget(stream);
        }
        served.says.closed().await;
        served.ended.await.unwrap();
        assert_eq!(before.elapsed().as_secs(), (PING_EVERY + PING_PATIENCE).as_secs());
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn pings_that_are_answered_keep_a_silent_stream_open() {
    let connection = async {
        let (served, io) = Running::new();
        let (mut client, _driven) = connect(io, 65_535).await;
        let mut stream = get(&mut client, "/stream").await;
        sleep(Duration::from_secs(600)).await;
        served.say("still here").await;
        assert_eq!(text(&mut stream).await, "still here");
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_nothing_is_sent_away() {
    let connection = async {
        let (served, io) = Running::new();
        let (mut client, driven) = connect(io, 65_535).await;
        text(&mut get(&mut client, "/short").await).await;
        let before = Instant::now();
        served.ended.await.unwrap();
        assert_eq!(before.elapsed().as_secs(), LIMITS.keep_alive.as_secs());
        driven.await.unwrap().expect("in good order");
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn who_never_says_a_word_is_closed() {
    let connection = async {
        let (served, _io) = Running::new();
        let before = Instant::now();
        served.ended.await.unwrap();
        assert_eq!(before.elapsed().as_secs(), LIMITS.head.as_secs());
    };
    LocalSet::new().run_until(connection).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_server_waits_for_streams_and_takes_no_more() {
    let connection = async {
        let (mut served, io) = Running::new();
        let (mut client, driven) = connect(io, 65_535).await;
        let mut stream = get(&mut client, "/stream").await;
        served.stop.take().unwrap().send(()).unwrap();
        served.say("last words").await;
        assert_eq!(text(&mut stream).await, "last words");
        sleep(Duration::from_secs(1)).await;
        assert!(!served.ended.is_finished());
        assert!(poll_fn(|cx| client.poll_ready(cx)).await.is_err(), "it was told to go elsewhere");

        drop(served.says);
        assert_good_end(stream).await;
        served.ended.await.unwrap();
        driven.await.unwrap().expect("in good order");
    };
    LocalSet::new().run_until(connection).await;
}
