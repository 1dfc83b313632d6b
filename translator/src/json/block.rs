//! Sixty-four bytes of a document as sets of positions, one bit each.
//!
//! Text of agents is full of escapes: a search that stops at each of them guesses wrong each time. Here the escapes
//! of a block are sorted out at once. Knows bytes, nothing of what they mean.

use wide::u8x16;

/// The length of a block.
pub(super) const LENGTH: usize = 64;

/// A part of a document.
pub(super) struct Block([u8; LENGTH]);

impl Block {
    /// The blocks of a text; the last one is filled up with zeros.
    #[inline]
    pub(super) fn all(bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.chunks(LENGTH).map(|part| {
            Self(part.first_chunk().copied().unwrap_or_else(|| {
                let mut block = [0; LENGTH];
                block[..part.len()].copy_from_slice(part);
                block
            }))
        })
    }

    /// The byte at a place.
    #[inline]
    pub(super) const fn at(&self, place: usize) -> u8 {
        self.0[place]
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

    /// Where control characters stand; the filling counts as such.
    #[inline]
    pub(super) fn controls(&self) -> u64 {
        // Most blocks have none.
        let found = self
            .lanes()
            .fold(all(0), |found, lane| found | is_control(lane));
        if found.to_bitmask() == 0 {
            return 0;
        }
        self.set(is_control)
    }

    #[inline]
    fn lanes(&self) -> impl DoubleEndedIterator<Item = u8x16> {
        self.0
            .as_chunks::<16>()
            .0
            .iter()
            .map(|lane| u8x16::new(*lane))
    }

    #[inline]
    fn set(&self, test: impl Fn(u8x16) -> u8x16) -> u64 {
        self.lanes().rev().fold(0, |set, lane| {
            set << 16 | u64::from(test(lane).to_bitmask())
        })
    }
}

/// The quotes, backslashes and control characters among sixteen bytes.
pub(super) fn special(lane: &[u8; 16]) -> u32 {
    let lane = u8x16::new(*lane);
    (lane.simd_eq(all(b'"')) | lane.simd_eq(all(b'\\')) | is_control(lane)).to_bitmask()
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
    pub(super) fn of(&mut self, backslashes: u64) -> u64 {
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        let potential = backslashes & !self.carried;
        let behind = (((potential << 1) | ODD).wrapping_sub(potential)) ^ ODD;
        let escaped = behind ^ (backslashes | self.carried);
        self.carried = (behind & backslashes) >> (LENGTH - 1);
        escaped
    }
}
