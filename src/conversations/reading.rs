//! Reads an archive, and says of everything that it does not understand where it stands and how to mend it.
//!
//! Nothing unknown is skipped: a member that a newer hub has written may be what the conversation is about.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::archive::{
    ARCHIVE_FORMAT, ARCHIVE_VERSION, Archive, ArchivedConversation, ArchivedMessage,
};
use super::bounds::{Allowed, KeptBounds};
use super::{MessageUsage, Speaker, SpokenPart};

/// After so many the rest is not looked for.
const MOST_COMPLAINTS: usize = 50;

const OF_ARCHIVE: [&str; 4] = ["format", "version", "exported_at", "conversations"];
const OF_CONVERSATION: [&str; 8] = [
    "title",
    "model",
    "dialect",
    "system",
    "tags",
    "created_at",
    "updated_at",
    "messages",
];
const OF_MESSAGE: [&str; 8] = [
    "role",
    "content",
    "model",
    "provider",
    "dialect",
    "request_id",
    "usage",
    "created_at",
];
const OF_USAGE: [&str; 4] = [
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
];
const OF_STATE: [&str; 5] = ["dialect", "provider", "model", "kind", "value"];
/// The types of parts and their members.
const OF_PARTS: [(&str, &[&str]); 5] = [
    ("text", &["type", "text", "state"]),
    ("reasoning", &["type", "text", "state"]),
    ("tool_call", &["type", "id", "name", "arguments", "state"]),
    (
        "tool_result",
        &["type", "call_id", "name", "content", "is_error"],
    ),
    ("image", &["type", "media_type", "data", "url"]),
];

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The member, such as `conversations[0].title`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub fix: String,
}

impl Complaint {
    /// About a member.
    pub fn new(
        field: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
            fix: fix.into(),
        }
    }

    /// The same, seen from outside of what it is about.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self {
            field: under(outer, &self.field),
            ..self
        }
    }
}

/// Reads an archive whole, or says all that is wrong with it.
///
/// # Errors
/// What is wrong, at most fifty things of it.
pub fn read_archive(document: &Value, bounds: &KeptBounds) -> Result<Archive, Vec<Complaint>> {
    let archive = understood(document)?;
    let mut found = Vec::new();
    for (place, conversation) in archive.conversations.iter().enumerate() {
        let within = format!("conversations[{place}]");
        let complaints = conversation.complaints(bounds).into_iter();
        found.extend(complaints.map(|complaint| complaint.within(&within)));
    }
    found.truncate(MOST_COMPLAINTS);
    if found.is_empty() {
        Ok(archive)
    } else {
        Err(found)
    }
}

/// The same whatever the bounds: what this hub has kept itself.
///
/// # Errors
/// What is not understood, at most fifty things of it.
pub fn understood(document: &Value) -> Result<Archive, Vec<Complaint>> {
    let mut reader = Reader { found: Vec::new() };
    let archive = reader.archive(document);
    reader.found.truncate(MOST_COMPLAINTS);
    match archive {
        Some(archive) if reader.found.is_empty() => Ok(archive),
        _ => Err(reader.found),
    }
}

struct Reader {
    found: Vec<Complaint>,
}

fn under(outer: &str, name: &str) -> String {
    match (outer, name) {
        ("", name) => name.to_owned(),
        (outer, "") => outer.to_owned(),
        (outer, name) => format!("{outer}.{name}"),
    }
}

impl Reader {
    fn complain(&mut self, field: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.found.push(Complaint::new(field, message, fix));
    }

