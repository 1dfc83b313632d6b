//! Answers that come compressed although nothing but identity was asked for.
//!
//! Works on streams: whatever can be decoded now is given out now. The output is capped, so a small body
//! cannot become a large one in memory.

use std::io::{self, Write};

use flate2::write::{GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Why a compressed body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InflateError {
    /// More than the cap came out.
    #[error("the decompressed body is larger than {0} bytes")]
    TooLarge(usize),
    /// The bytes are not what the header says.
    #[error("the compressed body is damaged")]
    Damaged(#[from] io::Error),
    /// A coding that was not asked for and is not known.
    #[error("content-encoding {0} was not asked for and cannot be read")]
    Unknown(String),
}

/// Undoes the content coding of one body.
#[derive(Debug)]
pub struct Inflate {
    coding: Coding,
    cap: usize,
    total: usize,
}

#[derive(Debug)]
enum Coding {
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
}

impl Inflate {
    /// The decoder that a head asks for; `None` when the body is plain.
    ///
    /// # Errors
    /// When the coding is not known.
    pub fn of(headers: &HeaderMap, cap: usize) -> Result<Option<Self>, InflateError> {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Ok(None);
        };
        let name = value.to_str().unwrap_or("?").trim().to_ascii_lowercase();
        let coding = match name.as_str() {
            "" | "identity" => return Ok(None),
            "gzip" | "x-gzip" => Coding::Gzip(Box::new(GzDecoder::new(Vec::new()))),
            "deflate" => Coding::Zlib(Box::new(ZlibDecoder::new(Vec::new()))),
            _ => return Err(InflateError::Unknown(name)),
        };
        Ok(Some(Self {
            coding,
            cap,
            total: 0,
        }))
    }

    /// Takes compressed bytes and gives what they decode to so far.
    ///
    /// # Errors
    /// When the bytes are damaged or the cap is exceeded.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, InflateError> {
        let mut whole = Vec::new();
        // Small steps: one step of input cannot grow past the cap unseen by more than its own ratio.
        for step in bytes.chunks(4 << 10) {
            let out = match &mut self.coding {
                Coding::Gzip(decoder) => {
                    decoder.write_all(step)?;
                    decoder.flush()?;
                    std::mem::take(decoder.get_mut())
                }
                Coding::Zlib(decoder) => {
                    decoder.write_all(step)?;
                    decoder.flush()?;
                    std::mem::take(decoder.get_mut())
                }
            };
            self.total += out.len();
            if self.total > self.cap {
                return Err(InflateError::TooLarge(self.cap));
            }
            if whole.is_empty() {
                whole = out;
            } else {
                whole.extend_from_slice(&out);
            }
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn headers(coding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(coding))])
    }

    #[test]
    fn pieces_come_out_as_they_went_in() {
        let packed = gzip(b"data: 1\n\ndata: 2\n\n");
        let mut inflate = Inflate::of(&headers("gzip"), 1 << 20)
            .expect("known")
            .expect("compressed");
        let out: Vec<u8> = packed
            .chunks(3)
            .flat_map(|piece| inflate.feed(piece).expect("sound"))
            .collect();
        assert_eq!(out, b"data: 1\n\ndata: 2\n\n");
    }

    #[test]
    fn bombs_and_strangers_are_refused() {
        let bomb = gzip(&vec![0; 8 << 20]);
        let mut inflate = Inflate::of(&headers("gzip"), 1 << 20)
            .expect("known")
            .expect("compressed");
        assert!(matches!(
            inflate.feed(&bomb),
            Err(InflateError::TooLarge(_))
        ));
        assert!(Inflate::of(&headers("br"), 1).is_err());
        assert!(
            Inflate::of(&headers("identity"), 1)
                .expect("known")
                .is_none()
        );
    }
}
