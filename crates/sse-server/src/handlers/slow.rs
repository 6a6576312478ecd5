//! `GET /slow?top=20`: the readers who are furthest behind.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::survey::{self, Slow};
use crate::{Hub, Problem, ProblemKind, query};

/// Readers that are shown, and that may be asked for.
const TOP: usize = 20;
const MOST: usize = 1000;

pub(crate) async fn slow(hub: Data<Hub>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let pairs = query::pairs(&request, &["top"], None)?;
    let top = match query::single(&pairs, "top")?.as_deref().map(str::parse) {
        None => TOP,
        Some(Ok(top)) if (1..=MOST).contains(&top) => top,
        Some(_) => return Err(query::invalid(format!("'top' is a number from 1 to {MOST}"))),
    };
    let survey = survey::survey(&hub, top).await;
    let page = Page {
        workers: survey.workers,
        answered: survey.answered,
        blocked: survey.found.blocked,
        streams: survey.found.slowest.iter().map(Row::new).collect(),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(serde_json::to_string_pretty(&page).expect("text and numbers are always valid JSON")))
}

/// Where everybody can ask, although not everybody may read.
pub(crate) async fn not_here() -> Problem {
    Problem::new(ProblemKind::NotGranted).with_detail("this is only told on the address for operations")
}

#[derive(Serialize)]
struct Page<'a> {
    /// Worker threads, and how many of them said something in time.
    workers: usize,
    answered: usize,
    /// Streams whose clients do not take what they are sent.
    blocked: usize,
    streams: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// Where the connection comes from, and who is behind it if that is a trusted proxy.
    peer: Option<String>,
    client: Option<String>,
    topic: &'a str,
    more_topics: usize,
    open_seconds: f64,
    events_sent: u64,
    lag_events: u64,
    lag_seconds: f64,
    blocked_seconds: Option<f64>,
    unsent_bytes: usize,
}

impl<'a> Row<'a> {
    fn new(slow: &'a Slow) -> Self {
        Self {
            peer: slow.peer.map(|peer| peer.to_string()),
            client: slow.client.map(|client| client.to_string()),
            topic: &slow.topic,
            more_topics: slow.others,
            open_seconds: slow.open.as_secs_f64(),
            events_sent: slow.events,
            lag_events: slow.lag.events,
            lag_seconds: slow.lag.age.as_secs_f64(),
            blocked_seconds: slow.blocked.map(|time| time.as_secs_f64()),
            unsent_bytes: slow.unsent,
        }
    }
}
