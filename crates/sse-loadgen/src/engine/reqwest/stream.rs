//! One attempt: a request, the answer's head, and the events until the end.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::lives::Life;
use super::witness::Witness;
use crate::account::Moment;
use crate::account::reconnect::Ending;
use crate::clock;
use crate::engine::request::Asker;
use crate::worker::orders::{Arrival, Pace};

/// Until the stream is over, or the client leaves.
pub(super) async fn attempt(shared: &Rc<Shared>, life: &Rc<Life>) -> Ending {
    let response = match open(shared, life).await {
        Ok(response) => response,
        Err(ending) => return ending,
    };
    if let Arrival::Ramp { lifetime: Some(mean), .. } = shared.assignment.arrival {
        let lifetime = -(1.0 - shared.rng.borrow_mut().f64()).ln() * mean as f64;
        life.leaves.set(Some(clock::now().saturating_add(lifetime as u64)));
    }
    let witness =
        Rc::new(RefCell::new(Witness::new(shared.assignment.max_event, &life.last_event_id.borrow())));
    let ending = tokio::select! {
        // A parser that panics has failed, not the run.
        ending = AssertUnwindSafe(events(shared, life, response, &witness)).catch_unwind() => {
            ending.unwrap_or(Ending::Malformed("eventsource-stream panicked"))
        }
        () = life.cut.notified() => Ending::Reset,
        () = until(life.leaves.get()) => Ending::Left,
    };
    let unparsed = witness.borrow().unparsed();
    shared.recorder.borrow_mut().unparsed(&mut life.account.borrow_mut(), unparsed);
    ending
}

async fn until(time: Option<u64>) {
    match time {
        Some(time) => sleep(Duration::from_nanos(time.saturating_sub(clock::now()))).await,
        None => std::future::pending().await,
    }
}

async fn open(shared: &Shared, life: &Life) -> Result<reqwest::Response, Ending> {
    shared.recorder.borrow_mut().attempt(&mut life.account.borrow_mut(), clock::now());
    let permit = shared.permits.acquire().await.expect("it is never closed");
    let (client, topic) = {
        let account = life.account.borrow();
        (account.client, account.topic)
    };
    let number = client as usize % shared.clients.len();
    let target = shared.assignment.routes[number].target;
    let last_event_id = life.last_event_id.borrow().clone();
    let asker = Asker { client, topic, last_event_id: &last_event_id };
    let request = shared.requests[target].send_with(
        &shared.clients[number],
        &asker,
        shared.assignment.reconnect.resume,
    );
    let limit = Duration::from_nanos(shared.assignment.connect_timeout);
    let response = match timeout(limit, request).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(failed(&error)),
        Err(_) => return Err(Ending::Timeout),
    };
    drop(permit);
    match response.status().as_u16() {
        200 => {}
        204 => return Err(Ending::NoContent),
        status => return Err(Ending::Status(status)),
    }
    let content_type = response.headers().get(CONTENT_TYPE).map_or("missing", |value: &HeaderValue| {
        value.to_str().unwrap_or("unreadable").split(';').next().unwrap_or_default().trim()
    });
    if !content_type.eq_ignore_ascii_case("text/event-stream") {
        return Err(Ending::ContentType(content_type.to_ascii_lowercase()));
    }
    let resumed = shared.assignment.reconnect.resume && !last_event_id.is_empty();
    shared.recorder.borrow_mut().opened(&mut life.account.borrow_mut(), resumed, clock::now());
    life.is_open.set(true);
    Ok(response)
}

async fn events(
    shared: &Rc<Shared>,
    life: &Rc<Life>,
    response: reqwest::Response,
    witness: &Rc<RefCell<Witness>>,
) -> Ending {
    let chunks = {
        let (shared, life, witness) = (Rc::clone(shared), Rc::clone(life), Rc::clone(witness));
        response.bytes_stream().inspect_ok(move |chunk| {
            let mut recorder = shared.recorder.borrow_mut();
            recorder.read(chunk.len());
            witness.borrow_mut().saw(chunk, &life, &mut recorder);
        })
    };
    let mut events = chunks.eventsource();
    loop {
        match life.pace.get() {
            Pace::Full => {}
            // It looks again now and then whether it may read.
            Pace::Stalled => {
                sleep(Duration::from_millis(100)).await;
                continue;
            }
            Pace::Slow(rate) => {
                let bytes = witness.borrow_mut().take_bytes();
                sleep(Duration::from_secs_f64(bytes as f64 / f64::from(rate.max(1)))).await;
            }
        }
        match events.next().await {
            Some(Ok(event)) => {
                let read = witness.borrow_mut().parsed();
                // `message` is what it says when there was no name.
                let at = Moment { read, arrived: None };
                shared.recorder.borrow_mut().event(
                    &mut life.account.borrow_mut(),
                    &event.event,
                    &event.data,
                    &event.id,
                    at,
                );
            }
            Some(Err(eventsource_stream::EventStreamError::Transport(error)))
                if error.is_body() || error.is_decode() =>
            {
                return Ending::Cut;
            }
            Some(Err(eventsource_stream::EventStreamError::Transport(_))) => return Ending::Reset,
            Some(Err(_)) => return Ending::Malformed("eventsource-stream gave up"),
            None => return Ending::Ended,
        }
        if witness.borrow().is_too_long() {
            return Ending::TooLong;
        }
    }
}

/// What an error of reqwest says of the attempt.
fn failed(error: &reqwest::Error) -> Ending {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return crate::engine::ending(error);
        }
        source = cause.source();
    }
    if error.is_timeout() { Ending::Timeout } else { Ending::Reset }
}
