//! Gemini generateContent: reads and checks a request, renders an answer. As proto3 JSON allows, members may come in camel
//! or snake case at every level.

mod answer;
mod ask;
mod turns;

pub(super) use answer::{events, failure, whole};
pub(super) use ask::{count, read};

use serde_json::Value;

/// The kind under which this dialect's reasoning state is sealed.
const STATE: &str = "thoughtSignature";

/// A member by its camel-case name, in either case; `null` is absent.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object
        .get(name)
        .or_else(|| object.get(&snake(name)))
        .filter(|value| !value.is_null())
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Refuses a member that is not known, in either case.
fn only(value: &Value, known: &[&str], path: &str) -> Result<(), super::fault::Fault> {
    let unknown = |name: &&String| {
        !known
            .iter()
            .any(|k| *k == name.as_str() || snake(k) == **name)
    };
    match super::check::object(value, path)?.keys().find(unknown) {
        Some(name) => {
            let message = format!(
                "Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field."
            );
            Err(super::fault::Fault::invalid(path, message))
        }
        None => Ok(()),
    }
}
