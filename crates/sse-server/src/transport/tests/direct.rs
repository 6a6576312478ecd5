//! The transport without actix: what depends on whether the socket takes bytes.

use std::future::poll_fn;

use actix_web::http::header::HeaderMap;
use futures_util::future::poll_immediate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;

async fn pair() -> (Transport, tokio::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (io, _) = listener.accept().await.unwrap();
    let limits = Limits { head: BOUND, keep_alive: 2 * BOUND, write: BOUND, head_bytes: 1024 };
    let open = OpenConnections::new(1, 0, None).enter(None).await.unwrap();
    let departures = Some(Departures::new(BOUND));
    (Transport::new(Plain::new(io), limits, open, departures, Arc::default()), client)
}

/// Writes until the socket takes no more, and returns how much it took.
async fn fill(transport: &mut Transport) -> usize {
    let mut written = 0;
    while let Some(n) = poll_immediate(transport.write(&[b'x'; 64 * 1024])).await {
        written += n.unwrap();
        tokio::task::yield_now().await;
    }
    written
}

/// As the handler of a request without a body does.
fn begin_stream(transport: &Transport) -> StreamGuard {
    transport.connection().begin_head();
    let _request = transport.connection().begin_request(&HeaderMap::new());
    transport.connection().begin_stream()
}

#[actix_web::test]
async fn no_time_limit_runs_on_an_open_stream() {
    let (mut transport, _client) = pair().await;
    assert!(poll_immediate(transport.read(&mut [0; 16])).await.is_none());
    assert!(transport.deadline.is_some(), "it runs for a new connection");
    let stream = begin_stream(&transport);
    assert!(poll_immediate(transport.read(&mut [0; 16])).await.is_none());
    assert!(transport.deadline.is_none());
    drop(stream);
    assert!(poll_immediate(transport.read(&mut [0; 16])).await.is_none());
    assert!(transport.deadline.is_some(), "and again when the stream has ended");
}

/// The time at which the limit that runs is over, as the next read leaves it.
async fn deadline(transport: &mut Transport) -> Instant {
    // Of two reads, the first may be the pause between turns.
    for _ in 0..2 {
        assert!(poll_immediate(transport.read(&mut [0; 16])).await.is_none(), "nothing is there to read");
    }
    transport.deadline.as_ref().expect("a time limit runs").deadline().into_std()
}

#[actix_web::test]
async fn the_limit_of_a_head_that_came_in_pieces_does_not_outlive_it() {
    let (mut transport, mut client) = pair().await;
    for piece in ["GET / HTTP/1.1\r\n", "host: a\r\n\r\n"] {
        client.write_all(piece.as_bytes()).await.unwrap();
        transport.read_exact(&mut vec![0; piece.len()]).await.unwrap();
    }
    let answered = Instant::now();
    // A handler that awaits nothing: there is no read while it has the request.
    drop(transport.connection().begin_request(&HeaderMap::new()));
    assert!(deadline(&mut transport).await >= answered + transport.limits.keep_alive);
}

#[actix_web::test]
async fn idle_time_begins_anew_behind_a_request_that_no_read_saw() {
    let (mut transport, _client) = pair().await;
    drop(begin_stream(&transport));
    deadline(&mut transport).await;
    let answered = Instant::now();
    // As one that actix had read together with the body before it.
    drop(transport.connection().begin_request(&HeaderMap::new()));
    assert!(deadline(&mut transport).await >= answered + transport.limits.keep_alive);
}

#[actix_web::test]
async fn each_head_has_its_whole_time() {
    let (mut transport, mut client) = pair().await;
    deadline(&mut transport).await;
    let begun = Instant::now();
    client.write_all(b"GET").await.unwrap();
    transport.read_exact(&mut [0; 3]).await.unwrap();
    assert!(deadline(&mut transport).await >= begun + transport.limits.head, "not from when it was accepted");
}

