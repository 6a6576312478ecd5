//! An event as the bytes of its request, or of its place in one that lasts: all that does not change is put together
//! beforehand.

use std::io::Write;

use super::publish::Publish;
use super::target::Target;
use crate::schedule::Schedule;
use crate::stamp::Stamp;
use crate::template::{Name, Template, Values};

/// Renders the events of a run.
#[derive(Debug)]
pub(super) struct Renderer {
    schedule: Schedule,
    /// For each target, up to the length of the body, which closes it; where a request lasts, all of it.
    heads: Vec<Template>,
    body: Template,
    /// What an event begins with, where a request lasts.
    topic: Template,
    payload: usize,
    stamp: Vec<u8>,
    rendered: Vec<u8>,
}

impl Renderer {
    pub(super) fn new(publish: &Publish, schedule: Schedule) -> Self {
        let heads = publish.targets.iter().map(|target| head(publish, target)).collect();
        let (body, payload) = (publish.body.clone(), publish.payload);
        let mut topic = Template::default();
        topic.push_text("topic: ");
        topic.push(&publish.stream.clone().unwrap_or_default());
        Self { schedule, heads, body, topic, payload, stamp: Vec::new(), rendered: Vec::new() }
    }

    /// Appends an event's request.
    pub(super) fn request(&mut self, number: u64, out: &mut Vec<u8>) {
        let mut rendered = std::mem::take(&mut self.rendered);
        rendered.clear();
        self.body(number, &mut rendered);
        let values = self.values(number);
        self.heads[values.topic as usize % self.heads.len()].render(&values, out);
        write!(out, "{}\r\n\r\n", rendered.len()).expect("a Vec takes every write");
        out.extend_from_slice(&rendered);
        self.rendered = rendered;
    }

    /// Appends the head of a request that lasts.
    pub(super) fn stream_head(&self, target: usize, out: &mut Vec<u8>) {
        self.heads[target].render(&Values::default(), out);
    }

    /// Appends an event as a block of an event stream: its topic, its data.
    pub(super) fn block(&mut self, number: u64, out: &mut Vec<u8>) {
        let mut rendered = std::mem::take(&mut self.rendered);
        rendered.clear();
        self.body(number, &mut rendered);
        self.topic.render(&self.values(number), out);
        let mut rest = &*rendered;
        loop {
            out.extend_from_slice(b"\ndata: ");
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else { break };
            let length = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
            out.extend_from_slice(&rest[..end]);
            rest = &rest[end + length..];
        }
        out.extend_from_slice(rest);
        out.extend_from_slice(b"\n\n");
        self.rendered = rendered;
    }

    /// Appends an event's body.
    pub(super) fn body(&mut self, number: u64, out: &mut Vec<u8>) {
        let mut stamp = std::mem::take(&mut self.stamp);
        stamp.clear();
        let values = self.values(number);
        if self.body.uses(Name::Stamp) {
            let Values { topic, sequence, planned, .. } = values;
            Stamp { run: self.schedule.run, topic, sequence, planned }.write(self.payload, &mut stamp);
        }
        self.body.render(&Values { stamp: &stamp, ..values }, out);
        self.stamp = stamp;
    }

    /// All but the stamp.
    pub(super) fn values(&self, number: u64) -> Values<'static> {
        let (topic, sequence) = self.schedule.place(number);
        let planned = self.schedule.planned(number);
        Values { topic, sequence, number, planned, ..Values::default() }
    }
}

fn head(publish: &Publish, target: &Target) -> Template {
    let mut head = Template::default();
    head.push_text(&publish.method);
    head.push_text(" ");
    head.push(&target.path);
    head.push_text(" HTTP/1.1\r\n");
    if !publish.gives("Host") {
        head.push_text("Host: ");
        head.push_text(&target.authority);
        head.push_text("\r\n");
    }
    for (name, value) in publish.all_headers() {
        head.push_text(name);
        head.push_text(": ");
        head.push(&value);
        head.push_text("\r\n");
    }
    let framing = if publish.is_stream() { "Transfer-Encoding: chunked\r\n\r\n" } else { "Content-Length: " };
    head.push_text(framing);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_take_turns_at_the_targets() {
        let publish = Publish::to("http://a/{{topic}}").unwrap().and_to("http://b/of/{{topic}}").unwrap();
        let schedule = Schedule::new(1, 0, 4, 1.0).unwrap();
        let mut renderer = Renderer::new(&publish, schedule);
        for (number, start) in [
            (4, "POST /0 HTTP/1.1\r\nHost: a\r\n"),
            (5, "POST /of/1 HTTP/1.1\r\nHost: b\r\n"),
            (7, "POST /of/3 HTTP/1.1\r\nHost: b\r\n"),
        ] {
            let mut out = Vec::new();
            renderer.request(number, &mut out);
            assert!(out.starts_with(start.as_bytes()), "{}", String::from_utf8_lossy(&out));
        }
    }

    #[test]
    fn a_request_is_an_event() {
        let publish = Publish::to("http://hub:81/t/{{topic}}").unwrap().header("X-Key: {{number}}").unwrap();
        let publish = publish.method("PUT").unwrap().body(r#"{"n":{{sequence}}}"#).unwrap();
        let publish = publish.header("content-type: application/json").unwrap();
        let schedule = Schedule::new(1, 0, 2, 1.0).unwrap();
        let mut out = Vec::new();
        Renderer::new(&publish, schedule).request(7, &mut out);
        let expected = format!(
            "PUT /t/1 HTTP/1.1\r\nHost: hub:81\r\nUser-Agent: sse-loadgen/{}\r\n\
             X-Key: 7\r\ncontent-type: application/json\r\nContent-Length: 7\r\n\r\n{{\"n\":3}}",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn in_a_request_that_lasts_an_event_is_a_block_with_its_topic() {
        let publish = Publish::to("http://hub/events").unwrap().body("{{sequence}}\r\n\n{{number}}").unwrap();
        let publish = publish.header("Authorization: Bearer t").unwrap().stream("t{{topic}}").unwrap();
        let mut renderer = Renderer::new(&publish, Schedule::new(1, 0, 2, 1.0).unwrap());
        let mut out = Vec::new();
        renderer.stream_head(0, &mut out);
        renderer.block(5, &mut out);
        let expected = format!(
            "POST /events HTTP/1.1\r\nHost: hub\r\nUser-Agent: sse-loadgen/{}\r\n\
             Content-Type: text/event-stream\r\nAuthorization: Bearer t\r\nTransfer-Encoding: chunked\r\n\r\n\
             topic: t1\ndata: 2\ndata: \ndata: 5\n\n",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn the_stamp_is_that_of_the_event() {
        let publish = Publish::to("http://hub/").unwrap().payload(100).unwrap();
        let schedule = Schedule::new(9, 1_000, 2, 1.0).unwrap();
        let mut renderer = Renderer::new(&publish, schedule);
        let mut out = Vec::new();
        renderer.body(3, &mut out);
        assert_eq!(out.len(), 100);
        let stamp = Stamp { run: 9, topic: 1, sequence: 1, planned: schedule.planned(3) };
        assert_eq!(Stamp::find(&out), Ok(Some(stamp)));
    }
}
