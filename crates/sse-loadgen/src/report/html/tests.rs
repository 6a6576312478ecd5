//! What the page holds, for runs of all kinds.

use super::*;
use crate::report::fixture;
use crate::report::summary::Finding;

fn of(summary: &Summary) -> String {
    page(summary).unwrap()
}

/// All of a kind of element: what stands between its tags.
fn elements<'a>(page: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    page.split(open).skip(1).map(|rest| rest.split_once(close).expect("it is closed").0).collect()
}

#[test]
fn a_page_needs_nothing_but_itself() {
    for summary in [fixture::full(), fixture::no_publisher(), fixture::request(), Summary::default()] {
        let page = of(&summary);
        let (markup, _) = page.split_once("<script").unwrap();
        for fetching in [" src=", " href=", "url(", "@import", "<link", "<img", " style=", " onload"] {
            assert!(!markup.contains(fetching), "{fetching}");
        }
        assert!(page.contains("content=\"default-src 'none';"), "it has no policy");
    }
}

#[test]
fn every_picture_is_told_in_words_and_drawn_in_numbers() {
    for (summary, pictures) in [
        // Two of them once for a screen and once for a phone.
        (fixture::full(), 6),
        (fixture::lossy(), 6),
        (fixture::no_publisher(), 4),
        (fixture::request(), 4),
        (Summary::default(), 0),
    ] {
        let page = of(&summary);
        let drawn = elements(&page, "<svg class=\"chart", "</svg>");
        assert_eq!(drawn.len(), pictures);
        for picture in drawn {
            assert!(
                picture.contains("role=\"img\" aria-label=\"") && picture.contains("<title>"),
                "{picture}"
            );
            assert!(picture.contains("class=\"hit\""), "nothing to point at");
        }
        let (markup, _) = page.split_once("<script").unwrap();
        assert!(!markup.contains("NaN") && !markup.contains("inf "), "a figure is no number");
    }
}

#[test]
fn what_was_lost_has_a_curve_of_its_own() {
    assert!(of(&fixture::lossy()).contains("the rest never came"));
    let clean = of(&fixture::clean());
    assert!(!clean.contains("never came"));
    assert!(clean.contains("All 2,250,000 deliveries arrived, once and in order"));
}

#[test]
fn without_a_publisher_nothing_is_claimed() {
    let page = of(&fixture::no_publisher());
    assert!(!page.contains("<dt>lost</dt>") && page.contains("<dt>events, not of this run</dt>"));
    assert!(page.contains("from the first client to the last"), "the spread is all there is");
}

#[test]
fn the_whole_result_is_in_the_page() {
    let summary = fixture::full();
    let page = of(&summary);
    let json = elements(&page, "<script type=\"application/json\" id=\"summary\">", "</script>");
    let read: serde_json::Value = serde_json::from_str(json[0]).unwrap();
    assert_eq!(read, serde_json::to_value(&summary).unwrap());
    for finding in &summary.findings {
        assert!(page.contains(&finding.code), "{}", finding.code);
    }
    for name in summary.latency.keys() {
        assert!(page.contains(&format!("<th scope=\"row\">{}</th>", name.replace('_', " "))), "{name}");
    }
}

#[test]
fn what_a_server_sends_is_text_and_never_markup() {
    let nasty = "</script></title><img src=x onerror=alert(1)>\"'&";
    let mut summary = fixture::full();
    summary.run.targets = vec![nasty.to_owned()];
    summary.run.argv = vec![nasty.to_owned()];
    summary.connections.errors = [(nasty.to_owned(), 3)].into();
    summary.delivery.examples = vec![nasty.to_owned()];
    summary.findings.push(Finding { code: nasty.to_owned(), text: nasty.to_owned(), ..Finding::default() });
    let page = of(&summary);
    assert!(!page.contains("<img"), "it became an element");
    // One holds the data, one shows what is pointed at.
    assert_eq!(page.matches("</script>").count(), 2);
}

#[test]
fn a_long_run_is_drawn_with_as_many_points_as_a_screen_has() {
    let mut summary = fixture::clean();
    let window = summary.throughput.windows[20];
    let windows = (1..=28_800_u64)
        .map(|second| crate::report::summary::Window { t_ns: second * 1_000_000_000, ..window });
    summary.throughput.windows = windows.collect();
    let page = of(&summary);
    let (markup, _) = page.split_once("<script").unwrap();
    assert!(markup.len() < 300_000, "{} bytes", markup.len());
    assert!(markup.contains("Each point is the worst of several seconds."));
}
