//! How much of conversations is kept.

use super::{Complaint, Heading, MessageUsage, SpokenPart};

/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;
/// Longest instructions, in bytes.
const LARGEST_SYSTEM: usize = 256 << 10;
/// Most labels, and the longest, in characters.
const MOST_TAGS: usize = 32;
const LONGEST_TAG: usize = 64;
/// Most parts of a message.
const MOST_PARTS: usize = 1_000;
/// Longest name of a model, in characters.
const LONGEST_MODEL: usize = 255;
/// More tokens than any request has.
const MOST_TOKENS: i64 = 1 << 40;

/// `CONVERSATION_...`: what may be kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptBounds {
    /// `CONVERSATION_MAX_COUNT`: conversations of a person; 0 sets no bound.
    pub count: u64,
    /// `CONVERSATION_MAX_MESSAGES`: messages of a conversation; the oldest go when more come. 0 sets no bound.
    pub messages: u64,
    /// `CONVERSATION_MAX_BYTES`: room that the messages of a conversation take; the oldest go. 0 sets no bound.
    pub bytes: u64,
    /// `CONVERSATION_MAX_MESSAGE_BYTES`: room that one message takes; a larger one is refused.
    pub message_bytes: u64,
    /// `CONVERSATION_RETENTION_DAYS`: days since the last message; 0 keeps them for good.
    pub days: u64,
}

impl Default for KeptBounds {
    fn default() -> Self {
        Self {
            count: 1_000,
            messages: 1_000,
            bytes: 64 << 20,
            message_bytes: 8 << 20,
            days: 0,
        }
    }
}

/// What is checked against bounds.
pub trait Allowed {
    /// What is wrong with it; nothing when it may be kept.
    fn complaints(&self, bounds: &KeptBounds) -> Vec<Complaint>;
}

impl Allowed for Heading {
    fn complaints(&self, _: &KeptBounds) -> Vec<Complaint> {
        let mut found = Vec::new();
        if self.title.chars().count() > LONGEST_TITLE {
            found.push(Complaint::new(
                "title",
                format!("a title has at most {LONGEST_TITLE} characters"),
                "shorten it",
            ));
        }
        if self.system.as_ref().map_or(0, String::len) > LARGEST_SYSTEM {
            found.push(Complaint::new(
                "system",
                "instructions are larger than 256 KiB",
                "shorten them",
            ));
        }
        if self.tags.len() > MOST_TAGS {
            found.push(Complaint::new(
                "tags",
                format!("a conversation has at most {MOST_TAGS} tags"),
                "leave some out",
            ));
        }
        for (place, tag) in self.tags.iter().enumerate() {
            if tag.is_empty() || tag.chars().count() > LONGEST_TAG {
                found.push(Complaint::new(
                    format!("tags[{place}]"),
                    format!("a tag has 1 to {LONGEST_TAG} characters"),
                    "shorten it, or leave it out",
                ));
            }
        }
        found
    }
}

impl Allowed for [SpokenPart] {
    fn complaints(&self, bounds: &KeptBounds) -> Vec<Complaint> {
        let mut found = Vec::new();
        if self.is_empty() || self.len() > MOST_PARTS {
            found.push(Complaint::new(
                "content",
                format!("a message has 1 to {MOST_PARTS} parts"),
                "send what was said; split what is longer",
            ));
        }
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        let most = usize::try_from(bounds.message_bytes).unwrap_or(usize::MAX);
        if bytes > most {
            found.push(Complaint::new(
                "content",
                format!("the message takes {bytes} bytes, of at most {most}"),
                "shorten it, or let an administrator raise CONVERSATION_MAX_MESSAGE_BYTES",
            ));
        }
        for (place, part) in self.iter().enumerate() {
            let SpokenPart::Image(image) = part else {
                continue;
            };
            if image.data.is_some() == image.url.is_some() {
                found.push(Complaint::new(
                    format!("content[{place}]"),
                    "a picture has its data or its address",
                    "give `data` with `media_type`, or `url`",
                ));
            }
        }
        found
    }
}

impl Allowed for MessageUsage {
    fn complaints(&self, _: &KeptBounds) -> Vec<Complaint> {
        let counts = [
            ("input_tokens", self.input_tokens),
            ("cached_tokens", self.cached_tokens),
            ("output_tokens", self.output_tokens),
            ("reasoning_tokens", self.reasoning_tokens),
        ];
        counts
            .into_iter()
            .filter(|(_, count)| !(0..=MOST_TOKENS).contains(count))
            .map(|(name, count)| {
                Complaint::new(
                    format!("usage.{name}"),
                    format!("{count} is no number of tokens"),
                    "leave it out where nobody counted",
                )
            })
            .collect()
    }
}

/// Complains about a name of a model, a provider or a request that no column can hold.
pub(super) fn name_complaint(field: &str, name: &str) -> Option<Complaint> {
    let most = match field {
        "provider" => 128,
        "request_id" => 64,
        _ => LONGEST_MODEL,
    };
    let is_good =
        !name.is_empty() && name.chars().count() <= most && !name.chars().any(char::is_control);
    (!is_good).then(|| {
        Complaint::new(
            field,
            format!("{field} has 1 to {most} characters"),
            "leave it out where it is not known",
        )
    })
}
