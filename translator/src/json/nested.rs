//! Where an object or a list ends, found by its brackets in blocks. Trusts that the text is JSON.

use super::block::{Blocks, Escapes, LENGTH};

/// The index behind the value that opens at `start`; `None` when the document ends inside it. Every string in it
/// is shown to `string`: the bytes from behind its opening quote.
pub(super) fn end<'d>(
    bytes: &'d [u8],
    start: usize,
    string: &mut impl FnMut(&'d [u8]),
) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escapes = Escapes::default();
    // All bits when the block begins inside a string.
    let mut in_string = 0_u64;
    let mut blocks = Blocks::of(bytes, start);
    while let Some((at, block)) = blocks.next() {
        let quotes = block.of(b'"') & !escapes.of(block.of(b'\\'));
        if quotes == 0 && in_string != 0 {
            continue;
        }
        // From each opening quote to the place before the closing one.
        let inside = up_to_each(quotes) ^ in_string;
        in_string = 0_u64.wrapping_sub(inside >> (LENGTH - 1));
        let (opening, closing) = block.brackets();
        let (opening, closing) = (opening & !inside, closing & !inside);
        let end = places(opening | closing).find(|place| {
            if opening & (1 << place) != 0 {
                depth += 1;
                return false;
            }
            depth = depth.saturating_sub(1);
            depth == 0
        });
        let within = end.map_or(u64::MAX, |place| (1 << place) - 1);
        places(quotes & inside & within).for_each(|place| string(&bytes[at + place + 1..]));
        if let Some(place) = end {
            return Some(at + place + 1);
        }
    }
    None
}

/// Sets the bits from each odd one to the place before the next even one.
fn up_to_each(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            place
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, one byte after the other.
    fn slow(bytes: &[u8], start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = start;
        loop {
            match bytes.get(at)? {
                b'"' => at = super::super::literal::end(bytes, at)? - 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }

    #[test]
    fn the_end_is_found_wherever_the_blocks_begin() {
        let values = [
            "{}".to_owned(),
            "[[[]]]".to_owned(),
            format!("{}{}", "[".repeat(300), "]".repeat(300)),
            format!("{{\"a\":\"{}\",\"b\":[1,{{}}]}}", "}\\\"]".repeat(90)),
            format!("[{}\"\\\\\"]", "{\"k\":[\"v\"]},".repeat(40)),
            format!("[\"{}\"]", "\\".repeat(200)),
        ];
        for value in values {
            for before in 0..70 {
                let text = format!("{}{value}]}},\"{{", " ".repeat(before));
                let bytes = text.as_bytes();
                assert_eq!(
                    end(bytes, before, &mut |_| {}),
                    slow(bytes, before),
                    "{text}"
                );
                for cut in before + 1..before + value.len() {
                    let cut = &bytes[..cut];
                    assert_eq!(end(cut, before, &mut |_| {}), None, "{text}");
                }
            }
        }
    }

    #[test]
    fn all_strings_are_shown() {
        let text = r#"[{"a":"b","c\"":["d", "", "\\"]}, "e"] "f""#;
        for before in 0..70 {
            let text = format!("{}{text}", " ".repeat(before));
            let mut seen = String::new();
            end(text.as_bytes(), before, &mut |string| {
                seen.push(char::from(string[0]));
            });
            assert_eq!(seen, "abcd\"\\e");
        }
    }
}
