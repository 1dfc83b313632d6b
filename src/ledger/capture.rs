//! The bodies of a request on both sides of the translation, for those who asked for them.
//!
//! Each body is held up to a limit. What looks like a credential is masked and long base64 is left out before a
//! capture goes anywhere; the store seals it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// Which requests leave their bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum CaptureMode {
    /// None.
    #[default]
    Off,
    /// Those that did not end well.
    Errors,
    /// All.
    All,
}

impl CaptureMode {
    /// The name in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Errors => "errors",
            Self::All => "all",
        }
    }

    /// The mode of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Off, Self::Errors, Self::All]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }
}

/// One of the four bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the client sent.
    ClientRequest,
    /// What the upstream got.
    UpstreamRequest,
    /// What the upstream said.
    UpstreamAnswer,
    /// What the client got.
    ClientAnswer,
}

/// A body as far as it is held.
#[derive(Clone, Debug, Default)]
struct Held {
    parts: Vec<Bytes>,
    size: usize,
    total: usize,
}

impl Held {
    /// Notes the next part; beyond the limit it is only measured.
    fn add(&mut self, part: &Bytes, limit: usize) {
        self.total = self.total.saturating_add(part.len());
        let room = limit.saturating_sub(self.size).min(part.len());
        if room > 0 {
            // A copy: a slice would keep the whole read buffer in memory.
            self.parts.push(Bytes::copy_from_slice(&part[..room]));
            self.size += room;
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.parts.concat()).into_owned()
    }
}

/// The bodies of a request.
#[derive(Clone, Debug)]
pub struct Capture {
    mode: CaptureMode,
    limit: usize,
    bodies: [Held; 4],
}

/// Bodies as they are kept.
#[derive(Debug, Serialize)]
struct Document {
    client_request: Body,
    upstream_request: Body,
    upstream_answer: Body,
    client_answer: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    /// How long it was.
    bytes: usize,
    /// Whether it is whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// Redacted.
    text: String,
}

impl Capture {
    /// Holds nothing yet; each body will be held up to `limit` bytes.
    #[must_use]
    pub fn new(mode: CaptureMode, limit: usize) -> Self {
        Self {
            mode,
            limit,
            bodies: Default::default(),
        }
    }

    /// Notes a part of a body.
    pub fn add(&mut self, side: Side, part: &Bytes) {
        self.bodies[side as usize].add(part, self.limit);
    }

    /// Forgets what was noted of a body: another target is tried.
    pub fn restart(&mut self, side: Side) {
        self.bodies[side as usize] = Held::default();
    }

    /// Whether it is wanted for a request that ended so.
    #[must_use]
    pub const fn is_wanted(&self, ended_well: bool) -> bool {
        match self.mode {
            CaptureMode::Off => false,
            CaptureMode::Errors => !ended_well,
            CaptureMode::All => true,
        }
    }

    /// The bodies, redacted, as a JSON document.
    #[must_use]
    pub fn document(&self) -> String {
        let body = |side: Side| {
            let held = &self.bodies[side as usize];
            Body {
                bytes: held.total,
                truncated: held.size < held.total,
                text: redacted(&held.text()),
            }
        };
        let document = Document {
            client_request: body(Side::ClientRequest),
            upstream_request: body(Side::UpstreamRequest),
            upstream_answer: body(Side::UpstreamAnswer),
            client_answer: body(Side::ClientAnswer),
        };
        // Serialising plain data into memory cannot fail.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

/// Members whose values are nobody's business.
const SECRET: [&str; 9] = [
    "api_key",
    "apikey",
    "api-key",
    "x-api-key",
    "authorization",
    "password",
    "access_token",
    "refresh_token",
    "client_secret",
];
/// Beginnings of credentials, wherever they stand.
const TOKENS: [&str; 7] = ["sk-", "AIza", "xai-", "gsk_", "ghp_", "Bearer ", "eyJ"];
/// A credential is longer.
const SHORTEST: usize = 16;
/// Base64 from here on is a picture or a document.
const BLOB: usize = 2_048;

/// A body without credentials and without long base64.
#[must_use]
fn redacted(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            redact(&mut value);
            value.to_string()
        }
        // A stream, or a part of a document: by lines, so that each event stays readable.
        Err(_) => text
            .split('\n')
            .map(|line| match line.strip_prefix("data:") {
                Some(data) => match serde_json::from_str::<Value>(data.trim()) {
                    Ok(mut value) => {
                        redact(&mut value);
                        format!("data: {value}")
                    }
                    Err(_) => masked(line),
                },
                None => masked(line),
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) => *text = masked(text),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let name = name.to_ascii_lowercase();
                if member.is_string() && SECRET.contains(&name.as_str()) {
                    *member = Value::from("[redacted]");
                } else {
                    redact(member);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text without words that look like credentials, and without long words of base64.
#[must_use]
pub fn masked(text: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "-_.+/=~".contains(letter);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(is_word) {
        out.push_str(&rest[..begin]);
        let word = &rest[begin..];
        let end = word.find(|letter| !is_word(letter)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let looks_secret = word.len() >= SHORTEST
            && (TOKENS.iter().any(|token| word.starts_with(token)) || out.ends_with("Bearer "));
        if looks_secret {
            out.push_str("[redacted]");
        } else if word.len() > BLOB {
            out.push_str(&format!("[{} characters left out]", word.len()));
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_pictures_do_not_stay() {
        let blob = "A".repeat(4_000);
        let text = format!(
            r#"{{"messages":[{{"content":"my key is sk-canary-0123456789abcdef, and Bearer abcdefghijklmnopqrstuvwxyz."}}],"api_key":"short","image":"{blob}","n":1.5}}"#
        );
        let kept = redacted(&text);
        for gone in ["canary", "abcdefghijklm", "short", "AAAA"] {
            assert!(!kept.contains(gone), "{gone}: {kept}");
        }
        assert!(kept.contains("my key is [redacted], and Bearer [redacted]"));
        assert!(kept.contains(r#""n":1.5"#));
        let stream =
            "event: delta\ndata: {\"text\":\"sk-canary-0123456789abcdef\"}\n\ndata: [DONE]\n\n";
        assert_eq!(
            redacted(stream),
            "event: delta\ndata: {\"text\":\"[redacted]\"}\n\ndata: [DONE]\n\n"
        );
        // A body that was cut is no JSON any more.
        assert!(!redacted(&text[..60]).contains("canary"));
    }

    #[test]
    fn bodies_are_held_up_to_the_limit() {
        let mut capture = Capture::new(CaptureMode::Errors, 8);
        capture.add(Side::ClientAnswer, &Bytes::from_static(b"12345"));
        capture.add(Side::ClientAnswer, &Bytes::from_static(b"67890"));
        let document: Value = serde_json::from_str(&capture.document()).expect("a document");
        assert_eq!(document["client_answer"]["text"], "12345678");
        assert_eq!(document["client_answer"]["bytes"], 10);
        assert_eq!(document["client_answer"]["truncated"], true);
        assert_eq!(document["client_request"]["bytes"], 0);
        assert!(capture.is_wanted(false) && !capture.is_wanted(true));
    }
}
