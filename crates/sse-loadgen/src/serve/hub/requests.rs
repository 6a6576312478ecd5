//! Requests, answered.

use crate::serve::answer::{self, Refusal};
use crate::serve::connection::{State, Stream};
use crate::serve::frame;
use crate::serve::request::Request;
use crate::serve::route::{Action, route};
use crate::serve::timers::Due;
use crate::serve::tokens::Plan;
use crate::serve::topic::{Begin, Retention, Start, Topic};

use super::{Hub, MAX_WAITING};

impl Hub {
    /// Answers the requests that are complete with these bytes, and keeps the rest of them.
    pub(super) fn requests(&mut self, key: usize, bytes: &[u8]) {
        let mut input = std::mem::take(&mut self.connections[key].input);
        if input.is_empty() {
            let used = self.answer_all(key, bytes);
            input.extend_from_slice(&bytes[used..]);
        } else {
            input.extend_from_slice(bytes);
            let used = self.answer_all(key, &input);
            input.drain(..used);
        }
        // An open stream has none, and an idle publisher gives its memory back.
        if !input.is_empty() {
            self.connections[key].input = input;
        }
    }

    /// How many bytes that took: all of them, if no more requests are awaited.
    fn answer_all(&mut self, key: usize, bytes: &[u8]) -> usize {
        let mut used = 0;
        while used < bytes.len() {
            let connection = &mut self.connections[key];
            if !matches!(connection.state, State::Requests) {
                return bytes.len();
            }
            if connection.out.waiting() > MAX_WAITING {
                break;
            }
            match Request::parse(&bytes[used..], self.config.max_event) {
                Ok(Some(request)) => {
                    used += request.len;
                    self.answer(key, &request);
                }
                Ok(None) => break,
                // Where the next request would begin is not known.
                Err(refusal) => self.refuse(key, &refusal, false),
            }
        }
        used
    }

    fn answer(&mut self, key: usize, request: &Request<'_>) {
        let action = match route(request) {
            Ok(action) => action,
            Err(refusal) => return self.refuse(key, &refusal, request.keep_alive),
        };
        let answer = match action {
            Action::Subscribe { topic, start } => return self.subscribe(key, topic, start),
            Action::Tokens(plan) => return self.start(key, plan),
            Action::Publish { topic, data } => answer::published(self.publish(topic, data)),
            Action::Counts => answer::json(&self.counts()),
            Action::Cut(how) => answer::json(&serde_json::json!({ "cut": self.cut(how) })),
        };
        self.say(key, &answer, request.keep_alive);
    }

    fn subscribe(&mut self, key: usize, name: &str, start: Start) {
        let index = self.topic(name);
        let topic = &mut self.topics[index];
        let out = &mut self.connections[key].out;
        out.queue(answer::STREAM);
        out.queue(&frame::preamble(self.config.retry));
        let next = match topic.begin(if self.config.resume { start } else { Start::Now }) {
            Begin::At(next) => next,
            Begin::Gap { next, missed } => {
                out.queue(&frame::gap(missed, next));
                next
            }
        };
        let place = topic.readers.len();
        topic.readers.push(key);
        let connection = &mut self.connections[key];
        connection.state = State::Stream(Stream { topic: index, place, next, newest: 0, held: None });
        connection.wrote = self.now;
    }

    fn publish(&mut self, name: &str, data: &str) -> u64 {
        let index = self.topic(name);
        let topic = &mut self.topics[index];
        if !topic.fresh {
            self.fresh.push(index);
        }
        let retention = Retention { events: self.config.retain_events, bytes: self.config.retain_bytes };
        topic.publish(data, retention)
    }

    fn start(&mut self, key: usize, plan: Plan) {
        let tokens = plan.start(self.now);
        let connection = &mut self.connections[key];
        connection.out.queue(answer::FINITE);
        self.timers.add(tokens.due(), key, connection.serial, Due::Token);
        connection.state = State::Tokens(tokens);
    }

    fn refuse(&mut self, key: usize, refusal: &Refusal, keep_alive: bool) {
        self.say(key, &refusal.bytes(), keep_alive);
    }

    fn say(&mut self, key: usize, answer: &[u8], keep_alive: bool) {
        let connection = &mut self.connections[key];
        connection.out.queue(answer);
        connection.wrote = self.now;
        if !keep_alive {
            connection.state = State::Closing { ended: false };
        }
    }

    fn topic(&mut self, name: &str) -> usize {
        if let Some(&index) = self.names.get(name) {
            return index;
        }
        let index = self.topics.len();
        self.topics.push(Topic::new());
        self.names.insert(name.into(), index);
        index
    }
}
