//! One attempt: a request, the answer's head, and the events until the end.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::lives::Life;
use super::parser::Parser;
use super::witness::{TooLong, Witness};
use crate::account::Moment;
use crate::account::reconnect::Ending;
use crate::clock;
use crate::engine::request::Asker;
use crate::worker::orders::{Coming, Pace};

/// A client that does not read looks so often whether it may.
const LOOK: Duration = Duration::from_millis(100);

/// Until the stream is over, or the client leaves. The permit is held until the attempt has an answer.
///
/// Can be dropped: then the connection is closed, and [`closed`](crate::account::Recorder::closed) is the caller's to say.
pub(super) async fn attempt(shared: &Shared, life: &Life, permit: SemaphorePermit<'_>) -> Ending {
    shared.recorder.borrow_mut().attempt(&mut life.account.borrow_mut(), clock::now());
    let response = open(shared, life).await;
    drop(permit);
    let Err(ending) = async {
        let mut response = response?;
        if let Coming::Ramp { lifetime: Some(mean), .. } = shared.assignment.coming {
            let lifetime = -(1.0 - shared.rng.borrow_mut().f64()).ln() * mean as f64;
            life.leaves.set(Some(clock::now().saturating_add(lifetime as u64)));
        }
        life.cut.arm();
        // In this order: who was cut or has left does not read what came since.
        tokio::select! { biased;
            () = life.cut.notified() => Err(Ending::Severed),
            () = until(life.leaves.get()) => Err(Ending::Left),
            ending = events(shared, life, &mut response) => ending,
        }
    }
    .await;
    life.enter_unparsed(&mut shared.recorder.borrow_mut());
    ending
}

async fn until(time: Option<u64>) {
    match time {
        Some(time) => sleep(Duration::from_nanos(time.saturating_sub(clock::now()))).await,
        None => std::future::pending().await,
    }
}

async fn open(shared: &Shared, life: &Life) -> Result<reqwest::Response, Ending> {
    let (client, topic) = {
        let account = life.account.borrow();
        (account.client, account.topic)
    };
    let number = client as usize % shared.clients.len();
    let target = shared.assignment.routes[number].target;
    let resume = shared.assignment.reconnect.resume;
    let last_event_id = if resume { life.last_event_id.borrow().clone() } else { String::new() };
    let asker = Asker { client, topic, last_event_id: &last_event_id };
    let request = shared.requests[target].send_with(&shared.clients[number], &asker);
    let response = match shared.assignment.coming {
        // It has a deadline for all of it.
        Coming::Requests { .. } => request.await,
        Coming::Ramp { .. } => {
            let limit = Duration::from_nanos(shared.assignment.connect_timeout);
            timeout(limit, request).await.map_err(|_| Ending::Timeout)?
        }
    };
    let response = response.map_err(|error| failed(&error))?;
    check(&response)?;
    let mut account = life.account.borrow_mut();
    shared.recorder.borrow_mut().opened(&mut account, !last_event_id.is_empty(), clock::now());
    life.is_open.set(true);
    *life.witness.borrow_mut() = Some(Witness::new(shared.assignment.max_event, &last_event_id));
    Ok(response)
}

/// Whether the answer is a stream of events.
fn check(response: &reqwest::Response) -> Result<(), Ending> {
    match response.status().as_u16() {
        200 => {}
        204 => return Err(Ending::NoContent),
        status => return Err(Ending::Status(status)),
    }
    let header = |name: HeaderName| {
        let value = response.headers().get(name)?.to_str().unwrap_or("unreadable");
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    };
    let content_type = header(CONTENT_TYPE).unwrap_or_else(|| "missing".to_owned());
    if content_type != "text/event-stream" {
        return Err(Ending::ContentType(content_type));
    }
    if header(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Ending::Malformed("compressed, though nobody asked for it"));
    }
    Ok(())
}

/// Reads until the end, at the client's pace.
async fn events(
    shared: &Shared,
    life: &Life,
    response: &mut reqwest::Response,
) -> Result<Infallible, Ending> {
    let mut parser = Parser::new();
    loop {
        while life.pace.get() == Pace::Stalled {
            sleep(LOOK).await;
        }
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Err(Ending::Ended),
            Err(error) => return Err(failed(&error)),
        };
        let length = chunk.len();
        // Whatever the parser makes of it came now, however late it is asked.
        let at = Moment { read: clock::now(), arrived: None };
        {
            let mut recorder = shared.recorder.borrow_mut();
            recorder.read(length);
            let mut witness = life.witness.borrow_mut();
            let witness = witness.as_mut().expect("it is there while the stream is open");
            let seen = witness.saw(&chunk, life, &mut recorder, at);
            parser.push(chunk);
            while let Some(event) = parser.next() {
                witness.parsed();
                let account = &mut life.account.borrow_mut();
                recorder.event(account, &event.event, &event.data, &event.id, at);
            }
            if witness.stands_still(shared.assignment.max_event) {
                parser.give_up();
            }
            seen.map_err(|TooLong| Ending::TooLong)?;
        }
        if let Pace::Slow(rate) = life.pace.get() {
            sleep(Duration::from_secs_f64(length as f64 / f64::from(rate.max(1)))).await;
        }
    }
}

/// What an error of reqwest says of the attempt or the stream.
fn failed(error: &reqwest::Error) -> Ending {
    if error.is_redirect() {
        return Ending::Malformed("redirects without end");
    }
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    if let Some(error) = causes().find_map(|cause| cause.downcast_ref::<io::Error>()) {
        return match error.kind() {
            // The body's framing says that there is more.
            io::ErrorKind::UnexpectedEof => Ending::Cut,
            io::ErrorKind::InvalidInput => Ending::Malformed("broken chunked coding"),
            io::ErrorKind::InvalidData => Ending::Malformed("no TLS to be had"),
            _ => crate::engine::ending(error),
        };
    }
    // hyper's own errors have no public kinds; what they say of themselves is all there is.
    match causes().last().map(ToString::to_string).unwrap_or_default() {
        cause if cause.contains("parsed") => Ending::Malformed("not HTTP"),
        cause if cause.contains("before message completed") => Ending::Cut,
        _ if error.is_timeout() => Ending::Timeout,
        _ => Ending::Reset,
    }
}
