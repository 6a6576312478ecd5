//! What the text looks like for runs of all kinds.

use super::*;
use crate::report::fixture;

fn plain(summary: &Summary) -> String {
    table(summary, Style::Plain)
}

fn holds(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|of| of == *line), "there is no line\n{line}\nin\n{text}");
    }
}

#[test]
fn a_clean_run_reads_at_a_glance() {
    let expected = "\
run          http://127.0.0.1:8080/events/demo
             raw engine   15,000 clients   5 events/s of 128 B   measured for 30.0 s

Connections  15,000 of 15,000 ready in 7.50 s   held 15,000   errors 0

Latency                 p50       p90       p99     p99.9    p99.99       max    samples
delivery            6.12 ms   9.93 ms   16.8 ms   28.0 ms   48.1 ms   61.2 ms  2,250,000
  of all expected   6.12 ms   9.93 ms   16.8 ms   28.0 ms   48.1 ms   61.2 ms  2,250,000
  on the wire       5.80 ms   9.41 ms   16.5 ms   21.0 ms   21.0 ms   21.0 ms     22,480
  read lag           310 µs    537 µs   1.02 ms   1.34 ms   1.34 ms   1.34 ms     22,480
TCP connect          210 µs    409 µs    773 µs   1.08 ms   1.08 ms   1.08 ms     15,000
planned connect      900 µs   1.75 ms   3.31 ms   4.62 ms   4.62 ms   4.62 ms     15,000
headers              480 µs   1.04 ms   2.20 ms   3.24 ms   3.24 ms   3.24 ms     15,000
first event          5.20 s    6.49 s    8.03 s    8.98 s    8.98 s    8.98 s     15,000
between events       200 ms    201 ms    202 ms    203 ms    204 ms    204 ms  2,235,000

Fan-out          median event  worst 1 %   slowest
50 % of clients       6.10 ms    8.35 ms   9.58 ms
90 %                  12.4 ms    17.0 ms   19.5 ms
99 %                  19.9 ms    27.2 ms   31.3 ms
all 15,000            27.0 ms    37.0 ms   42.4 ms
first to last         26.4 ms    36.1 ms   41.5 ms
             over 150 events   drain floor 9.40 ms: what reading that many sockets takes

Order        ✓ oldest tenth of clients p50 5.90 ms, newest 6.40 ms
Integrity    ✓ 2,250,000 of 2,250,000 deliveries, each once and in order
Publish      150 of 150 sent   accepted 150   slip p99 101 µs   ack p99 2.12 ms   errors 0
Liveness     longest silence between two events 204 ms
Throughput   75,000 events/s   14.9 MiB/s
Server       7.50 µs CPU per delivery (2.00 µs user, 5.50 µs system)   0.56 cores
             61.5 µs CPU per connection   memory 23.2 MiB (1,024 B per client)
             RSS 1,100 B per client   RSS peak 32.0 MiB   kernel 9,650 B per client, both ends
             descriptors 29 → 15,031 → 29
Tester       ✓ ok   CPU 61.0 %   run queue 0.80 %   hiccup p99.9 1.10 ms   lag p99 900 µs
             memory 887 B per client

Findings     · SHARED_HOST Tester and server share a machine: each takes cores and caches from the
             other.

Gates        ✓ delivery.p99>50ms passes: 16.8 ms
             ✓ loss>0 passes: 0 %

Result       ✓ All 2,250,000 deliveries arrived, once and in order
Exit         0 the run is over and no gate failed
";
    let text = plain(&fixture::clean());
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn a_spoilt_run_says_what_is_wrong() {
    let text = plain(&fixture::lossy());
    holds(
        &text,
        &[
            "Connections  14,960 of 15,000 ready in 7.50 s   held 14,950   errors 40   reconnects 60   gave up 10",
            "             errors: refused 31, status 503 9",
            "  of all expected   6.12 ms   11.1 ms   21.3 ms   44.3 ms      lost      lost  2,250,000",
            "all 14,960            27.0 ms      never     never",
            "Order        ! oldest tenth of clients p50 1.90 ms, newest 29.6 ms",
            "Integrity    ✗ 690 lost, 12 duplicated, 3 reordered, 1 corrupted; loss 0.0307 %",
            "             · client 4711: 3 lost (sequences 88 to 90)",
            "             ✗ a worker used 99.1 % of its core",
            "Gates        ✗ delivery.p99>20ms fails: 21.2 ms",
            "             ✗ storm.back>1s fails: 2.31 s",
            "Result       ✗ The tester was the bottleneck: this does not measure the server",
            "Exit         4 the tester was saturated: the figures say nothing about the server",
        ],
    );
}

#[test]
fn without_a_publisher_nothing_is_claimed() {
    let text = plain(&fixture::no_publisher());
    holds(
        &text,
        &[
            "Integrity    · 84,000 events; nobody knows what ought to have come: the run did not publish",
            "first to last         26.4 ms    36.1 ms   41.5 ms",
        ],
    );
    assert!(!text.contains("once and in order") && !text.contains("Publish"), "{text}");
}

#[test]
fn where_no_event_is_answered_by_itself_that_is_said() {
    let mut summary = fixture::clean();
    summary.latency.remove("publish_ack");
    summary.publish.as_mut().unwrap().streamed = true;
    holds(
        &plain(&summary),
        &[
            "Publish      150 of 150 sent   accepted 150   slip p99 101 µs   errors 0",
            "             in requests that last: no event has an answer of its own, and so no ack",
        ],
    );
}

#[test]
fn answers_have_their_own_figures() {
    holds(
        &plain(&fixture::request()),
        &[
            "between tokens    21.0 ms   29.2 ms   41.8 ms   58.6 ms   74.6 ms   74.6 ms   300,000",
            "Scenario         1,197   answers that came to their end",
            "                 never   until an answer was given up",
            "Gates        ✗ request.goodput<99% fails: 98.4 %",
            "Exit         3 a gate failed",
        ],
    );
}

#[test]
fn nothing_measured_is_no_reason_to_fail() {
    let text = plain(&Summary::default());
    holds(&text, &["Connections  0 of 0 ready   held 0   errors 0", "Result       ✓ Nothing was measured"]);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

#[test]
fn it_fits_a_hundred_columns_whatever_it_has_to_say() {
    let mut summary = fixture::full();
    summary.run.targets = vec![format!("http://127.0.0.1/{}", "x".repeat(300)); 2];
    summary.delivery.examples = vec!["word ".repeat(60)];
    for summary in [summary, fixture::clean(), fixture::lossy(), fixture::request(), fixture::no_publisher()]
    {
        let text = plain(&summary);
        let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 100, "{widest}");
        assert!(text.lines().all(|line| line.trim_end() == line), "a line ends with spaces\n{text}");
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let summary = fixture::lossy();
    let coloured = table(&summary, Style::Coloured);
    assert!(coloured.contains("\x1b[31m"), "{coloured}");
    let mut stripped = String::new();
    for (index, part) in coloured.split("\x1b[").enumerate() {
        stripped.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(stripped, plain(&summary));
    assert!(!plain(&summary).contains('\x1b'));
}

#[test]
fn a_server_cannot_steer_the_terminal() {
    let mut summary = fixture::clean();
    summary.connections.errors = [("content type \x1b[2Jtext/html\r\n".to_owned(), 1)].into();
    let text = plain(&summary);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(text.contains("text/html"), "{text}");
}
