//! A hub as actix-web-lab's documentation has one do it: a bounded channel per client, whose receiver is the response.
//!
//! It knows no history, and an event is lost to the client whose channel has no room for it, without its being told.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, Responder, get, post, web};
use actix_web_lab::sse::{Data, Event, Sse};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Events that wait for a client.
const CAPACITY: usize = 100;
/// As axum's default, and as the others have it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const BACKLOG: u32 = 4096;
/// Of which the limit of open files allows a part; the default is 25,000.
const MAX_CONNECTIONS: usize = 1_000_000;
/// Of an event, in bytes.
const MAX_EVENT: usize = 1 << 20;

#[derive(Default)]
struct Topics(Mutex<Open>);

#[derive(Default)]
struct Open {
    clients: HashMap<String, Vec<Sender<Event>>>,
    last_id: u64,
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().skip_while(|arg| arg != "--listen").nth(1);
    let address = address.ok_or_else(|| io::Error::other("usage: peer-actix-lab --listen ADDRESS"))?;
    let topics = web::Data::new(Topics::default());
    let app = move || {
        App::new()
            .app_data(topics.clone())
            .app_data(web::PayloadConfig::new(MAX_EVENT))
            .service(subscribe)
            .service(publish)
    };
    let server =
        HttpServer::new(app).workers(1).backlog(BACKLOG).max_connections(MAX_CONNECTIONS).bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await
}

#[get("/events/{topic}")]
async fn subscribe(topics: web::Data<Topics>, topic: web::Path<String>) -> impl Responder {
    let events = topics.subscribe(topic.into_inner());
    Sse::from_infallible_receiver(events).with_keep_alive(KEEP_ALIVE)
}

#[post("/events/{topic}")]
async fn publish(topics: web::Data<Topics>, topic: web::Path<String>, data: String) -> HttpResponse {
    topics.publish(&topic, data);
    HttpResponse::NoContent().finish()
}

impl Topics {
    fn subscribe(&self, topic: String) -> Receiver<Event> {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.clients.entry(topic).or_default().push(sender);
        receiver
    }

    fn publish(&self, topic: &str, data: String) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.last_id += 1;
        let event: Event = Data::new(data).id(open.last_id.to_string()).into();
        let Some(clients) = open.clients.get_mut(topic) else { return };
        // A channel is closed when its client is gone.
        clients.retain(|client| !matches!(client.try_send(event.clone()), Err(TrySendError::Closed(_))));
        if clients.is_empty() {
            open.clients.remove(topic);
        }
    }
}
