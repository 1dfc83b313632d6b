//! A fast hash of long texts, for marks. Not for secrets, and not the same in another release.

use std::hash::Hasher;

const ODD: [u64; 3] = [
    0x9e37_79b9_7f4a_7c15,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
];

/// Takes in bytes sixteen at a time: a whole conversation stands before each answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    const fn take(&mut self, low: u64, high: u64) {
        self.0 = fold(self.0 ^ low ^ ODD[0], high ^ ODD[1]);
    }
}

/// Both halves of a product, so that every bit counts.
const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    product as u64 ^ (product >> 64) as u64
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<16>();
        for block in blocks {
            let (low, high) = block.split_at(8);
            self.take(word(low), word(high));
        }
        let (low, high) = rest.split_at(rest.len().min(8));
        self.take(word(low), word(high));
        // What is zero at the end of one is not what another lacks.
        self.take(bytes.len() as u64, ODD[2]);
    }

    fn finish(&self) -> u64 {
        fold(self.0 ^ ODD[2], ODD[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::Hash as _;

    #[test]
    fn every_bit_and_every_length_counts() {
        let mut seen = HashSet::new();
        for length in 0..100 {
            let text = vec![0_u8; length];
            assert!(seen.insert(of(&text)), "{length} zeros");
            for bit in 0..length * 8 {
                let mut other = text.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert!(seen.insert(of(&other)), "{length} zeros, bit {bit} set");
            }
        }
    }

    #[test]
    fn parts_are_not_the_whole() {
        let parted = |parts: &[&str]| {
            let mut hasher = Fingerprint::default();
            parts.iter().for_each(|part| part.hash(&mut hasher));
            hasher.finish()
        };
        assert_ne!(parted(&["ab", "c"]), parted(&["a", "bc"]));
        assert_ne!(parted(&["abc"]), parted(&["abc", ""]));
    }

    fn of(bytes: &[u8]) -> u64 {
        let mut hasher = Fingerprint::default();
        hasher.write(bytes);
        hasher.finish()
    }
}
