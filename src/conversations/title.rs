//! What to call a conversation that nobody gave a name.

use super::{ArchivedMessage, Speaker, SpokenPart};

/// Characters of the first words that become a title.
const LONGEST: usize = 80;

/// A title out of the first words that a person said.
#[must_use]
pub fn title(messages: &[ArchivedMessage]) -> Option<String> {
    let words = messages
        .iter()
        .filter(|message| message.role == Speaker::User)
        .flat_map(|message| &message.content)
        .find_map(|part| match part {
            SpokenPart::Text(part) => Some(part.text.trim()).filter(|words| !words.is_empty()),
            _ => None,
        })?;
    let line = words.lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST).collect();
    Some(short.trim_end().to_owned())
}
