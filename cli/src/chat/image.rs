//! Images out of files, as models take them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::failure::{Ended, Failure};

/// Larger ones are refused by every vendor.
const LARGEST: u64 = 20 << 20;

/// The beginnings of files, and the kind that each is of.
const KINDS: [(&[u8], &str); 4] = [
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
];

/// An image as a part of a message.
pub(super) fn part(path: &str) -> Ended<Value> {
    let failure = |why: String| Failure::usage(format!("{path}: {why}"));
    let size = std::fs::metadata(path).map_err(|error| failure(error.to_string()))?;
    if size.len() > LARGEST {
        return Err(failure(
            "larger than 20 MiB, which no model takes".to_owned(),
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| failure(error.to_string()))?;
    let kind = kind(&bytes).ok_or_else(|| failure("no PNG, JPEG, GIF or WebP image".to_owned()))?;
    let url = format!("data:{kind};base64,{}", STANDARD.encode(&bytes));
    Ok(json!({"type": "image_url", "image_url": {"url": url}}))
}

fn kind(bytes: &[u8]) -> Option<&'static str> {
    let (_, kind) = KINDS.iter().find(|(start, _)| bytes.starts_with(start))?;
    (*kind != "image/webp" || bytes.get(8..12) == Some(b"WEBP")).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_by_their_beginning() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8"), Some("image/webp"));
        assert_eq!(kind(b"RIFF\0\0\0\0WAVEfmt"), None);
        assert_eq!(kind(b"hello"), None);
    }
}
