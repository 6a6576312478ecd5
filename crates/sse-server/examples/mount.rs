//! The hub's routes in an actix application of your own, beside other routes, under a prefix and with its middleware.
//!
//! ```sh
//! cargo run -p sse-server --example mount
//! curl -N http://127.0.0.1:8080/hub/events/news
//! curl -d 'hello' http://127.0.0.1:8080/hub/events/news
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever starts it")]

use actix_web::{App, HttpServer, web};
use sse_server::{Hub, HubConfig, routes};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    // Outside of the factory below, which runs once on every worker: all of them share one hub.
    let hub = Hub::new(HubConfig::default())?;
    let app = {
        let hub = hub.clone();
        move || {
            App::new()
                .service(web::scope("/hub").configure(routes(&hub)))
                .route("/", web::get().to(|| async { "my own page" }))
        }
    };
    let server = HttpServer::new(app)
        // Or a closed tab leaves its stream behind until the next write.
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", 8080))?
        .disable_signals()
        .run();
    println!("try: curl -N http://127.0.0.1:8080/hub/events/news");

    // The hub ends first: actix would wait for its streams, which do not end by themselves.
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        // With no way to catch Ctrl-C there is none to end in good order.
        let _ = actix_web::rt::signal::ctrl_c().await;
        hub.drain();
        handle.stop(true).await;
    });
    server.await?;
    Ok(())
}
