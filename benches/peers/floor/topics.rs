//! Who reads which topic, and the fan-out: the one loop that all of this is about.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;

#[derive(Debug, Default)]
pub(super) struct Topics {
    subscribers: HashMap<Vec<u8>, Vec<TcpStream>>,
    last_id: u64,
}

impl Topics {
    pub(super) fn subscribe(&mut self, topic: Vec<u8>, socket: TcpStream) {
        self.subscribers.entry(topic).or_default().push(socket);
    }

    /// Sends the event to every subscriber of the topic; who cannot be sent to is one no longer.
    pub(super) fn publish(&mut self, topic: &[u8], data: &[u8]) {
        self.last_id += 1;
        let Some(subscribers) = self.subscribers.get_mut(topic) else { return };
        let frame = frame(self.last_id, data);
        subscribers.retain_mut(|socket| socket.write_all(&frame).is_ok());
        if subscribers.is_empty() {
            self.subscribers.remove(topic);
        }
    }

    /// Publishes an event of an event stream, given without the empty line that ends it. It goes to the topic that its
    /// field `topic` names, and without that to nobody.
    pub(super) fn publish_event(&mut self, event: &[u8]) {
        let (mut topic, mut data) = (None, Vec::new());
        for line in event.split(|&byte| byte == b'\n') {
            if let Some(value) = field(line, b"topic:") {
                topic = Some(value);
            } else if let Some(value) = field(line, b"data:") {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
        }
        // The last of them is no part of the data.
        if let (Some(topic), Some(_)) = (topic, data.pop()) {
            self.publish(topic, &data);
        }
    }
}

fn frame(id: u64, data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(data.len() + 40);
    for line in data.split(|&byte| byte == b'\n') {
        frame.extend_from_slice(b"data: ");
        frame.extend_from_slice(line);
        frame.push(b'\n');
    }
    write!(frame, "id: {id}\n\n").expect("a Vec takes every write");
    frame
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(name)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    fn subscribed(topics: &mut Topics, topic: &str) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        topics.subscribe(topic.into(), listener.accept().unwrap().0);
        client
    }

    fn all(mut client: TcpStream) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn each_subscriber_of_the_topic_gets_the_event() {
        let mut topics = Topics::default();
        let clients = ["a", "a", "b"].map(|topic| subscribed(&mut topics, topic));

        topics.publish(b"a", b"one\ntwo");
        topics.publish(b"c", b"nobody's");
        topics.publish_event(b"topic: b\ndata:three\ndata: four");
        topics.publish_event(b"data: without a topic");
        drop(topics);

        let got = clients.map(all);
        assert_eq!(got[0], "data: one\ndata: two\nid: 1\n\n");
        assert_eq!(got[1], got[0]);
        assert_eq!(got[2], "data: three\ndata: four\nid: 3\n\n");
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let mut topics = Topics::default();
        drop(subscribed(&mut topics, "a"));

        // The first is answered with a reset, which the sends after it run into.
        while !topics.subscribers.is_empty() {
            topics.publish(b"a", b"x");
        }
    }
}
