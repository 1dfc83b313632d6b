//! The admin API's document is the contract: every line that a command calls stands in it, and what a resource can
//! write is what the document takes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::commands::RESOURCES;
use crate::endpoints;
use crate::resource::{Does, Resource};

fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    let text = std::fs::read_to_string(path).expect("the document is in the repository");
    serde_json::from_str(&text).expect("the document is JSON")
}

/// The members of a schema, by its reference, but those that go only in this direction.
fn members<'a>(document: &'a Value, schema: &'a Value, but: &str) -> BTreeSet<&'a str> {
    let name = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let schema = name.map_or(schema, |name| &document["components"]["schemas"][name]);
    let properties = schema["properties"]
        .as_object()
        .expect("an object with members");
    let kept = properties
        .iter()
        .filter(|(_, property)| property[but] != true);
    kept.map(|(name, _)| name.as_str()).collect()
}

fn content(message: &Value) -> &Value {
    let content = message["content"]
        .as_object()
        .expect("a message with content");
    &content.values().next().expect("one kind of content")["schema"]
}

#[test]
fn every_call_is_in_the_contract() {
    let document = document();
    let mut calls: Vec<(&str, String)> = endpoints::ALL
        .iter()
        .map(|line| (line.method, line.path.to_owned()))
        .collect();
    calls.extend(RESOURCES.iter().flat_map(Resource::endpoints));
    let missing: Vec<_> = calls
        .iter()
        .filter(|(method, path)| document["paths"][path][method.to_lowercase()].is_null())
        .collect();
    assert!(
        missing.is_empty(),
        "not in openapi/openapi.json: {missing:?}"
    );
}

#[test]
fn what_a_resource_writes_and_tells_is_what_the_document_says() {
    let document = document();
    for resource in RESOURCES {
        let own = format!("{}/{{{}}}", resource.path, resource.layout.key);
        if !resource.does.contains(&Does::Replace) {
            continue;
        }
        let put = &document["paths"][&own]["put"];
        let takes = members(&document, content(&put["requestBody"]), "readOnly");
        let listed: BTreeSet<&str> = resource.members.iter().copied().collect();
        let told: BTreeSet<&str> = resource.tells.iter().copied().collect();
        let shown = members(&document, content(&put["responses"]["200"]), "writeOnly");
        let expected: BTreeSet<&str> = shown.difference(&listed).copied().collect();
        // One list may tell of a member that the same document takes elsewhere.
        assert!(
            takes.is_subset(&listed),
            "{}: {takes:?} are taken, {listed:?} are listed",
            resource.noun
        );
        assert!(
            listed.is_subset(&takes.union(&shown).copied().collect()),
            "{}: {listed:?}",
            resource.noun
        );
        assert_eq!(
            told, expected,
            "{}: what is told and not taken",
            resource.noun
        );
    }
}

#[test]
fn columns_show_what_there_is() {
    let document = document();
    for resource in RESOURCES
        .iter()
        .filter(|resource| resource.does.contains(&Does::Show))
    {
        let own = format!("{}/{{{}}}", resource.path, resource.layout.key);
        let answer = &document["paths"][&own]["get"]["responses"]["200"];
        let shown = members(&document, content(answer), "writeOnly");
        for column in resource.layout.columns {
            let member = column.path.split('.').next().unwrap_or_default();
            assert!(
                shown.contains(member),
                "{}: there is no `{member}`",
                resource.noun
            );
        }
    }
}