#[actix_web::test]
async fn no_request_is_read_while_answers_cannot_be_written() {
    let (mut transport, mut client) = pair().await;
    let unread = fill(&mut transport).await;
    client.write_all(b"GET").await.unwrap();
    let mut buf = [0; 16];
    poll_fn(|cx| transport.io.poll_peek(cx, &mut ReadBuf::new(&mut buf))).await.unwrap();
    assert!(poll_immediate(transport.read(&mut buf)).await.is_none(), "three bytes are there, and wait");

    // On a thread of its own, so that nothing but the transport wakes this task.
    let mut client = client.into_std().unwrap();
    client.set_nonblocking(false).unwrap();
    let reader = thread::spawn(move || {
        client.read_exact(&mut vec![0; unread]).unwrap();
        client
    });
    // As actix does: read, then write what is left to write.
    let mut left: &[u8] = b"x";
    let mut buf = ReadBuf::new(&mut buf);
    let read = poll_fn(|cx| {
        let read = Pin::new(&mut transport).poll_read(cx, &mut buf);
        if !left.is_empty() && Pin::new(&mut transport).poll_write(cx, left)?.is_ready() {
            left = &[];
            assert!(Pin::new(&mut transport).poll_flush(cx)?.is_ready());
        }
        read
    });
    timeout(BOUND, read).await.expect("that all is written wakes the reader").unwrap();
    assert_eq!(buf.filled(), b"GET");
    drop(reader.join().unwrap());
}

#[actix_web::test]
async fn a_client_that_has_closed_an_open_stream_gets_nothing_more() {
    let (mut transport, mut client) = pair().await;
    let _stream = begin_stream(&transport);
    transport.write_all(b":ok\n").await.unwrap();

    client.shutdown().await.unwrap();
    assert_eq!(transport.read(&mut [0; 16]).await.unwrap(), 0, "the end of the stream passes as such");
    let error = transport.write(b"x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[actix_web::test]
async fn each_turn_hands_out_no_more_than_its_share() {
    let (mut transport, mut client) = pair().await;
    transport.connection().begin_head();
    let mut length = HeaderMap::new();
    length.insert(actix_web::http::header::CONTENT_LENGTH, (3 * TURN).into());
    let _request = transport.connection().begin_request(&length);
    client.write_all(&[b'x'; 3 * TURN + 1]).await.unwrap();

    let mut total = 0;
    let mut buf = [0; 4 * TURN];
    while total < 3 * TURN {
        let n = transport.read(&mut buf).await.unwrap();
        assert!((1..=TURN).contains(&n), "{n} bytes in one turn");
        assert!(poll_immediate(transport.read(&mut buf)).await.is_none(), "a turn ends with a pause");
        total += n;
    }
    assert!(poll_immediate(transport.read(&mut buf)).await.is_none(), "the byte behind the body is not due");
}

#[actix_web::test]
async fn the_reader_is_woken_when_a_stream_begins() {
    let (mut transport, client) = pair().await;
    let connection = Rc::clone(transport.connection());
    connection.begin_head();
    let request = connection.begin_request(&HeaderMap::new());
    drop(client);

    let mut buf = [0; 16];
    let begin = async {
        // After the reader has found that nothing is due.
        tokio::task::yield_now().await;
        let stream = connection.begin_stream();
        drop(request);
        stream
    };
    let (read, _stream) = tokio::join!(transport.read(&mut buf), begin);
    assert_eq!(read.unwrap(), 0, "the client has gone");
}

#[actix_web::test]
async fn a_socket_leaves_when_all_is_written_and_brings_along_how_much() {
    let (mut transport, mut client) = pair().await;
    let connection = Rc::clone(transport.connection());
    connection.begin_head();
    drop(connection.begin_request(&HeaderMap::new()));
    let unread = fill(&mut transport).await;

    let left = Rc::new(std::cell::RefCell::new(None));
    let taken_over = Rc::clone(&left);
    connection.depart(TakeOver::new(move |it| drop(taken_over.replace(Some(it)))));
    transport.flush().await.unwrap_err();
    let left = left.take().expect("all was written");
    assert_eq!(left.written, unread as u64);
    assert!(transport.write(b"x").await.is_err() && transport.read(&mut [0]).await.is_err());

    // Whoever has it goes on behind that.
    let mut io = left.io;
    let all = async {
        let mut bytes = vec![0; unread + 3];
        client.read_exact(&mut bytes).await.unwrap();
        bytes
    };
    let (bytes, ()) = tokio::join!(all, async { io.write_all(b"end").await.unwrap() });
    assert!(bytes.ends_with(b"xend"));
}
