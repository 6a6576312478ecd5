//! A second decoder, to hold the real one against: the steps of WHATWG HTML section 9.2.6 taken literally, over a
//! whole stream as text. It shares no code and no approach with the real one, and cares for neither time nor space.

use std::time::Duration;

use crate::decoded::{Decoded, Outcome};

pub(crate) fn decode(stream: &[u8]) -> Outcome {
    decode_keeping(stream, None)
}

/// The same with a field that the standard does not have.
pub(crate) fn decode_keeping(stream: &[u8], kept: Option<&'static str>) -> Outcome {
    // "Streams must be decoded using the UTF-8 decode algorithm", which strips one byte order mark.
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);

    // The three ways in which a line can end, made one. What is left behind the last end is no line.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();

    let mut reading = Reading { kept_field: kept, ..Reading::default() };
    for line in lines {
        if line.is_empty() {
            reading.dispatch();
        } else if let Some(comment) = line.strip_prefix(':') {
            reading.outcome.items.push(Decoded::Comment(comment.to_owned()));
        } else if let Some((field, value)) = line.split_once(':') {
            reading.field(field, value.strip_prefix(' ').unwrap_or(value));
        } else {
            reading.field(line, "");
        }
    }
    // "Once the end of the file is reached, any pending data must be discarded."
    reading.outcome
}

#[derive(Default)]
struct Reading {
    outcome: Outcome,
    data_buffer: String,
    event_type_buffer: String,
    last_event_id_buffer: String,
    /// Not in the standard: tells a block that moves the position from one that leaves it.
    had_id: bool,
    kept_field: Option<&'static str>,
    kept: Option<String>,
}

impl Reading {
    fn field(&mut self, field: &str, value: &str) {
        match field {
            "event" => self.event_type_buffer = value.to_owned(),
            "data" => self.data_buffer = format!("{}{value}\n", self.data_buffer),
            "id" if !value.contains('\0') => {
                self.last_event_id_buffer = value.to_owned();
                self.had_id = true;
            }
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                let millis = value.parse().unwrap_or(u64::MAX);
                self.outcome.items.push(Decoded::Retry(Duration::from_millis(millis)));
            }
            _ if self.kept_field == Some(field) => self.kept = Some(value.to_owned()),
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.outcome.last_event_id = self.last_event_id_buffer.clone();
        let mut data = std::mem::take(&mut self.data_buffer);
        let name = std::mem::take(&mut self.event_type_buffer);
        let had_id = std::mem::take(&mut self.had_id);
        let kept = self.kept.take();
        let id = self.outcome.last_event_id.clone();
        if data.is_empty() {
            if had_id {
                self.outcome.items.push(Decoded::Id(id));
            }
            return;
        }
        if data.ends_with('\n') {
            data.pop();
        }
        let name = if name.is_empty() { "message".to_owned() } else { name };
        self.outcome.items.push(Decoded::Event { name, data, id, kept });
    }
}
