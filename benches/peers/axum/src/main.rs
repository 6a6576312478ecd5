//! A hub as axum's documentation has one do it: an `Sse` response over a `tokio::sync::broadcast` channel per topic.
//!
//! It knows no history, and a reader who falls behind by more than the channel holds misses events without being told.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::{Stream, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio_stream::wrappers::BroadcastStream;

/// Events that a topic holds for its slowest reader: as many as in axum's chat example.
const CAPACITY: usize = 100;

#[derive(Default)]
struct Topics(Mutex<Open>);

#[derive(Default)]
struct Open {
    senders: HashMap<String, Sender<Event>>,
    last_id: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().skip_while(|arg| arg != "--listen").nth(1);
    let listener = TcpListener::bind(address.ok_or("usage: peer-axum --listen ADDRESS")?).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let routes = Router::new()
        .route("/events/{topic}", get(subscribe).post(publish))
        .with_state(Arc::new(Topics::default()));
    // Small events must not wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn subscribe(
    State(topics): State<Arc<Topics>>,
    Path(topic): Path<String>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = BroadcastStream::new(topics.subscribe(topic));
    // The error is that some were missed. The stream goes on with the oldest that is left.
    let events = events.filter_map(async |event| event.ok().map(Ok));
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn publish(State(topics): State<Arc<Topics>>, Path(topic): Path<String>, data: String) -> StatusCode {
    topics.publish(&topic, &data);
    StatusCode::NO_CONTENT
}

impl Topics {
    fn subscribe(&self, topic: String) -> Receiver<Event> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.senders.entry(topic).or_insert_with(|| broadcast::channel(CAPACITY).0).subscribe()
    }

    fn publish(&self, topic: &str, data: &str) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.last_id += 1;
        // Encoded once: what each reader clones is bytes.
        let event = Event::default().data(data).id(open.last_id.to_string());
        let Some(sender) = open.senders.get(topic) else { return };
        if sender.send(event).is_err() {
            // The last reader is gone.
            open.senders.remove(topic);
        }
    }
}
