//! Sixty-four bytes of a document as sets of positions, one bit each.
//!
//! Text of agents is full of escapes: a search that stops at each of them guesses wrong each time. Here the escapes
//! of a block are sorted out at once. Knows bytes, nothing of what they mean.

use wide::u8x16;

/// The length of a block.
pub(super) const LENGTH: usize = 64;

/// The blocks of a document from a place on.
pub(super) struct Blocks<'b> {
    bytes: &'b [u8],
    at: usize,
    /// The last block, filled up with zeros.
    last: [u8; LENGTH],
}

impl<'b> Blocks<'b> {
    /// The blocks of `bytes` from `at` on.
    #[inline]
    pub(super) const fn of(bytes: &'b [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            last: [0; LENGTH],
        }
    }

    /// The next block, and where it begins.
    #[inline]
    pub(super) fn next(&mut self) -> Option<(usize, Block)> {
        let at = self.at;
        let rest = self.bytes.get(at..)?;
        let block = match rest.first_chunk() {
            Some(whole) => whole,
            None if rest.is_empty() => return None,
            None => {
                self.last[..rest.len()].copy_from_slice(rest);
                &self.last
            }
        };
        self.at += LENGTH;
        Some((at, Block::new(block)))
    }
}

/// A part of a document.
pub(super) struct Block([u8x16; LENGTH / 16]);

impl Block {
    #[inline]
    fn new(bytes: &[u8; LENGTH]) -> Self {
        let (lanes, _) = bytes.as_chunks::<16>();
        let lane = |at: usize| u8x16::new(lanes[at]);
        Self([lane(0), lane(1), lane(2), lane(3)])
    }

    /// Where a byte stands.
    #[inline]
    pub(super) fn of(&self, byte: u8) -> u64 {
        self.set(|lane| lane.simd_eq(all(byte)))
    }

    /// Where one of two bytes stands.
    #[inline]
    pub(super) fn of_either(&self, one: u8, other: u8) -> u64 {
        self.set(|lane| lane.simd_eq(all(one)) | lane.simd_eq(all(other)))
    }

    /// Where brackets stand, square and curly ones: those that open, and those that close.
    #[inline]
    pub(super) fn brackets(&self) -> (u64, u64) {
        // One bit tells a square bracket from a curly one.
        let curly = |lane| lane | all(b'{' ^ b'[');
        (
            self.set(|lane| curly(lane).simd_eq(all(b'{'))),
            self.set(|lane| curly(lane).simd_eq(all(b'}'))),
        )
    }

    /// Where control characters stand; the filling counts as such.
    #[inline]
    pub(super) fn controls(&self) -> u64 {
        // Most blocks have none.
        if self.has(is_control) {
            self.set(is_control)
        } else {
            0
        }
    }

    #[inline]
    fn has(&self, test: impl Fn(u8x16) -> u8x16) -> bool {
        let found = self
            .0
            .iter()
            .fold(all(0), |found, lane| found | test(*lane));
        found.to_bitmask() != 0
    }

    #[inline]
    fn set(&self, test: impl Fn(u8x16) -> u8x16) -> u64 {
        self.0.iter().rev().fold(0, |set, lane| {
            set << 16 | u64::from(test(*lane).to_bitmask())
        })
    }
}

/// The quotes, backslashes and control characters among sixteen bytes, and of these the quotes.
#[inline]
pub(super) fn marks(lane: &[u8; 16]) -> (u32, u32) {
    let lane = u8x16::new(*lane);
    let quotes = lane.simd_eq(all(b'"'));
    let special = quotes | lane.simd_eq(all(b'\\')) | is_control(lane);
    (special.to_bitmask(), quotes.to_bitmask())
}

const fn all(byte: u8) -> u8x16 {
    u8x16::new([byte; 16])
}

fn is_control(lane: u8x16) -> u8x16 {
    lane.min(all(0x1f)).simd_eq(lane)
}

/// Tells which characters of a text are escaped, block after block.
#[derive(Default)]
pub(super) struct Escapes {
    /// The first character of the next block is escaped: one bit.
    carried: u64,
}

impl Escapes {
    /// The positions behind an odd run of backslashes.
    ///
    /// Taking one away from the beginning of a run carries through it: runs that begin at even and at odd places
    /// are told apart by where the carry arrives.
    #[inline]
    pub(super) const fn of(&mut self, backslashes: u64) -> u64 {
        if backslashes | self.carried == 0 {
            return 0;
        }
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        let potential = backslashes & !self.carried;
        let behind = (((potential << 1) | ODD).wrapping_sub(potential)) ^ ODD;
        let escaped = behind ^ (backslashes | self.carried);
        self.carried = (behind & backslashes) >> (LENGTH - 1);
        escaped
    }
}