    /// The members of an object, all of which must be known.
    fn members<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        known: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(map) = value.as_object() else {
            self.complain(path, "this must be an object", "give its members");
            return None;
        };
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            let name: String = name.chars().take(64).collect();
            self.complain(
                &under(path, &name),
                "this hub does not know this member",
                format!("remove it; known are {}", known.join(", ")),
            );
        }
        Some(map)
    }

    /// A member that may be absent.
    fn member<T: DeserializeOwned>(
        &mut self,
        map: &Map<String, Value>,
        path: &str,
        name: &str,
        what: &str,
    ) -> Option<T> {
        let value = map.get(name).filter(|value| !value.is_null())?;
        let read = T::deserialize(value).ok();
        if read.is_none() {
            self.complain(
                &under(path, name),
                format!("this must be {what}"),
                "write it so",
            );
        }
        read
    }

    /// A member that must be there.
    fn needed<T: DeserializeOwned>(
        &mut self,
        map: &Map<String, Value>,
        path: &str,
        name: &str,
        what: &str,
    ) -> Option<T> {
        if map.get(name).is_none_or(Value::is_null) {
            self.complain(
                &under(path, name),
                "this is missing",
                format!("give {what}"),
            );
            return None;
        }
        self.member(map, path, name, what)
    }

    /// The elements of a list that must be there, each read by `read`.
    fn list<T>(
        &mut self,
        map: &Map<String, Value>,
        path: &str,
        name: &str,
        mut read: impl FnMut(&mut Self, &Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let path = under(path, name);
        let Some(list) = map.get(name).and_then(Value::as_array) else {
            self.complain(
                &path,
                "this must be a list",
                "give a list, which may be empty",
            );
            return None;
        };
        let mut whole = Vec::with_capacity(list.len());
        for (place, value) in list.iter().enumerate() {
            if self.found.len() >= MOST_COMPLAINTS {
                break;
            }
            whole.extend(read(self, value, &format!("{path}[{place}]")));
        }
        Some(whole)
    }

    fn archive(&mut self, value: &Value) -> Option<Archive> {
        let map = value.as_object();
        let format = map
            .and_then(|map| map.get("format"))
            .and_then(Value::as_str);
        if format != Some(ARCHIVE_FORMAT) {
            self.complain(
                "format",
                "this is no archive of conversations",
                format!("send what an export gave: its format is {ARCHIVE_FORMAT}"),
            );
            return None;
        }
        let version = map.and_then(|map| map.get("version"));
        if version.and_then(Value::as_u64) != Some(u64::from(ARCHIVE_VERSION)) {
            self.complain(
                "version",
                "this hub does not know this version of archives",
                format!("use version {ARCHIVE_VERSION}, or a newer hub"),
            );
            return None;
        }
        let map = self.members(value, "", &OF_ARCHIVE)?;
        let exported_at = self.member(map, "", "exported_at", "milliseconds since 1970");
        let conversations = self.list(map, "", "conversations", Self::conversation)?;
        Some(Archive {
            format: ARCHIVE_FORMAT.to_owned(),
            version: ARCHIVE_VERSION,
            exported_at,
            conversations,
        })
    }

    fn conversation(&mut self, value: &Value, path: &str) -> Option<ArchivedConversation> {
        let map = self.members(value, path, &OF_CONVERSATION)?;
        let title = self.needed(map, path, "title", "a text");
        let tags: Option<Vec<String>> = self.member(map, path, "tags", "a list of texts");
        let read = ArchivedConversation {
            title: String::new(),
            model: self.member(map, path, "model", "a text"),
            dialect: self.member(map, path, "dialect", "a text"),
            system: self.member(map, path, "system", "a text"),
            tags: tags.unwrap_or_default(),
            created_at: self.time(map, path, "created_at"),
            updated_at: self.time(map, path, "updated_at"),
            messages: self.list(map, path, "messages", Self::message)?,
        };
        Some(ArchivedConversation {
            title: title?,
            ..read
        })
    }

    fn message(&mut self, value: &Value, path: &str) -> Option<ArchivedMessage> {
        let map = self.members(value, path, &OF_MESSAGE)?;
        let role: Option<Speaker> =
            self.needed(map, path, "role", "system, user, assistant or tool");
        let usage = match map.get("usage").filter(|usage| !usage.is_null()) {
            Some(usage) => self.usage(usage, &under(path, "usage")),
            None => None,
        };
        let content = self.list(map, path, "content", Self::part);
        Some(ArchivedMessage {
            model: self.member(map, path, "model", "a text"),
            provider: self.member(map, path, "provider", "a text"),
            dialect: self.member(map, path, "dialect", "a text"),
            request_id: self.member(map, path, "request_id", "a text"),
            usage,
            created_at: self.time(map, path, "created_at"),
            role: role?,
            content: content?,
        })
    }

    fn usage(&mut self, value: &Value, path: &str) -> Option<MessageUsage> {
        self.members(value, path, &OF_USAGE)?;
        self.whole(value, path, "counts of tokens")
    }

    /// A part: its members by its type first, then the whole.
    fn part(&mut self, value: &Value, path: &str) -> Option<SpokenPart> {
        let tag = value["type"].as_str().unwrap_or_default();
        let Some((_, known)) = OF_PARTS.iter().find(|(name, _)| *name == tag) else {
            let names: Vec<_> = OF_PARTS.iter().map(|(name, _)| *name).collect();
            self.complain(
                &under(path, "type"),
                "this hub does not know this type of part",
                format!("use one of {}", names.join(", ")),
            );
            return None;
        };
        let map = self.members(value, path, known)?;
        let before = self.found.len();
        for (name, values) in [("state", map.get("state")), ("content", map.get("content"))] {
            let values = values.and_then(Value::as_array).into_iter().flatten();
            for (place, value) in values.enumerate() {
                let path = format!("{}[{place}]", under(path, name));
                match name {
                    "state" => drop(self.members(value, &path, &OF_STATE)),
                    _ => drop(self.part(value, &path)),
                }
            }
        }
        let is_said = self.found.len() > before;
        let read = self.whole(value, path, &format!("a part of type {tag}"));
        // What is wrong inside has been said more exactly.
        if is_said && read.is_none() {
            self.found.pop();
        }
        read
    }

    fn whole<T: DeserializeOwned>(&mut self, value: &Value, path: &str, what: &str) -> Option<T> {
        T::deserialize(value)
            .map_err(|error| {
                self.complain(
                    path,
                    format!("this is not {what}: {error}"),
                    "see the schema of archives in the API document",
                );
            })
            .ok()
    }

    fn time(&mut self, map: &Map<String, Value>, path: &str, name: &str) -> Option<i64> {
        let time: i64 = self.member(map, path, name, "milliseconds since 1970")?;
        // The end of the year 9999.
        if (0..=253_402_300_799_999).contains(&time) {
            return Some(time);
        }
        self.complain(
            &under(path, name),
            "this is no time",
            "give milliseconds since 1970",
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn archive(message: &Value) -> Value {
        json!({
            "format": ARCHIVE_FORMAT, "version": 1,
            "conversations": [{"title": "t", "messages": [message]}],
        })
    }

    #[test]
    fn what_is_whole_is_read() {
        let parts = json!([
            {"type": "text", "text": "a"},
            {"type": "reasoning", "text": "b", "state": [
                {"dialect": "anthropic", "kind": "thinking", "value": "{}"}]},
            {"type": "tool_call", "id": "1", "name": "f", "arguments": "{}"},
            {"type": "tool_result", "call_id": "1", "content": [
                {"type": "text", "text": "c"}, {"type": "image", "url": "https://x/y.png"}]},
            {"type": "image", "media_type": "image/png", "data": "AAAA"},
        ]);
        let whole = archive(&json!({"role": "assistant", "content": parts, "model": "m",
            "usage": {"input_tokens": 3}, "created_at": 1}));
        let read = read_archive(&whole, &KeptBounds::default()).expect("sound");
        let message = &read.conversations[0].messages[0];
        assert_eq!(message.content.len(), 5);
        assert_eq!(message.usage.map(|usage| usage.input_tokens), Some(3));
        assert_eq!(
            serde_json::to_value(&message.content).expect("JSON")[2]["id"],
            "1"
        );
        let again = serde_json::to_value(&read).expect("JSON");
        assert_eq!(read_archive(&again, &KeptBounds::default()), Ok(read));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let text = json!([{"type": "text", "text": "a"}]);
        for (message, field) in [
            (json!({"role": "robot", "content": text}), "role"),
            (json!({"content": text}), "role"),
            (json!({"role": "user", "content": "a"}), "content"),
            (json!({"role": "user", "content": []}), "content"),
            (json!({"role": "user", "content": text, "mood": 1}), "mood"),
            (
                json!({"role": "user", "content": [{"type": "smell"}]}),
                "content[0].type",
            ),
            (
                json!({"role": "user", "content": [{"type": "text"}]}),
                "content[0]",
            ),
            (
                json!({"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]}),
                "content[0].x",
            ),
            (
                json!({"role": "tool", "content": [{"type": "tool_result", "call_id": "1",
                    "content": [{"type": "text", "text": "a", "y": 1}]}]}),
                "content[0].content[0].y",
            ),
            (
                json!({"role": "user", "content": [{"type": "image"}]}),
                "content[0]",
            ),
            (
                json!({"role": "user", "content": text, "usage": {"input_tokens": -1}}),
                "usage.input_tokens",
            ),
            (
                json!({"role": "user", "content": text, "dialect": "latin"}),
                "dialect",
            ),
            (
                json!({"role": "user", "content": text, "created_at": -1}),
                "created_at",
            ),
        ] {
            let refused = read_archive(&archive(&message), &KeptBounds::default());
            let complaints = refused.expect_err(field);
            assert_eq!(
                complaints[0].field,
                format!("conversations[0].messages[0].{field}"),
                "{complaints:?}"
            );
            assert!(!complaints[0].fix.is_empty(), "{field}");
        }
        for (document, field) in [
            (json!([]), "format"),
            (json!({"format": ARCHIVE_FORMAT, "version": 2}), "version"),
            (
                json!({"format": ARCHIVE_FORMAT, "version": 1}),
                "conversations",
            ),
        ] {
            let refused = read_archive(&document, &KeptBounds::default());
            assert_eq!(refused.expect_err(field)[0].field, field);
        }
    }

    #[test]
    fn a_flaw_inside_is_named_once() {
        let parts =
            json!([{"type": "tool_result", "call_id": "1", "content": [{"type": "smell"}]}]);
        let whole = archive(&json!({"role": "tool", "content": parts}));
        let refused = read_archive(&whole, &KeptBounds::default()).expect_err("a smell");
        let fields: Vec<&str> = refused.iter().map(|one| one.field.as_str()).collect();
        let place = "conversations[0].messages[0].content[0].content[0].type";
        assert_eq!(fields, [place]);
    }

    #[test]
    fn bounds_hold() {
        let bounds = KeptBounds {
            messages: 1,
            message_bytes: 100,
            ..KeptBounds::default()
        };
        let long = json!({"role": "user", "content": [{"type": "text", "text": "a".repeat(200)}]});
        let refused = read_archive(&archive(&long), &bounds).expect_err("too long");
        assert_eq!(refused[0].field, "conversations[0].messages[0].content");
        let short = json!({"role": "user", "content": [{"type": "text", "text": "a"}]});
        let mut two = archive(&short);
        two["conversations"][0]["messages"] = json!([short, short]);
        let refused = read_archive(&two, &bounds).expect_err("too many");
        assert_eq!(refused[0].field, "conversations[0].messages");
    }
}
