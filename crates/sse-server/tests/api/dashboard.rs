//! The dashboard under `deploy/` shows metrics that there are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::server::TestServer;

#[test]
fn every_metric_of_the_dashboard_is_on_the_page() {
    let server = TestServer::start();
    let page = server.get("/metrics").text();
    let there: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let missing: Vec<String> =
        shown().into_iter().filter(|name| !there.contains(family(name, &there))).collect();
    assert!(missing.is_empty(), "the dashboard shows {missing:?}, which are not on the page");
}

/// The metrics that the dashboard asks for.
fn shown() -> BTreeSet<String> {
    let dashboard: Value =
        serde_json::from_str(include_str!("../../../../deploy/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let names: BTreeSet<String> =
        targets.flat_map(|target| names(target["expr"].as_str().unwrap())).collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

fn names(expression: &str) -> Vec<String> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("sse_")).map(str::to_owned).collect()
}

/// What a series of a histogram is called on the page.
fn family<'n>(name: &'n str, there: &BTreeSet<&str>) -> &'n str {
    let parts = ["_bucket", "_count", "_sum"].iter().filter_map(|part| name.strip_suffix(part));
    parts.into_iter().find(|family| there.contains(family)).unwrap_or(name)
}
