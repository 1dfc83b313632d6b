//! Where string literals end. Knows literals, nothing of the values around them.

use super::block::{Blocks, Escapes, marks};

/// A literal that is valid JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal {
    /// The index behind the closing quote.
    pub(crate) end: usize,
    /// There are escapes in it.
    pub(crate) escaped: bool,
}

/// The index behind the literal that opens at `start`; `None` when the document ends inside it.
pub(super) fn end(bytes: &[u8], start: usize) -> Option<usize> {
    let inside = bytes.get(start + 1..)?;
    if let Some(length) = short(inside) {
        return Some(start + 1 + length);
    }
    let mut escapes = Escapes::default();
    let mut blocks = Blocks::of(bytes, start + 1);
    while let Some((at, block)) = blocks.next() {
        let closing = block.of(b'"') & !escapes.of(block.of(b'\\'));
        if closing != 0 {
            return Some(at + closing.trailing_zeros() as usize + 1);
        }
    }
    None
}

/// The literal that opens at `start`, its characters and escapes checked. An error is the index of the fault.
#[inline]
pub(crate) fn checked(bytes: &[u8], start: usize) -> Result<Literal, usize> {
    match bytes.get(start + 1..).and_then(short) {
        Some(length) => Ok(Literal {
            end: start + 1 + length,
            escaped: false,
        }),
        None => long(bytes, start),
    }
}

#[inline(never)]
fn long(bytes: &[u8], start: usize) -> Result<Literal, usize> {
    let mut blocks = Blocks::of(bytes, start + 1);
    let mut escapes = Escapes::default();
    let mut any = false;
    while let Some((at, block)) = blocks.next() {
        let (quotes, backslashes) = (block.of(b'"'), block.of(b'\\'));
        let escaped = escapes.of(backslashes);
        let closing = quotes & !escaped;
        // All positions before the closing quote, or the whole block.
        let within = closing.wrapping_sub(1) & !closing;
        any |= backslashes & within != 0;
        let controls = block.controls() & within;
        if controls != 0 {
            return Err(at + controls.trailing_zeros() as usize);
        }
        let mut rare = escaped & within & !(quotes | backslashes);
        if rare != 0 {
            rare &= !block.of_either(b'n', b't');
        }
        while rare != 0 {
            let place = at + rare.trailing_zeros() as usize;
            rare &= rare - 1;
            if !is_escape(&bytes[place..]) {
                return Err(place);
            }
        }
        if closing != 0 {
            return Ok(Literal {
                end: at + closing.trailing_zeros() as usize + 1,
                escaped: any,
            });
        }
    }
    Err(bytes.len())
}

/// One of the rarer escapes; `text` begins behind the backslash.
fn is_escape(text: &[u8]) -> bool {
    match text {
        [b'/' | b'b' | b'f' | b'r', ..] => true,
        [b'u', digits @ ..] => digits
            .first_chunk::<4>()
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        _ => false,
    }
}

/// How many bytes at the beginning may stand in a literal as they are.
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (lanes, rest) = bytes.as_chunks::<16>();
    for (index, lane) in lanes.iter().enumerate() {
        let (special, _) = marks(lane);
        if special != 0 {
            return index * 16 + special.trailing_zeros() as usize;
        }
    }
    if rest.is_empty() {
        return bytes.len();
    }
    // The rest with some of what is known to be plain before it, or else behind.
    let mut padded = [b' '; 16];
    let (lane, start) = match bytes.last_chunk() {
        Some(lane) => (lane, bytes.len() - 16),
        None => {
            padded[..rest.len()].copy_from_slice(rest);
            (&padded, 0)
        }
    };
    bytes
        .len()
        .min(start + marks(lane).0.trailing_zeros() as usize)
}

/// The first look, for names and words are short and have no escapes: the length with the closing quote.
#[inline]
fn short(inside: &[u8]) -> Option<usize> {
    let (special, quotes) = marks(inside.first_chunk()?);
    let first = special & special.wrapping_neg();
    (first & quotes != 0).then_some(first.trailing_zeros() as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, one byte after the other.
    fn slow(bytes: &[u8], start: usize) -> Option<usize> {
        let mut at = start + 1;
        loop {
            match bytes.get(at)? {
                b'"' => return Some(at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    #[test]
    fn ends_are_found_at_every_place_and_behind_every_run() {
        for before in 0..140 {
            for run in 0..70 {
                let mut text = format!("\"{}{}\"", "x".repeat(before), "\\".repeat(run));
                text.push_str("y\\\\\", \"z\"");
                let bytes = text.as_bytes();
                assert_eq!(end(bytes, 0), slow(bytes, 0), "{text}");
                let known = checked(bytes, 0).map(|literal| literal.end).ok();
                let parsed = serde_json::Deserializer::from_str(&text)
                    .into_iter::<String>()
                    .next()
                    .is_some_and(|parsed| parsed.is_ok());
                assert_eq!(known.is_some(), parsed, "{text}");
                if known.is_some() {
                    assert_eq!(known, slow(bytes, 0), "{text}");
                }
            }
        }
    }

    #[test]
    fn open_literals_have_no_end() {
        for length in 0..200 {
            let text = format!("\"{}", "x".repeat(length));
            assert_eq!(end(text.as_bytes(), 0), None);
            assert_eq!(checked(text.as_bytes(), 0).err(), Some(text.len()));
            let text = format!("{text}\\\"");
            assert_eq!(end(text.as_bytes(), 0), None);
            assert!(checked(text.as_bytes(), 0).is_err());
        }
    }

    #[test]
    fn what_json_forbids_is_found_where_it_stands() {
        for before in 0..130 {
            let pad = "\\n".repeat(before);
            for (bad, offset) in [
                ("\n", 0),
                ("\u{1}", 0),
                ("\\x", 1),
                ("\\u12g4", 1),
                ("\\U", 1),
            ] {
                let text = format!("\"{pad}{bad}\" ");
                let place = 1 + pad.len() + offset;
                assert_eq!(checked(text.as_bytes(), 0).err(), Some(place), "{text}");
            }
            for good in ["\\/", "\\b", "\\f", "\\r", "\\t", "\\u00e9", "\u{7f}é😀"] {
                let text = format!("\"{pad}{good}\"");
                let literal = checked(text.as_bytes(), 0).expect("valid");
                assert_eq!(literal.end, text.len(), "{text}");
                assert_eq!(literal.escaped, text.contains('\\'), "{text}");
            }
        }
    }

    #[test]
    fn plain_beginnings_are_measured() {
        for length in 0..70 {
            let text = "x".repeat(length);
            assert_eq!(plain(text.as_bytes()), length);
            for special in ["\"", "\\", "\n", "\u{1f}"] {
                assert_eq!(plain(format!("{text}{special}yyy").as_bytes()), length);
            }
        }
    }
}
