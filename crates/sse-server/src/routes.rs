//! The HTTP surface: which handler answers what.
//!
//! | request | handler |
//! | --- | --- |
//! | `GET`, `HEAD` `/events/{topic}`, `/events?topic=…&topic=…` | `handlers::subscribe` |
//! | `POST /events/{topic}` | `handlers::publish`, or `handlers::ingest` for a body that is a stream of events |
//! | `POST /events` | `handlers::ingest`, of a stream whose events name their topics |
//! | `DELETE /events/{topic}` | `handlers::end` |
//! | `GET /livez`, `/readyz`; `/metrics`; `/slow` | `handlers::operations`, `metrics`, `slow` |
//! | `GET /openapi.json` | `openapi` |
//!
//! `HEAD` has routes of its own: if it came to the handler of `GET`, actix would poll an endless body with nowhere to
//! put it.

use actix_web::Route;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};

use crate::handlers::{end, metrics, operations, publish, slow, subscribe};
use crate::worker::Worker;
use crate::{Hub, cors, error, openapi};

/// The routes of a hub, to be mounted in an actix `App` or scope: `App::new().configure(routes(&hub))`.
///
/// Make the hub once, outside of the application's factory, which runs once on every worker; all workers share it.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use sse_server::{Hub, HubConfig, routes};
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::new(HubConfig::default())?;
/// let app = {
///     let hub = hub.clone();
///     move || App::new().configure(routes(&hub))
/// };
/// let server = HttpServer::new(app)
///     // Or a closed tab leaves its stream behind until the next write.
///     .h1_allow_half_closed(false)
///     .bind(("127.0.0.1", 8080))?
///     .disable_signals()
///     .run();
/// # let stop = std::future::ready(());
///
/// // At its end, the hub goes first: otherwise actix waits for streams that never end by themselves.
/// let handle = server.handle();
/// actix_web::rt::spawn(async move {
///     stop.await;
///     hub.drain();
///     handle.stop(true).await;
/// });
/// server.await?;
/// # Ok(())
/// # }
/// ```
pub fn routes(hub: &Hub) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let hub = hub.clone();
    move |config| {
        config.configure(event_routes(&hub));
        // Who needs a token to read a topic is not to learn here who else does.
        if hub.access().is_in_force() {
            config.configure(anonymous_routes(&hub));
            asked_for(config, "/slow", get_or_head().to(slow::not_here));
        } else {
            config.configure(operation_routes(&hub));
        }
    }
}

/// The part of the [routes](routes()) that publishers and readers need: `/events`.
pub fn event_routes(hub: &Hub) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let hub = hub.clone();
    move |config| {
        config.app_data(Worker::of(&hub)).app_data(Data::new(hub)).configure(error::extractors);

        const SEVERAL: &str = "GET, HEAD, POST, OPTIONS";
        config.service(
            web::resource("/events")
                .wrap(from_fn(cors::cors))
                .route(web::get().to(subscribe::stream_several))
                .route(web::head().to(subscribe::head_several))
                .route(web::post().to(publish::publish_several))
                .route(web::method(Method::OPTIONS).to(operations::options(SEVERAL)))
                .default_service(web::to(error::method_not_allowed(SEVERAL))),
        );
        // A topic may have slashes in its name, and whatever the path decodes to: the handler says what is wrong.
        const ONE: &str = "GET, HEAD, POST, DELETE, OPTIONS";
        config.service(
            web::resource(r"/events/{topic:[\s\S]*}")
                .wrap(from_fn(cors::cors))
                .route(web::get().to(subscribe::stream_one))
                .route(web::head().to(subscribe::head_one))
                .route(web::post().to(publish::publish))
                .route(web::delete().to(end::end))
                .route(web::method(Method::OPTIONS).to(operations::options(ONE)))
                .default_service(web::to(error::method_not_allowed(ONE))),
        );
        asked_for(config, "/openapi.json", get_or_head().to(openapi::document));
    }
}

/// The part of the [routes](routes()) that operators need, for an address that only they can reach: `/livez`, `/readyz`,
/// `/metrics`, `/slow`. They ask nobody who they are, and change nothing.
pub fn operation_routes(hub: &Hub) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let hub = hub.clone();
    move |config| {
        config.configure(anonymous_routes(&hub));
        asked_for(config, "/slow", get_or_head().to(slow::slow));
    }
}

/// What names neither clients nor topics.
fn anonymous_routes(hub: &Hub) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let hub = hub.clone();
    move |config| {
        config.app_data(Data::new(hub)).configure(error::extractors);
        asked_for(config, "/livez", get_or_head().to(operations::is_live));
        asked_for(config, "/readyz", get_or_head().to(operations::is_ready));
        asked_for(config, "/metrics", get_or_head().to(metrics::metrics));
    }
}

fn asked_for(config: &mut ServiceConfig, path: &str, route: Route) {
    let others = web::to(error::method_not_allowed("GET, HEAD"));
    config.service(web::resource(path).route(route).default_service(others));
}

/// For answers of known size, of which actix sends only the head when asked to.
fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
