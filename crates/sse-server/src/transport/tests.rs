//! The transport under actix, over real sockets: what a client gets that does not behave.
//!
//! Time limits are short here, and every wait of a test has a generous bound: what is awaited is that the
//! connection ends, not when.

use std::convert::Infallible;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, Responder};

use super::*;
use crate::Config;
use crate::listener::listen;
use crate::server::http::{Shared, service};

mod direct;
mod misbehaving;
mod requests;

/// Longer than anything here takes on the slowest machine.
const BOUND: Duration = Duration::from_secs(20);

/// What the handlers tell the test.
struct Probe {
    /// Requests that reached a handler.
    handled: AtomicUsize,
    /// Polls of a stream's body, sent when the body is dropped.
    ended: Mutex<Sender<usize>>,
}

/// A server with one worker, for as long as the value lives.
struct Served {
    address: SocketAddr,
    probe: Arc<Probe>,
    ended: Receiver<usize>,
    handle: actix_server::ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// With time limits so long that they play no part.
    fn patient() -> Self {
        Self::new(&Config { request_head_timeout: BOUND * 2, keep_alive: BOUND * 2, ..Config::default() })
    }

    fn new(config: &Config) -> Self {
        let listener = listen("127.0.0.1:0".parse().unwrap(), 64).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, ended) = mpsc::channel();
        let probe = Arc::new(Probe { handled: AtomicUsize::new(0), ended: Mutex::new(sender) });

        let builder = actix_server::Server::build().workers(1).disable_signals();
        let shared = Shared::new(
            config,
            OpenConnections::new(100, 0, None),
            Arc::default(),
            builder.graceful_shutdown_signal(),
        );
        let for_handlers = web::Data::from(Arc::clone(&probe));
        let app = move || App::new().app_data(for_handlers.clone()).configure(handlers);
        let builder = builder.listen("test", listener, move || service(app(), shared.clone())).unwrap();

        let (started, handle) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = builder.run();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, probe, ended, handle: handle.recv().unwrap(), thread: Some(thread) }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(BOUND)).unwrap();
        client
    }

    /// Opens a stream and waits for its first bytes.
    fn open_stream(&self, path: &str) -> TcpStream {
        let mut client = self.connect();
        write!(client, "GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        read_until(&mut client, ":ok\n");
        client
    }

    /// Waits for the body of a stream to be dropped, and says how often it was polled.
    fn stream_ended(&self) -> usize {
        self.ended.recv_timeout(BOUND).expect("the stream ends")
    }

    fn handled(&self) -> usize {
        self.probe.handled.load(Ordering::SeqCst)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn handlers(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(short))
        .route("/stream", web::get().to(stream))
        .route("/endless-stream", web::get().to(endless_stream))
        .route("/large", web::get().to(large))
        .route("/late-stream", web::get().to(late_stream))
        .route("/brief-stream", web::get().to(brief_stream))
        .route("/give-up", web::post().to(give_up))
        .route("/length", web::post().to(length));
}

async fn short(probe: web::Data<Probe>) -> impl Responder {
    probe.handled.fetch_add(1, Ordering::SeqCst);
    "short"
}

async fn stream(request: HttpRequest, probe: web::Data<Probe>) -> HttpResponse {
    probe.handled.fetch_add(1, Ordering::SeqCst);
    HttpResponse::Ok().body(Quiet::new(&request, probe))
}

/// Has more to say for as long as somebody takes it.
async fn endless_stream(request: HttpRequest, probe: web::Data<Probe>) -> HttpResponse {
    let mut quiet = Quiet::new(&request, probe);
    quiet.endless = true;
    HttpResponse::Ok().body(quiet)
}

/// More than all buffers on the way hold, and of known size.
async fn large(probe: web::Data<Probe>) -> HttpResponse {
    struct Large(Bytes, web::Data<Probe>);

    impl MessageBody for Large {
        type Error = Infallible;

        fn size(&self) -> BodySize {
            BodySize::Sized(64 << 20)
        }

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
            Poll::Ready(Some(Ok(self.0.clone())))
        }
    }

    impl Drop for Large {
        fn drop(&mut self) {
            let _ = self.1.ended.lock().unwrap().send(0);
        }
    }

    HttpResponse::Ok().body(Large(vec![b'x'; 16 * 1024].into(), probe))
}

/// Ends a moment after its first bytes, when the connection waits to read.
async fn brief_stream(request: HttpRequest, probe: web::Data<Probe>) -> HttpResponse {
    let mut quiet = Quiet::new(&request, probe);
    quiet.over = Some(Box::pin(sleep(Duration::from_millis(50))));
    HttpResponse::Ok().body(quiet)
}

/// Answers without the body, when the connection waits to read it.
async fn give_up(_body: web::Payload) -> impl Responder {
    sleep(Duration::from_millis(50)).await;
    "short"
}

/// Awaits before it answers, so that the transport is asked for more before the stream begins.
async fn late_stream(request: HttpRequest, probe: web::Data<Probe>) -> HttpResponse {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    stream(request, probe).await
}

async fn length(body: Bytes, probe: web::Data<Probe>) -> impl Responder {
    probe.handled.fetch_add(1, Ordering::SeqCst);
    format!("{} bytes", body.len())
}

/// A stream that says `:ok` and then nothing, until it is over.
struct Quiet {
    polls: usize,
    over: Option<Pin<Box<Sleep>>>,
    endless: bool,
    probe: web::Data<Probe>,
    _guard: StreamGuard,
}

impl Quiet {
    fn new(request: &HttpRequest, probe: web::Data<Probe>) -> Self {
        let guard = Connection::of(request).expect("the transport is ours").begin_stream();
        Self { polls: 0, over: None, endless: false, probe, _guard: guard }
    }
}

impl MessageBody for Quiet {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.polls += 1;
        if self.polls == 1 {
            return Poll::Ready(Some(Ok(Bytes::from_static(b":ok\n"))));
        }
        if self.endless {
            return Poll::Ready(Some(Ok(Bytes::from_static(&[b':'; 4096]))));
        }
        let Some(over) = &mut self.over else { return Poll::Pending };
        over.as_mut().poll(cx).map(|()| None)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = self.probe.ended.lock().unwrap().send(self.polls);
    }
}

/// Reads until `end` has come and returns everything so far.
fn read_until(client: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.contains(end) {
        client.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} after {text:?}"));
        text.push(char::from(byte[0]));
    }
    text
}

/// Reads until the connection ends, in good order or not.
fn read_to_end(client: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match client.read_to_end(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("still open; so far {bytes:?}"),
        Ok(_) | Err(_) => String::from_utf8(bytes).unwrap(),
    }
}
