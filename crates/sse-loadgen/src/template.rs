//! Texts with places for numbers: `http://hub/topics/{{topic}}?n={{sequence}}`.
//!
//! Read once, filled in for every event or client. All values but the stamp are digits, and the stamp's characters need
//! no escaping either (see [`stamp`](crate::stamp)), so a value is put in as it is. Two braces open a placeholder
//! wherever they stand; there is no way to write them as text.

use std::io::Write;
use std::str::FromStr;

use thiserror::Error;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The number of the client, over all processes, from 0.
    Client,
    /// The number of the topic, from 0.
    Topic,
    /// The number of the event in its topic, from 0.
    Sequence,
    /// The number of the event in the run, from 0.
    Number,
    /// When the event was planned, in nanoseconds of `CLOCK_MONOTONIC`.
    Planned,
    /// The [stamp](crate::stamp).
    Stamp,
}

impl Name {
    /// Every one.
    pub const ALL: &[Self] =
        &[Self::Client, Self::Topic, Self::Sequence, Self::Number, Self::Planned, Self::Stamp];

    /// As it is written between the braces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Topic => "topic",
            Self::Sequence => "sequence",
            Self::Number => "number",
            Self::Planned => "planned",
            Self::Stamp => "stamp",
        }
    }
}

/// What to fill in. Whoever renders gives what its place allows; the rest is not asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// For [`Name::Client`].
    pub client: u64,
    /// For [`Name::Topic`].
    pub topic: u32,
    /// For [`Name::Sequence`].
    pub sequence: u64,
    /// For [`Name::Number`].
    pub number: u64,
    /// For [`Name::Planned`].
    pub planned: u64,
    /// For [`Name::Stamp`].
    pub stamp: &'a [u8],
}

/// Why a text is no template, or not one for its place.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// No placeholder has this name.
    #[error("{{{{{name}}}}} is no placeholder: there are {allowed}")]
    Unknown {
        /// As written.
        name: String,
        /// Those that would do.
        allowed: String,
    },
    /// The placeholder makes no sense there.
    #[error("{{{{{name}}}}} cannot stand here: {allowed}")]
    Misplaced {
        /// As written.
        name: &'static str,
        /// Those that would do.
        allowed: String,
    },
    /// The braces are not closed.
    #[error("{{{{ at byte {at} has no }}}}")]
    Unclosed {
        /// Where they were opened.
        at: usize,
    },
}

/// A text with places for values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Name),
}

impl Template {
    /// Reads a text in which only some placeholders may stand.
    ///
    /// # Errors
    ///
    /// A placeholder is unknown, not allowed, or not closed.
    pub fn parse(text: &str, allowed: &[Name]) -> Result<Self, TemplateError> {
        let mut template = Self::default();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let at = text.len() - after.len() - 2;
            let (written, after) = after.split_once("}}").ok_or(TemplateError::Unclosed { at })?;
            template.push_text(before);
            template.parts.push(Part::Value(named(written.trim(), allowed)?));
            rest = after;
        }
        template.push_text(rest);
        Ok(template)
    }

    /// Whether the value matters.
    #[must_use]
    pub fn uses(&self, name: Name) -> bool {
        self.parts.contains(&Part::Value(name))
    }

    /// Appends the text with the values filled in. Allocates only if `out` is too small.
    pub fn render(&self, values: &Values<'_>, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value(Name::Client) => digits(values.client, out),
                Part::Value(Name::Topic) => digits(u64::from(values.topic), out),
                Part::Value(Name::Sequence) => digits(values.sequence, out),
                Part::Value(Name::Number) => digits(values.number, out),
                Part::Value(Name::Planned) => digits(values.planned, out),
                Part::Value(Name::Stamp) => out.extend_from_slice(values.stamp),
            }
        }
    }

    /// Appends a text as it is: braces in it mean nothing.
    pub fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    /// Appends another.
    pub fn push(&mut self, other: &Self) {
        for part in &other.parts {
            match part {
                Part::Text(text) => self.push_text(text),
                Part::Value(name) => self.parts.push(Part::Value(*name)),
            }
        }
    }

    /// The texts between the values.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Value(_) => None,
        })
    }
}

