//! Chromium, driven over WebDriver, and the test page in it.

use anyhow::{Context, Result};
use fantoccini::{Client as Driver, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::chromedriver::Chromedriver;
use crate::deadline::within;
use crate::seen::{Client, Seen};
use crate::site::Site;

/// A browser of its own, with a fresh profile. On drop all of its processes and files go.
#[derive(Debug)]
pub struct Chrome {
    driver: Driver,
    _chromedriver: Chromedriver,
}

/// One subscription of the test page.
#[derive(Debug)]
pub struct Page<'a> {
    chrome: &'a Chrome,
    name: String,
}

impl Chrome {
    /// Starts a browser.
    ///
    /// # Errors
    /// If it or its driver is missing, or does not start.
    pub async fn start() -> Result<Self> {
        let mut chromedriver = Chromedriver::start().await?;
        let driver = within("a browser session", session(&chromedriver)).await?;
        chromedriver.has_session(driver.session_id().await?.context("the session has no id")?);
        Ok(Self { driver, _chromedriver: chromedriver })
    }

    /// Opens a page of the site, such as `/events.html`.
    ///
    /// # Errors
    /// If it does not load.
    pub async fn open(&self, site: &Site, path: &str) -> Result<()> {
        let url = format!("{}{path}", site.origin());
        within(&url, async { Ok(self.driver.goto(&url).await?) }).await
    }

    /// Runs a function body in the page and answers what it returns; a promise is awaited.
    ///
    /// # Errors
    /// If it throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        within(script, async { Ok(self.driver.execute(script, arguments).await?) }).await
    }

    /// Subscribes the page with `EventSource` to these event names.
    ///
    /// # Errors
    /// If the page cannot.
    pub async fn event_source(&self, url: &str, names: &[&str]) -> Result<Page<'_>> {
        self.subscribe("eventSource", url, json!(names)).await
    }

    /// Subscribes the page with `@microsoft/fetch-event-source`.
    ///
    /// # Errors
    /// If the page cannot.
    pub async fn fetch_event_source(&self, url: &str) -> Result<Page<'_>> {
        self.subscribe("fetchEventSource", url, Value::Null).await
    }

    async fn subscribe(&self, function: &str, url: &str, names: Value) -> Result<Page<'_>> {
        let script = format!("return e2e.{function}(...arguments)");
        let name = self.run(&script, vec![json!(url), names]).await?;
        let name = name.as_str().context("the page names no subscription")?.to_owned();
        Ok(Page { chrome: self, name })
    }
}

impl Page<'_> {
    /// `readyState` of the `EventSource`: 0 connecting, 1 open, 2 closed.
    ///
    /// # Errors
    /// If the browser has gone.
    pub async fn ready_state(&self) -> Result<u64> {
        let state =
            self.chrome.run("return e2e.sources[arguments[0]].readyState", vec![json!(self.name)]).await?;
        state.as_u64().context("readyState is a number")
    }
}

impl Client for Page<'_> {
    async fn seen(&mut self) -> Result<Vec<Seen>> {
        let seen = self.chrome.run("return e2e.seen[arguments[0]]", vec![json!(self.name)]).await?;
        Ok(serde_json::from_value(seen)?)
    }
}

async fn session(chromedriver: &Chromedriver) -> Result<Driver> {
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-proxy-server",
        &format!("--user-data-dir={}", chromedriver.profile().display()),
    ];
    let wanted = json!({ "goog:chromeOptions": { "args": arguments } });
    let Value::Object(wanted) = wanted else { unreachable!("written as an object above") };
    let driver =
        ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&chromedriver.url()).await?;
    Ok(driver)
}
