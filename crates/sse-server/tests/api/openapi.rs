//! `GET /openapi.json` describes what there is, all of it, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sse_server::ProblemKind;

use crate::http::head;
use crate::server::TestServer;

/// Where the resources are declared: actix does not tell which there are.
const ROUTES: &str = include_str!("../../src/routes.rs");

const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

fn document() -> Value {
    serde_json::from_str(include_str!("../../src/openapi.json")).unwrap()
}

/// The methods of each path, in upper case.
fn operations(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |item: &Value| {
        let methods = item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str()));
        methods.map(|method| method.to_uppercase()).collect()
    };
    paths.map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// A request target for a path of the document.
fn target(path: &str) -> String {
    let query = if path == "/events" { "?topic=a" } else { "" };
    path.replace("{topic}", "a") + query
}

/// What a `$ref` points to, or the value itself.
fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let Some(reference) = value["$ref"].as_str() else { return value };
    let found = document.pointer(reference.strip_prefix('#').expect("a reference within the document"));
    found.unwrap_or_else(|| panic!("there is no {reference}"))
}

/// Calls `visit` with every value in the document that is an object, and with its key.
fn walk<'d>(key: &'d str, value: &'d Value, visit: &mut impl FnMut(&'d str, &'d Value)) {
    match value {
        Value::Object(members) => {
            visit(key, value);
            members.iter().for_each(|(key, value)| walk(key, value, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(key, item, visit)),
        _ => {}
    }
}

/// Why `example` is not what `schema` describes.
fn mismatch(document: &Value, schema: &Value, example: &Value) -> Option<String> {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.validate(example).err().map(|error| format!("{error} in {example}"))
}

#[test]
fn the_server_serves_the_document_of_its_version() {
    let server = TestServer::start();
    let answer = server.get("/openapi.json");
    assert_eq!(answer.head.status, 200);
    assert_eq!(answer.head.header("content-type"), Some("application/json"));
    assert_eq!(answer.head.header("cache-control"), Some("max-age=300"));
    assert_eq!(answer.json(), document());
    assert_eq!(answer.json()["info"]["version"], env!("CARGO_PKG_VERSION"));

    let mut connection = server.connect();
    connection.send(head("HEAD /openapi.json", &[]));
    assert_eq!(connection.head().lasting(), answer.head.lasting());
}

#[test]
fn every_path_is_described_and_no_other() {
    let code = ROUTES.lines().filter(|line| !line.trim_start().starts_with("//"));
    let literals = code.flat_map(|line| line.split('"').skip(1).step_by(2));
    let declared: BTreeSet<String> =
        literals.filter(|text| text.starts_with('/')).map(|path| path.replace(r":[\s\S]*", "")).collect();
    let described: BTreeSet<String> = operations(&document()).into_keys().collect();
    assert_eq!(described, declared);
}

#[test]
fn every_method_is_described_and_no_other() {
    let server = TestServer::start();
    for (path, described) in operations(&document()) {
        let refused = server.request(head(&format!("PROPFIND {}", target(&path)), &[]));
        refused.assert_problem(405, "method-not-allowed");
        let allow = refused.head.header("allow").expect("405 comes with Allow");
        let allowed: BTreeSet<String> = allow.split(", ").map(str::to_owned).collect();
        assert_eq!(described, allowed, "{path}");
        for method in METHODS.map(str::to_uppercase) {
            let mut connection = server.connect();
            connection.send(head(&format!("{method} {}", target(&path)), &[]));
            let status = connection.head().status;
            assert_eq!(status != 405, described.contains(&method), "{method} {path} is {status}");
        }
    }
}

#[test]
fn every_problem_is_described_and_no_other() {
    let document = document();
    let mut described = BTreeSet::new();
    for schema in document["components"]["schemas"].as_object().unwrap().values() {
        let Some(kind) = schema["properties"]["type"]["const"].as_str() else { continue };
        let [title, status] = ["title", "status"].map(|name| schema["properties"][name]["const"].clone());
        described.insert((kind.to_owned(), title.as_str().unwrap().to_owned(), status.as_u64().unwrap()));
    }
    let row =
        |kind: ProblemKind| (kind.type_uri(), kind.title().to_owned(), u64::from(kind.status().as_u16()));
    assert_eq!(described, ProblemKind::ALL.map(row).into());
}

#[test]
fn every_problem_belongs_to_an_answer_of_its_status() {
    let document = document();
    let mut answered = BTreeSet::new();
    let mut visit = |responses: &Value| {
        for (status, response) in responses.as_object().unwrap() {
            let response = resolve(&document, response);
            let schema = &response["content"]["application/problem+json"]["schema"];
            let several =
                schema["oneOf"].as_array().map_or_else(Vec::new, |schemas| schemas.iter().collect());
            for kind in if several.is_empty() { vec![schema] } else { several } {
                let kind = &resolve(&document, kind)["properties"];
                let Some(slug) = kind["type"]["const"].as_str() else { continue };
                answered.insert(slug.to_owned());
                if status.parse::<u64>().is_ok() {
                    assert_eq!(kind["status"]["const"].to_string(), *status, "{slug}");
                }
            }
        }
    };
    walk("", &document, &mut |key, value| {
        if key == "responses" {
            visit(value);
        }
    });
    assert_eq!(answered, ProblemKind::ALL.map(ProblemKind::type_uri).into());
}

#[test]
fn every_reference_leads_somewhere_and_everything_is_referred_to() {
    let document = document();
    let mut used = BTreeSet::new();
    walk("", &document, &mut |_, value| {
        if let Some(reference) = value["$ref"].as_str() {
            resolve(&document, value);
            used.insert(reference);
        }
    });
    // What belongs to no operation: the data of an event, and the answers to what is not one.
    let apart = ["schemas/Gap", "responses/MethodNotAllowed", "responses/NothingHere"];
    for section in ["headers", "parameters", "responses", "schemas"] {
        for name in document["components"][section].as_object().unwrap().keys() {
            let is_used = used.contains(format!("#/components/{section}/{name}").as_str());
            assert_ne!(is_used, apart.contains(&format!("{section}/{name}").as_str()), "{section}/{name}");
        }
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = document();
    let mut examples = 0;
    walk("", &document, &mut |_, value| {
        let own = value["examples"].as_array().into_iter().flatten().map(|example| (value, example));
        let beside = value.get("example").map(|example| (&value["schema"], example));
        for (schema, example) in own.chain(beside) {
            examples += 1;
            assert_eq!(mismatch(&document, schema, example), None);
        }
    });
    assert!(examples > ProblemKind::ALL.len(), "{examples}");
}

#[test]
fn an_example_that_is_wrong_would_be_found() {
    let document = document();
    let schema = json!({"$ref": "#/components/schemas/TopicEnded"});
    let mut example = document["components"]["schemas"]["TopicEnded"]["examples"][0].clone();
    assert_eq!(mismatch(&document, &schema, &example), None);
    example["status"] = json!(410);
    assert!(mismatch(&document, &schema, &example).is_some());
}

#[test]
fn what_the_hub_says_itself_is_what_is_described() {
    let document = document();
    let server = TestServer::start();
    for (schema, target, body, content_type) in [
        ("Published", "/events/a", "x", "content-type: text/plain"),
        ("Ingested", "/events/a", "data: x\n\ndata: y", "content-type: text/event-stream"),
        ("Ingested", "/events/a", "event: sse.end\ndata: x\n\n", "content-type: text/event-stream"),
        ("Ingested", "/events", "topic: b\ndata: x\n\n", "content-type: text/event-stream"),
    ] {
        let answer = server.post(target, &[content_type], body).json();
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        assert_eq!(mismatch(&document, &schema, &answer), None);
    }
    let gap = server.subscribe("/events/a?last_event_id=elsewhere").event().control("sse.gap");
    assert_eq!(mismatch(&document, &json!({"$ref": "#/components/schemas/Gap"}), &gap), None);
}
