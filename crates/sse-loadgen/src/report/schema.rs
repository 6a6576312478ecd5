//! The JSON schema of the report, for those who read it with other programs.
//!
//! Draft 2020-12, version 1. It is only ever added to: what is required stays, and what is not known is allowed, so a
//! reader of today reads the reports of tomorrow.

/// The text of the schema.
pub const SCHEMA: &str = include_str!("../../schema/sse-loadgen-1.json");

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::fixture;
    use crate::report::summary::{self, Summary};

    fn validator() -> jsonschema::Validator {
        let schema = serde_json::from_str(SCHEMA).unwrap();
        jsonschema::meta::validate(&schema).expect("the schema is one");
        jsonschema::validator_for(&schema).unwrap()
    }

    fn json(summary: &Summary) -> Value {
        serde_json::to_value(summary).unwrap()
    }

    #[test]
    fn every_report_is_as_the_schema_says() {
        let empty = Summary { schema: summary::SCHEMA.to_owned(), ..Summary::default() };
        for summary in [fixture::full(), fixture::clean(), fixture::lossy(), fixture::request(), empty] {
            let json = json(&summary);
            let errors: Vec<_> = validator().iter_errors(&json).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
    }

    /// Takes every field of every object of a full report away, one at a time.
    #[test]
    fn nothing_that_is_always_written_may_be_missing() {
        let validator = validator();
        let full = json(&fixture::full());
        let mut fields = Vec::new();
        collect(&full, "", &mut fields);
        let open = [
            "/latency/",
            "/errors/",
            "/closed/",
            "/p/",
            "/adjusted_p/",
            "/completion/",
            "/signals/",
            "/metrics/",
        ];
        let mut removed = 0;
        for (object, field) in fields {
            if open.iter().any(|map| format!("{object}/").ends_with(map)) {
                continue;
            }
            let mut json = full.clone();
            json.pointer_mut(&object).and_then(Value::as_object_mut).unwrap().remove(&field);
            assert!(!validator.is_valid(&json), "{object}/{field} may be missing");
            removed += 1;
        }
        assert!(removed > 100, "only {removed} fields were tried");
    }

    #[test]
    fn another_version_is_not_this_one() {
        let validator = validator();
        let mut json = json(&fixture::clean());
        assert!(validator.is_valid(&json));
        json["schema"] = "sse-loadgen/2".into();
        assert!(!validator.is_valid(&json));
    }

    #[test]
    fn what_is_not_known_is_allowed() {
        let mut json = json(&fixture::clean());
        json["delivery"]["a field of tomorrow"] = 1.into();
        assert!(validator().is_valid(&json));
    }

    #[test]
    fn a_report_reads_back_as_it_was_written() {
        for summary in [fixture::full(), fixture::lossy(), fixture::request(), Summary::default()] {
            let written = serde_json::to_string(&summary).unwrap();
            let read: Summary = serde_json::from_str(&written).unwrap();
            assert_eq!(json(&read), json(&summary));
        }
    }

    #[test]
    fn a_report_of_an_earlier_version_is_read() {
        let mut json = json(&fixture::full());
        let mut without = |object: &str, fields: &[&str]| {
            let object = json.pointer_mut(object).and_then(Value::as_object_mut).unwrap();
            fields.iter().for_each(|field| assert!(object.remove(*field).is_some(), "{field}"));
        };
        without("/publish", &["streamed"]);
        without(
            "/server",
            &[
                "cpu_user_ns",
                "cpu_system_ns_per_delivery",
                "rss_bytes",
                "rss_peak_bytes",
                "kernel_per_client",
            ],
        );
        let read: Summary = serde_json::from_value(json).unwrap();
        assert_eq!(read.server.unwrap().rss_peak_bytes, 0);
    }

    /// Every object and each of its fields; of a list, the first element.
    fn collect(value: &Value, path: &str, fields: &mut Vec<(String, String)>) {
        if let Some(first) = value.get(0) {
            collect(first, &format!("{path}/0"), fields);
        }
        for (field, value) in value.as_object().into_iter().flatten() {
            fields.push((path.to_owned(), field.clone()));
            collect(value, &format!("{path}/{}", field.replace('~', "~0").replace('/', "~1")), fields);
        }
    }
}