/// Any placeholder may stand anywhere.
impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::parse(text, Name::ALL)
    }
}

fn named(written: &str, allowed: &[Name]) -> Result<Name, TemplateError> {
    let Some(&name) = Name::ALL.iter().find(|name| name.as_str() == written) else {
        return Err(TemplateError::Unknown { name: written.to_owned(), allowed: list(allowed) });
    };
    if allowed.contains(&name) {
        return Ok(name);
    }
    let allowed = if allowed.is_empty() { "no placeholder can".to_owned() } else { list(allowed) + " can" };
    Err(TemplateError::Misplaced { name: name.as_str(), allowed })
}

fn list(names: &[Name]) -> String {
    names.iter().map(|name| format!("{{{{{}}}}}", name.as_str())).collect::<Vec<_>>().join(", ")
}

fn digits(value: u64, out: &mut Vec<u8>) {
    write!(out, "{value}").expect("a Vec takes every write");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: Values<'_> =
        Values { client: 1, topic: 2, sequence: 3, number: 4, planned: 5, stamp: b"slg1;x" };

    fn rendered(template: &Template) -> String {
        let mut out = Vec::new();
        template.render(&VALUES, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_placeholder_has_its_value() {
        for (text, expected) in [
            ("", ""),
            ("no placeholder } { }}", "no placeholder } { }}"),
            ("{{client}}{{topic}}{{sequence}}{{number}}{{planned}}{{stamp}}", "12345slg1;x"),
            ("/t/{{topic}}?n={{ sequence }}", "/t/2?n=3"),
            (r#"{"text":"{{stamp}}"}"#, r#"{"text":"slg1;x"}"#),
        ] {
            assert_eq!(rendered(&text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str, allowed| Template::parse(text, allowed).unwrap_err().to_string();
        let here = &[Name::Topic, Name::Client][..];
        assert_eq!(error("a{{chan}}", here), "{{chan}} is no placeholder: there are {{topic}}, {{client}}");
        assert_eq!(error("{{stamp}}", here), "{{stamp}} cannot stand here: {{topic}}, {{client}} can");
        assert_eq!(error("{{topic}}", &[]), "{{topic}} cannot stand here: no placeholder can");
        assert_eq!(error("ab{{topic}", here), "{{ at byte 2 has no }}");
        assert_eq!(error("{{topic}}{{", here), "{{ at byte 9 has no }}");
    }

    #[test]
    fn it_says_what_it_uses() {
        let template: Template = "{{topic}}".parse().unwrap();
        assert!(template.uses(Name::Topic));
        assert!(!template.uses(Name::Stamp));
    }

    #[test]
    fn templates_are_put_together() {
        let mut template = Template::default();
        template.push_text("POST ");
        template.push(&"/{{topic}} ".parse().unwrap());
        template.push_text("{{not a placeholder}}");
        assert_eq!(rendered(&template), "POST /2 {{not a placeholder}}");
        assert_eq!(template.texts().collect::<Vec<_>>(), ["POST /", " {{not a placeholder}}"]);
    }

    proptest! {
        /// Text and placeholders in any order come out as if each was rendered alone.
        #[test]
        fn parts_do_not_disturb_each_other(
            parts in prop::collection::vec(("[^{}]{0,8}", prop::sample::select(Name::ALL)), 0..8),
        ) {
            let (mut text, mut expected) = (String::new(), String::new());
            for (before, name) in &parts {
                let place = format!("{{{{{}}}}}", name.as_str());
                text += &format!("{before}{place}");
                expected += &format!("{before}{}", rendered(&place.parse().unwrap()));
            }
            prop_assert_eq!(rendered(&text.parse().unwrap()), expected);
        }

        #[test]
        fn nothing_makes_it_panic(text in "[{}a-z ]{0,40}|.*") {
            let _ = text.parse::<Template>();
        }
    }
}
