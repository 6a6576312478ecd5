//! The options of publishing, as they are given on a command line.

use clap::Args;

use super::publish::{Publish, PublishError};
use crate::pacer::Pacer;

/// What to publish while the clients listen, and how often.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(next_help_heading = "Publish")]
pub struct PublishArgs {
    /// Publish events to this URL, http:// or https://; `none` to leave that to somebody else.
    ///
    /// Path and query may hold {{topic}} and {{sequence}} (the event's number in its topic), {{number}} (its number
    /// in the run) and {{planned}} (its planned time, in ns), all from 0. Of several servers that know nothing of each
    /// other, repeat it, in the order of their URLs to read from: topics take turns at both.
    #[arg(long, value_name = "URL")]
    pub publish: Vec<String>,

    /// Method of the request that publishes an event.
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    pub publish_method: String,

    /// Header of that request, with the same placeholders as the URL; may be given several times.
    ///
    /// Instead of the Host, User-Agent and Content-Type (text/plain) that are sent by themselves, or besides them.
    #[arg(long, value_name = "NAME: VALUE")]
    pub publish_header: Vec<String>,

    /// Body of that request, with the same placeholders and {{stamp}}.
    ///
    /// The stamp is what clients know an event by, wherever in the data it is. It needs no escaping in JSON, forms or
    /// HTML. Without it there are no figures from the planned time, and no losses.
    #[arg(long, value_name = "TEMPLATE", default_value = "{{stamp}}")]
    pub publish_body: String,

    /// Length of the stamp in bytes, padded; never shorter than it has to be, about 60.
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub payload: usize,

    /// Events per second, over all topics together; may be below 1, at most 10,000,000.
    ///
    /// Each is sent at its planned time, whether or not those before it were answered: a slow server is not asked less.
    #[arg(short, long, value_name = "EVENTS/S", default_value_t = 1.0, allow_negative_numbers = true)]
    pub rate: f64,

    /// Connections to publish over; no more than there are topics are used.
    ///
    /// A topic's events all go over the same one, so that they arrive in the order in which they are counted.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub publish_connections: usize,

    /// Publish over requests that last: each connection carries one `POST` of text/event-stream in chunks, and every event
    /// is a block of its body, with a line that names the topic.
    ///
    /// For servers that take events for many topics on one connection, such as sse-server at /events, and for rates at
    /// which a request for each event would be most of the work. Over http:// only. No event is answered by itself, so
    /// there is no publish_ack; the answer in the end is for all that the connection carried.
    #[arg(long)]
    pub publish_stream: bool,

    /// The topic's name in that line; may hold {{topic}}, the topic's number from 0.
    #[arg(long, value_name = "TEMPLATE", default_value = "{{topic}}", requires = "publish_stream")]
    pub publish_topic: String,

    /// Events that may be sent and not yet answered, over all connections: a bound for memory.
    ///
    /// Where it is reached, events are sent late, and the report says how late.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub publish_in_flight: usize,
}

impl PublishArgs {
    /// How to publish, if at all. `insecure` takes any certificate.
    ///
    /// # Errors
    ///
    /// An option makes no sense. The rate is looked at even if nothing is published.
    pub fn check(&self, insecure: bool) -> Result<Option<Publish>, PublishError> {
        Pacer::new(self.rate)?;
        let mut urls = self.publish.iter().filter(|url| *url != "none");
        let Some(first) = urls.next() else { return Ok(None) };
        let publish = urls
            .try_fold(Publish::to(first)?, |publish, url| publish.and_to(url))?
            .method(&self.publish_method)?
            .body(&self.publish_body)?
            .payload(self.payload)?
            .connections(self.publish_connections)?
            .max_in_flight(self.publish_in_flight)?
            .insecure(insecure);
        let publish = self.publish_header.iter().try_fold(publish, |publish, line| publish.header(line))?;
        if !self.publish_stream {
            return Ok(Some(publish));
        }
        publish.stream(&self.publish_topic).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        publish: PublishArgs,
    }

    fn check(options: &str) -> Result<Option<Publish>, String> {
        let line = ["x"].into_iter().chain(options.split('|').filter(|option| !option.is_empty()));
        let args = Line::try_parse_from(line).unwrap().publish;
        args.check(false).map_err(|error| error.to_string())
    }

    #[test]
    fn publishing_is_off_unless_asked_for() {
        assert!(check("").unwrap().is_none());
        assert!(check("--publish|none").unwrap().is_none());
        assert!(check("--publish|http://hub/").unwrap().is_some_and(|publish| publish.is_stamped()));
    }

    #[test]
    fn one_sentence_says_what_is_wrong() {
        let rate = "--rate: a rate is above 0 and at most 10,000,000 per second";
        for (options, error) in [
            ("--rate=0", rate),
            ("-r|-1", rate),
            ("-r|NaN", rate),
            ("-r|10000001", rate),
            ("--publish|hub:80", r#"--publish: "hub:80" is no URL like http://host:port/path"#),
            ("--publish|http://h/|--publish|https://h/", "--publish: either all URLs are https:// or none"),
            ("--publish|ws://h/", "--publish: ws:// is not supported, only http:// and https:// are"),
            (
                "--publish|http://h/|--publish-method|GE T",
                r#"--publish-method: "GE T" cannot publish; POST, PUT or another method with a body can"#,
            ),
            (
                "--publish|http://h/|--publish-method|HEAD",
                r#"--publish-method: "HEAD" cannot publish; POST, PUT or another method with a body can"#,
            ),
            (
                "--publish|http://h/|--publish-header|X-Key 1",
                r#"--publish-header: "X-Key 1" is not of the form 'Name: value'"#,
            ),
            (
                "--publish|http://h/|--publish-header|a: b\r\nc: d",
                r#"--publish-header: "a: b\r\nc: d" is not of the form 'Name: value'"#,
            ),
            (
                "--publish|http://h/|--publish-header|Content-Length: 1",
                "--publish-header: Content-Length is set by the request itself",
            ),
            (
                "--publish|http://h/|--publish-header|a: {{client}}",
                "--publish-header: {{client}} cannot stand here: {{topic}}, {{sequence}}, {{number}}, {{planned}} can",
            ),
            ("--publish|http://h/|--publish-body|{{topic", "--publish-body: {{ at byte 0 has no }}"),
            ("--publish|http://h/|--payload|67108865", "--payload: 67108865 is more than 67108864 bytes"),
            ("--publish|http://h/|--publish-connections|0", "--publish-connections: 0 is not from 1 to 1024"),
            (
                "--publish|https://h/|--publish-stream",
                "--publish-stream: https:// is not supported, only http:// is",
            ),
            (
                "--publish|http://h/{{topic}}|--publish-stream",
                "--publish-stream: no placeholder can stand in --publish: one request carries many events",
            ),
            (
                "--publish|http://h/|--publish-stream|--publish-header|X-N: {{number}}",
                "--publish-stream: no placeholder can stand in the header X-N: one request carries many events",
            ),
            (
                "--publish|http://h/|--publish-stream|--publish-topic|a\nb",
                r#"--publish-topic: "a\nb" is no topic's name"#,
            ),
            (
                "--publish|http://h/|--publish-stream|--publish-topic|{{number}}",
                "--publish-topic: {{number}} cannot stand here: {{topic}} can",
            ),
            ("--publish|http://h/|--publish-in-flight|0", "--publish-in-flight: 0 is not from 1 to 1000000"),
        ] {
            assert_eq!(check(options).map(drop).unwrap_err(), error, "{options}");
        }
    }
}
