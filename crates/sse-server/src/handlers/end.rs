//! `DELETE /events/{topic}`: no more events; readers get what is left and are told that it is all.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::topic_in_path;
use crate::{Hub, Problem, ProblemKind};

/// 204 when the topic has ended, now or before.
pub(crate) async fn end(hub: Data<Hub>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let topic = topic_in_path(&request)?;
    hub.access().publishing(&request, &topic)?;
    hub.broadcaster().end(&topic).map_err(|_| {
        Problem::new(ProblemKind::NotFound).with_detail("nothing was published to this topic lately")
    })?;
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}
