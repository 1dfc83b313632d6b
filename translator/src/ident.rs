//! Identifiers and names: deterministic, so that a growing conversation keeps its bytes.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// What an identifier or a name may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// `[a-zA-Z0-9_-]`
    Word,
    /// `[a-zA-Z0-9_.:-]`, beginning with a letter or `_` (Gemini names).
    Gemini,
    /// Anything.
    Any,
}

fn legal(text: &str, charset: Charset) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match charset {
        Charset::Word => text.bytes().all(word),
        Charset::Gemini => {
            text.bytes().all(|b| word(b) || b == b'.' || b == b':')
                && text
                    .bytes()
                    .next()
                    .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        }
        Charset::Any => true,
    }
}

/// Rule N1: a call id that the target takes. The same for a call and its result, so no map is needed.
#[must_use]
pub fn call_id<'a>(id: &'a str, charset: Charset, max: usize) -> Cow<'a, str> {
    if !id.is_empty() && id.len() <= max && legal(id, charset) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!(
        "c_{}",
        &base32(&Sha256::digest(id.as_bytes()))[..26]
    ))
}

/// A call id of nine letters and digits, for servers that take no other.
#[must_use]
pub fn nine(id: &str) -> Cow<'_, str> {
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(base32(&Sha256::digest(id.as_bytes()))[..9].to_owned())
}

/// Rule N2: a tool name that the target takes. Names that must be rewritten carry a hash of the original,
/// so two of them never meet.
#[must_use]
pub fn tool_name<'a>(name: &'a str, charset: Charset, max: usize) -> Cow<'a, str> {
    if !name.is_empty() && name.len() <= max && legal(name, charset) {
        return Cow::Borrowed(name);
    }
    let mut clean: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if !clean.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        clean.insert_str(0, "t_");
    }
    clean.truncate(max.saturating_sub(9));
    let hash = hex(&Sha256::digest(name.as_bytes())[..4]);
    Cow::Owned(format!("{clean}_{hash}"))
}

/// Lower-case hex of the SHA-256 of a text, cut to `digits`.
#[must_use]
pub fn hash_hex(text: &str, digits: usize) -> String {
    let mut out = hex(&Sha256::digest(text.as_bytes()));
    out.truncate(digits);
    out
}

fn hex(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| {
            [
                HEX[usize::from(b >> 4)] as char,
                HEX[usize::from(b & 15)] as char,
            ]
        })
        .collect()
}

fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0);
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(ALPHABET[((buffer >> bits) & 31) as usize] as char);
        }
    }
    out
}

/// A source of identifiers: a seed from the gateway and a counter. Not for secrets.
#[derive(Clone, Debug)]
pub struct Ids {
    seed: u128,
    next: u64,
}

impl Ids {
    /// A source that gives the same identifiers for the same seed.
    #[must_use]
    pub const fn new(seed: u128) -> Self {
        Self { seed, next: 0 }
    }

    /// An independent source of the same seed.
    #[must_use]
    pub const fn fork(&self, branch: u64) -> Self {
        Self {
            seed: self.seed ^ ((branch as u128) << 64),
            next: 0,
        }
    }

    /// The next identifier: prefix and 24 base-62 characters.
    #[must_use]
    pub fn next(&mut self, prefix: &str) -> String {
        self.next += 1;
        let mut out = String::with_capacity(prefix.len() + 24);
        out.push_str(prefix);
        let mut state = mix(self.seed as u64 ^ self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for i in 0..24 {
            if i % 8 == 0 {
                state = mix(state ^ (self.seed >> 64) as u64 ^ (i as u64));
            }
            const ALPHABET: &[u8; 62] =
                b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
            out.push(ALPHABET[(state % 62) as usize] as char);
            state /= 62;
        }
        out
    }
}

/// A 64-bit finaliser (splitmix64).
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_ids_pass_and_others_are_hashed_alike() {
        assert_eq!(call_id("toolu_1", Charset::Word, 40), "toolu_1");
        let long = "x".repeat(65);
        assert_eq!(
            call_id(&long, Charset::Word, 64),
            call_id(&long, Charset::Word, 40)
        );
        assert_eq!(call_id(&long, Charset::Word, 64).len(), 28);
    }

    #[test]
    fn rewritten_names_do_not_meet() {
        let a = tool_name("a.b", Charset::Word, 64);
        let b = tool_name("a:b", Charset::Word, 64);
        assert_ne!(a, b);
        assert!(a.starts_with("a_b_"));
        assert_eq!(tool_name("1st", Charset::Gemini, 64).find("t_"), Some(0));
        assert!(tool_name(&"y".repeat(200), Charset::Word, 64).len() <= 64);
    }

    #[test]
    fn ids_are_distinct_and_repeatable() {
        let mut ids = Ids::new(7);
        let all: std::collections::BTreeSet<String> = (0..1000).map(|_| ids.next("msg_")).collect();
        assert_eq!(all.len(), 1000);
        assert_eq!(Ids::new(7).next("msg_"), Ids::new(7).next("msg_"));
        assert_eq!(Ids::new(7).next("").len(), 24);
    }
}
