//! Mutations of inputs, drawn from a generator that gives the same numbers for the same seed.
//!
//! Half of them know JSON (tokens, members, nesting), half know only bytes.

/// Inputs never grow beyond this.
const MAX_INPUT: usize = 1 << 16;

/// What JSON, and these dialects, are made of.
const TOKENS: [&str; 64] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e999",
    "18446744073709551615",
    "0.1",
    "-0",
    "\"\"",
    "{}",
    "[]",
    "[{}]",
    "[null]",
    "\"\\ud83d\"",
    "\"\\u0000\"",
    "\"\u{1f600}\"",
    "\"\\\"}\"",
    "\"data:image/png;base64,AAAA\"",
    "\"data:,\"",
    "\"hub1.\"",
    "\"SFVCM\"",
    "\"AAAA\"",
    "\"type\":",
    "\"text\":",
    "\"content\":",
    "\"role\":\"assistant\"",
    "\"role\":\"tool\"",
    "\"role\":\"system\"",
    "\"role\":\"model\"",
    "\"id\":\"\"",
    "\"tool_calls\":",
    "\"index\":4294967295",
    "\"index\":-1",
    "\"input\":",
    "\"arguments\":\"{\"",
    "\"name\":\"\"",
    "\"signature\":",
    "\"thoughtSignature\":",
    "\"encrypted_content\":",
    "\"usage\":",
    "\"finish_reason\":\"length\"",
    "\"stop_reason\":\"refusal\"",
    "\"finishReason\":\"MALFORMED_FUNCTION_CALL\"",
    "\"status\":\"incomplete\"",
    "\"error\":{}",
    "\"error\":\"\"",
    "data: ",
    "event: ",
    "\n\n",
    "\r\n\r\n",
    "\r",
    ":",
    "data: [DONE]\n\n",
    "\u{feff}",
    "\u{2028}",
];

/// A generator of numbers (splitmix64).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// A generator for a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `end`, 0 when there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// A changed copy of an input; `other` is a second one to splice with.
#[must_use]
pub fn mutate(input: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = input.to_vec();
    for _ in 0..=numbers.below(6) {
        change(&mut out, other, numbers);
    }
    out.truncate(MAX_INPUT);
    out
}

fn change(out: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    let at = numbers.below(out.len() + 1);
    match numbers.below(12) {
        0 => flip(out, numbers),
        1 => out.truncate(at),
        2 => {
            let end = at + numbers.below((out.len() - at).min(64) + 1);
            out.drain(at..end);
        }
        3 => {
            let end = at + numbers.below((out.len() - at).min(256) + 1);
            let piece = out[at..end].to_vec();
            let place = numbers.below(out.len() + 1);
            insert(out, place, &piece);
        }
        4 => {
            let start = numbers.below(other.len() + 1);
            let end = start + numbers.below((other.len() - start).min(512) + 1);
            insert(out, at, &other[start..end]);
        }
        5 => {
            let start = numbers.below(other.len() + 1);
            out.truncate(at);
            out.extend_from_slice(&other[start..]);
        }
        6 | 7 => insert(out, at, TOKENS[numbers.below(TOKENS.len())].as_bytes()),
        8..=10 => replace_value(out, numbers),
        _ => nest(out, at, numbers),
    }
}

fn flip(out: &mut [u8], numbers: &mut Numbers) {
    let at = numbers.below(out.len());
    let bit = numbers.below(8);
    if let Some(byte) = out.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

fn insert(out: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if out.len() + piece.len() <= MAX_INPUT {
        out.splice(at..at, piece.iter().copied());
    }
}

/// Puts another value behind a colon: the document stays JSON, its types do not.
fn replace_value(out: &mut Vec<u8>, numbers: &mut Numbers) {
    let from = numbers.below(out.len());
    let Some(colon) = out[from.min(out.len())..]
        .iter()
        .position(|&byte| byte == b':')
    else {
        return;
    };
    let start = from + colon + 1;
    let end = start + value_length(&out[start..]);
    // The first tokens are no values.
    let token = TOKENS[8 + numbers.below(23)];
    out.splice(start..end, token.bytes());
}

/// The length of the JSON value at the beginning of `text`, roughly.
fn value_length(text: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, &byte) in text.iter().enumerate() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b',' | b'\n' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Depth: readers that recurse must know where to stop.
fn nest(out: &mut Vec<u8>, at: usize, numbers: &mut Numbers) {
    let depth = 1 << numbers.below(12);
    let (open, close) = [("[", "]"), ("{\"a\":", "}"), ("{\"content\":[", "]}")][numbers.below(3)];
    let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
    insert(out, at, nested.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_input() {
        let run = |seed| mutate(b"{\"a\":[1,2]}", b"other", &mut Numbers::new(seed));
        let different = (0..100).filter(|&seed| run(seed) != run(seed + 1)).count();
        assert!(different > 80, "{different}");
        assert!((0..100).all(|seed| run(seed) == run(seed)));
    }

    #[test]
    fn values_end_where_they_end() {
        for (text, length) in [
            ("1,2", 1),
            ("\"a,\\\"\"}", 6),
            ("{\"a\":[1]},", 9),
            ("x", 1),
            ("]", 0),
        ] {
            assert_eq!(value_length(text.as_bytes()), length, "{text}");
        }
    }
}
