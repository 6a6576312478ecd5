//! A run as one page: it needs nothing but itself, works from a file, on paper, in the dark and without a script.
//!
//! The page may load nothing (its own policy says so), and everything is there before the script runs: that only shows
//! in one place what a pointer rests on. Colour is never the only thing that tells two lines apart.

mod chart;
mod completion;
mod data;
mod details;
mod facts;
mod order;
mod overview;
mod percentiles;
mod scale;
mod timeline;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::outcome::headline;
use super::summary::Summary;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");
/// Nothing from anywhere: whatever a server sent into this page, it cannot make it fetch or post.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'";

/// A run as a page. Needs what is worked out from the rest: metrics, gates and findings.
///
/// # Errors
///
/// The summary cannot be written as JSON, which the page carries with it.
pub fn page(summary: &Summary) -> Result<String, serde_json::Error> {
    let json = data::embedded(summary)?;
    let (_, headline) = headline(summary);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "sse-loadgen " (summary.tool.version) };
                title { (headline) " · sse-loadgen" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (body(summary)) }
                footer {
                    p {
                        "Made by sse-loadgen " (summary.tool.version)
                        ". The whole result, histograms included, is in this page as JSON: "
                        code { "script#summary" } "."
                    }
                }
                script type="application/json" id="summary" { (PreEscaped(json)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

fn body(summary: &Summary) -> Markup {
    let pair: Vec<_> = [completion::figure(summary), order::figure(summary)].into_iter().flatten().collect();
    html! {
        (overview::header(summary))
        (overview::tiles(summary))
        (overview::findings(summary))
        (overview::gates(summary))
        @if let Some(figure) = percentiles::figure(summary) { (figure) }
        @if !pair.is_empty() {
            div.pair { @for figure in pair { (figure) } }
        }
        @if let Some(figure) = timeline::figure(summary) { (figure) }
        (facts::facts(summary))
        (details::distributions(summary))
        (details::phases(summary))
        (details::command(summary))
    }
}

#[cfg(test)]
mod tests;
