//! The query of a request as pairs, decoded strictly: what is not text or not known is an error, not a guess.

use std::borrow::Cow;

use actix_web::HttpRequest;

use crate::{Problem, ProblemKind, percent};

/// The pairs of `request`'s query, in order, `+` being a space (WHATWG URL section 5.1).
///
/// `known` are the names that mean something here. `judged` is one that meant something before, and is left out.
pub(crate) fn pairs<'r>(
    request: &'r HttpRequest,
    known: &'static [&'static str],
    judged: Option<&str>,
) -> Result<Vec<(&'static str, Cow<'r, str>)>, Problem> {
    let mut pairs = Vec::new();
    for pair in request.query_string().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?;
        if Some(name.as_ref()) == judged {
            continue;
        }
        let name = known.iter().find(|known| **known == name).ok_or_else(|| unknown(known))?;
        pairs.push((*name, decode(value)?));
    }
    Ok(pairs)
}

/// Every value of one parameter, whatever else the query has.
pub(crate) fn values<'r>(request: &'r HttpRequest, name: &str) -> Result<Vec<Cow<'r, str>>, Problem> {
    let pairs = request.query_string().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(|(other, _)| decode(other).is_ok_and(|other| other == name))
        .map(|(_, value)| decode(value))
        .collect()
}

/// The only value of a parameter, if it is there.
pub(crate) fn single<'q>(
    pairs: &[(&'static str, Cow<'q, str>)],
    name: &'static str,
) -> Result<Option<Cow<'q, str>>, Problem> {
    let mut values = pairs.iter().filter(|(other, _)| *other == name).map(|(_, value)| value);
    let value = values.next();
    if values.next().is_some() {
        return Err(invalid(format!("the parameter '{name}' may be given once")));
    }
    Ok(value.cloned())
}

pub(crate) fn invalid(detail: String) -> Problem {
    Problem::new(ProblemKind::InvalidQuery).with_detail(detail)
}

fn unknown(known: &[&str]) -> Problem {
    if known.is_empty() {
        return invalid("there are no parameters here".to_owned());
    }
    let known = known.join("', '");
    invalid(format!("a parameter is not known here; known are '{known}'"))
}

fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    let broken = || invalid("the query is not valid UTF-8 behind a valid percent-encoding".to_owned());
    if !text.contains('+') {
        return percent::decode(text).ok_or_else(broken);
    }
    let spaced = text.replace('+', " ");
    let decoded = percent::decode(&spaced).ok_or_else(broken)?;
    Ok(Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const KNOWN: &[&str] = &["topic", "event"];

    fn parse(query: &str) -> Result<Vec<(&'static str, String)>, Problem> {
        let request = TestRequest::with_uri(&format!("/events?{query}")).to_http_request();
        Ok(pairs(&request, KNOWN, None)?
            .into_iter()
            .map(|(name, value)| (name, value.into_owned()))
            .collect())
    }

    #[test]
    fn values_are_decoded() {
        let expected = [("topic", "a b"), ("topic", "é/+"), ("event", "")].map(|(n, v)| (n, v.to_owned()));
        assert_eq!(parse("topic=a+b&&topic=%C3%A9/%2B&event").unwrap(), expected);
    }

    #[test]
    fn what_is_not_known_or_not_text_is_refused() {
        for query in ["topics=a", "topic=%FF", "%FF=a", "topic=%zz", "=a", "Topic=a"] {
            assert_eq!(parse(query).unwrap_err().kind(), ProblemKind::InvalidQuery, "{query}");
        }
    }

    #[test]
    fn what_was_judged_before_is_left_out() {
        let request = TestRequest::with_uri("/events?%74oken=a%2Bb&event=e&token=c").to_http_request();
        assert!(pairs(&request, KNOWN, None).is_err());
        assert_eq!(pairs(&request, KNOWN, Some("token")).unwrap(), [("event", "e".into())]);
        assert_eq!(values(&request, "token").unwrap(), ["a+b", "c"]);
        assert!(values(&request, "toke").unwrap().is_empty());
    }

    #[test]
    fn a_single_parameter_may_not_be_repeated() {
        let request = TestRequest::with_uri("/events?event=a&event=b").to_http_request();
        let pairs = pairs(&request, KNOWN, None).unwrap();
        assert!(single(&pairs, "event").is_err());
        assert_eq!(single(&pairs, "topic").unwrap(), None);
    }
}
