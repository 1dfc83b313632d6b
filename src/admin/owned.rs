//! Who owns a thing: files, or the database. What a file owns is shown with its source and is read-only here.

use poem_openapi::payload::Json;
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use poem_openapi::{ApiResponse, Object};
use serde_json::Value;

use super::problem::Problem;
use super::version::tag;
use crate::config::Place;
use crate::control::Assembly;
use crate::snapshot::Source;
use crate::store::entities::definition::Model;

/// One thing and its version; files have none.
#[derive(ApiResponse)]
pub(super) enum One<T: Type + ToJSON + ParseFromJSON + Send + Sync> {
    /// As it is.
    #[oai(status = 200)]
    Ok(Json<T>, #[oai(header = "ETag")] Option<String>),
    /// Newly made.
    #[oai(status = 201)]
    Created(Json<T>, #[oai(header = "ETag")] Option<String>),
}

/// It is gone.
#[derive(ApiResponse)]
pub(super) enum Gone {
    /// It is gone.
    #[oai(status = 204)]
    Done,
}

/// Where a thing comes from and how it stands.
#[derive(Clone, Debug, Default, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Origin {
    /// `database`, or what owns it: `file`, `environment`, `legacy`, `demo`. Only `database` can be changed here.
    pub source: String,
    /// Where the owner has it, such as `config/app.yml:12`.
    pub place: Option<String>,
    /// Grows with every change; also the `ETag`.
    pub version: Option<i64>,
    /// Milliseconds since 1970.
    pub updated_at: Option<i64>,
    /// Why it is not in force although it is enabled.
    pub problem: Option<String>,
}

impl Origin {
    /// Of something that a file owns.
    pub(super) fn given(source: Source, place: &Place) -> Self {
        Self {
            source: label(source).to_owned(),
            place: (source != Source::Demo).then(|| place.to_string()),
            ..Self::default()
        }
    }

    /// Of something that is defined, and perhaps left out.
    pub(super) fn defined(row: &Model, in_force: &Assembly) -> Self {
        let problem = in_force.problems.iter().find(|problem| {
            problem.place.definition() == kind_of(row).map(|kind| (kind, row.name.as_str()))
        });
        Self {
            source: label(Source::Database).to_owned(),
            place: None,
            version: Some(row.version),
            updated_at: Some(row.updated_at),
            problem: problem.map(|problem| match problem.fix.as_str() {
                "" => problem.what.clone(),
                fix => format!("{}; {fix}", problem.what),
            }),
        }
    }

    /// The same, where a file has something of this name.
    pub(super) fn hidden(row: &Model, in_force: &Assembly, place: &Place) -> Self {
        Self {
            problem: Some(format!(
                "left out, since {place} defines one of this name; rename this one or remove it there"
            )),
            ..Self::defined(row, in_force)
        }
    }

    /// Its tag.
    pub(super) fn etag(&self) -> Option<String> {
        self.version.map(tag)
    }
}

fn kind_of(row: &Model) -> Option<&'static str> {
    crate::config::Kind::parse(&row.kind).map(crate::config::Kind::as_str)
}

/// The name of a source in answers.
pub(super) const fn label(source: Source) -> &'static str {
    match source {
        Source::File => "file",
        Source::Environment => "environment",
        Source::Legacy => "legacy",
        Source::Database => "database",
        Source::Demo => "demo",
    }
}

/// The refusal of a change of something that a file owns.
pub(super) fn read_only(what: &str, name: &str, source: Source, place: &Place) -> Problem {
    let why = match source {
        Source::Demo => "it belongs to the demonstration and goes with it".to_owned(),
        Source::Environment => format!("{place} defines it; change it there"),
        _ => format!("{place} defines it; change it there, it is in force at once"),
    };
    Problem::conflict(
        "read_only",
        format!("{what} `{name}` is read-only here: {why}"),
    )
}

/// A document without members that say nothing, so that what is kept is what somebody wanted.
pub(super) fn lean(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| (key, lean(value)))
                .filter(|(_, value)| !is_nothing(value))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(lean).collect()),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// A document without the members that stand beside it in a row.
pub(super) fn without_row_members(value: Value) -> Value {
    let Value::Object(mut map) = lean(value) else {
        return Value::Object(serde_json::Map::new());
    };
    for name in ["name", "enabled", "priority"] {
        map.shift_remove(name);
    }
    Value::Object(map)
}
