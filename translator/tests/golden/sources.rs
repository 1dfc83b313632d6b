//! The codes that the source can emit, found by reading it: every call on a report, and the members that it names.
//!
//! Where a call names its member by a variable, all members that its function names count as possible.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use translator::member::Member;

/// What the source says of one call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) place: String,
    pub(crate) action: &'static str,
    pub(crate) names: Names,
}

/// How a call names its member.
#[derive(Debug)]
pub(crate) enum Names {
    /// By the table.
    Member(&'static str),
    /// In quotes: nobody's spelling but one dialect's.
    Literal(String),
    /// By a variable.
    Possible(Vec<&'static str>),
}

/// The calls that add to a report, with the actions that they stand for.
const ACTIONS: [(&str, &str); 5] = [
    (".emulated(", "emulated"),
    (".degraded(", "degraded"),
    (".clamped(", "clamped"),
    (".dropped(", "dropped"),
    (".add(", "assumed"),
];

/// All calls on reports in the encoders and in what they share.
pub(crate) fn calls() -> Vec<Call> {
    files()
        .iter()
        .flat_map(|(place, text)| calls_in(place, text))
        .collect()
}

/// The names in quotes in all decoders: members that a residue keeps are among them.
pub(crate) fn decoded_words() -> BTreeSet<String> {
    let decoders = files();
    let decoders = decoders
        .iter()
        .filter(|(place, _)| place.contains("decode") || place.ends_with("output_format.rs"));
    decoders
        .flat_map(|(_, text)| {
            text.split('"')
                .map(|word| word.trim_end_matches(['.', '{']).to_owned())
        })
        .collect()
}

/// The sources without tests, with their places.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder").flatten() {
            let path = entry.path();
            let place = path
                .strip_prefix(&root)
                .expect("below the root")
                .display()
                .to_string();
            if place.contains("tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if place != "fidelity.rs" {
                found.push((place, fs::read_to_string(&path).expect("a readable file")));
            }
        }
    }
    found.sort();
    found
}

fn calls_in(place: &str, text: &str) -> Vec<Call> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    let mut found = Vec::new();
    for (pattern, action) in ACTIONS {
        for (at, _) in text.match_indices(pattern) {
            if !text[..at].trim_end().ends_with("report") {
                continue;
            }
            let arguments = text[at + pattern.len()..].trim_start();
            let arguments = arguments
                .strip_prefix("Action::Assumed,")
                .unwrap_or(arguments);
            let argument = first_argument(arguments);
            let line = text[..at].lines().count();
            let names = match (argument.strip_prefix('"'), variant(argument)) {
                (Some(literal), _) => Names::Literal(literal.trim_end_matches('"').to_owned()),
                (None, Some(member)) => Names::Member(member),
                // What a decoder kept under the client's own name.
                (None, None) if argument.contains(".field") => Names::Possible(Vec::new()),
                (None, None) => Names::Possible(possible(text, at)),
            };
            found.push(Call {
                place: format!("{place}:{line}"),
                action,
                names,
            });
        }
    }
    found
}

fn first_argument(text: &str) -> &str {
    let mut depth = 0_usize;
    let end = text.find(|c| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' | ')' if depth == 0 => return true,
            _ => {}
        }
        false
    });
    text[..end.unwrap_or(text.len())].trim()
}

/// The word behind `Member::`.
fn variant(text: &str) -> Option<&'static str> {
    let rest = &text[text.find("Member::")? + "Member::".len()..];
    let word = &rest[..rest
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(rest.len())];
    Member::ALL
        .into_iter()
        .map(name_of)
        .find(|name| *name == word)
}

/// The members that the function around a place names; in a function that is given one, those of the whole file.
fn possible(text: &str, at: usize) -> Vec<&'static str> {
    let start = text[..at].rfind("fn ").unwrap_or(0);
    let named = |text: &str| {
        text.match_indices("Member::")
            .filter_map(|(i, _)| variant(&text[i..]))
            .collect::<Vec<_>>()
    };
    let inside = named(&text[start..at]);
    if inside.is_empty() {
        named(text)
    } else {
        inside
    }
}

/// The name of a member in the source.
pub(crate) fn name_of(member: Member) -> &'static str {
    format!("{member:?}").leak()
}
