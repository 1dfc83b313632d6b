//! Which conversation a request goes on with. Clients name none: they send what was said so far, and that tells.
//!
//! A digest runs over what was said; the one behind the last answer is kept with a conversation. A request belongs to the
//! conversation whose digest stands at the end of one of its messages. Reasoning, arguments and ids do not count:
//! clients drop, rewrite and rename them.

use sha2::{Digest as _, Sha256};

use super::{ArchivedMessage, Speaker, SpokenPart};

/// Messages from the end of a request that a conversation is looked for at.
pub const LOOKED_BACK: usize = 200;

/// The digests behind each of the messages.
#[must_use]
pub fn threads<'m>(messages: impl IntoIterator<Item = &'m ArchivedMessage>) -> Vec<String> {
    let mut running = Sha256::new();
    messages
        .into_iter()
        .map(|message| {
            for part in &message.content {
                take(&mut running, message.role, part);
            }
            format!("{:x}", running.clone().finalize())
        })
        .collect()
}

fn take(running: &mut Sha256, role: Speaker, part: &SpokenPart) {
    let (kind, text) = match part {
        SpokenPart::Text(part) => (role.as_str(), part.text.trim().to_owned()),
        SpokenPart::ToolCall(call) => ("call", call.name.clone()),
        SpokenPart::ToolResult(_) => ("result", part.words().collect::<Vec<_>>().join("\n")),
        SpokenPart::Reasoning(_) | SpokenPart::Image(_) => return,
    };
    if text.is_empty() && kind != "result" {
        return;
    }
    running.update(kind);
    running.update([0]);
    running.update((text.len() as u64).to_le_bytes());
    running.update(text);
}
