//! What every test in a browser needs: the test page in Chromium, and a hub that allows the page's origin.

use anyhow::Result;

use crate::{Chrome, Server, Site};

/// A browser with the test page open, the site of the page, and a hub.
#[derive(Debug)]
pub struct Stage {
    /// The browser. First, so that it has gone before the servers that it talks to.
    pub chrome: Chrome,
    /// The hub; another origin than the page's.
    pub hub: Server,
    /// Where the page came from.
    pub site: Site,
}

impl Stage {
    /// Starts all three.
    ///
    /// # Errors
    /// If one of them does not start.
    pub async fn set(hub_options: &[&str]) -> Result<Self> {
        let site = Site::start().await?;
        let origin = site.origin();
        let options = [&["--allow-origin", &origin], hub_options].concat();
        let hub = Server::start(&options).await?;
        let chrome = Chrome::start().await?;
        chrome.open(&site, "/events.html").await?;
        Ok(Self { chrome, hub, site })
    }
}
