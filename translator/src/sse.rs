//! Server-sent events, read incrementally.
//!
//! Takes bytes as they come, in any split, with LF, CRLF or CR line ends, comments, a byte-order mark,
//! several `data` lines and a last frame without a blank line. Memory is capped. A line that is not SSE at
//! all but begins like JSON (an error body in the middle of a stream) is passed on as a frame of its own, with
//! the lines behind it that belong to the same document.

/// Larger frames end the stream with an error.
pub const DEFAULT_MAX_FRAME: usize = 16 << 20;

/// Errors are shorter. Whether a longer document is complete is not asked with every line, only at the end.
const SHORT_DOCUMENT: usize = 8 << 10;

/// An incremental reader of server-sent events.
#[derive(Debug)]
pub struct Decoder {
    /// Bytes of the line that is not complete yet.
    line: Vec<u8>,
    /// `data` lines of the frame so far, joined by LF.
    data: Vec<u8>,
    has_data: bool,
    /// The data are a JSON document outside of all fields, and its end has not come yet.
    in_document: bool,
    event: String,
    /// The last byte was CR: a directly following LF belongs to it.
    after_cr: bool,
    started: bool,
    max_frame: usize,
}

/// One event: its name (empty when there was none) and its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The `event` field.
    pub event: &'a str,
    /// The `data` field.
    pub data: &'a str,
}

/// A stream that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A frame is larger than the cap.
    #[error("a server-sent event is larger than {0} bytes")]
    TooLarge(usize),
    /// A frame is not UTF-8.
    #[error("a server-sent event is not valid utf-8")]
    Encoding,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_FRAME)
    }
}

impl Decoder {
    /// A reader with a cap on the size of one frame, in bytes.
    #[must_use]
    pub const fn new(max_frame: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            in_document: false,
            event: String::new(),
            after_cr: false,
            started: false,
            max_frame,
        }
    }

    /// Takes the next bytes and gives every frame that is complete now.
    ///
    /// # Errors
    /// When a frame is too large or not UTF-8; the stream is of no more use then.
    pub fn feed(&mut self, mut bytes: &[u8], mut sink: impl FnMut(Frame<'_>)) -> Result<(), Error> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            if bytes[0] == b'\n' {
                bytes = &bytes[1..];
            }
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            let (line, rest) = bytes.split_at(end);
            let cr = rest[0] == b'\r';
            bytes = &rest[1..];
            if cr {
                match bytes.first() {
                    Some(b'\n') => bytes = &bytes[1..],
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.check(line.len())?;
            if self.line.is_empty() {
                self.take_line(line, &mut sink)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                let taken = self.take_line(&whole, &mut sink);
                whole.clear();
                self.line = whole;
                taken?;
            }
        }
        self.check(bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// The stream is over: gives the last frame if it was not followed by a blank line.
    ///
    /// # Errors
    /// As [`Decoder::feed`].
    pub fn end(&mut self, mut sink: impl FnMut(Frame<'_>)) -> Result<(), Error> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(&line, &mut sink)?;
        }
        self.dispatch(&mut sink)
    }

    fn check(&self, more: usize) -> Result<(), Error> {
        if self.line.len() + self.data.len() + more > self.max_frame {
            return Err(Error::TooLarge(self.max_frame));
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8], sink: &mut impl FnMut(Frame<'_>)) -> Result<(), Error> {
        let line = if self.started {
            line
        } else {
            self.started = true;
            line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line)
        };
        if self.in_document {
            return self.take_document(line, sink);
        }
        if line.is_empty() {
            return self.dispatch(sink);
        }
        if line[0] == b'{' || line[0] == b'[' {
            // Not SSE: a vendor wrote a JSON error into the stream.
            self.dispatch(sink)?;
            return self.take_document(line, sink);
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.event.clear();
                self.event
                    .push_str(std::str::from_utf8(value).map_err(|_| Error::Encoding)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes a line of a document that may be spread over several.
    fn take_document(
        &mut self,
        line: &[u8],
        sink: &mut impl FnMut(Frame<'_>),
    ) -> Result<(), Error> {
        if self.in_document {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(line);
        self.has_data = true;
        let may_end = !self.in_document
            || matches!(line.first(), Some(b'}' | b']')) && self.data.len() <= SHORT_DOCUMENT;
        self.in_document = true;
        if may_end {
            let text = std::str::from_utf8(&self.data).map_err(|_| Error::Encoding)?;
            if !is_cut(text) {
                return self.dispatch(sink);
            }
        }
        Ok(())
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(Frame<'_>)) -> Result<(), Error> {
        if self.has_data {
            let data = std::str::from_utf8(&self.data).map_err(|_| Error::Encoding)?;
            sink(Frame {
                event: &self.event,
                data,
            });
            self.data.clear();
            self.has_data = false;
        }
        self.in_document = false;
        self.event.clear();
        Ok(())
    }
}

/// True when a text is the beginning of a JSON document. The elements of a list count as documents.
fn is_cut(text: &str) -> bool {
    let element = text.trim_start_matches('[').trim();
    serde_json::from_str::<serde::de::IgnoredAny>(element).is_err_and(|error| error.is_eof())
}

/// True when a body begins like an event stream, which no JSON document does.
#[must_use]
pub fn is_stream(body: &[u8]) -> bool {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"]
        .iter()
        .any(|field| body.starts_with(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        let mut keep = |frame: Frame<'_>| out.push((frame.event.to_owned(), frame.data.to_owned()));
        for chunk in chunks {
            decoder.feed(chunk, &mut keep).expect("valid");
        }
        decoder.end(&mut keep).expect("valid");
        out
    }

    #[test]
    fn any_split_gives_the_same_frames() {
        let stream = "\u{feff}: hi\r\nevent: a\r\ndata: 1\r\n\r\ndata:2\ndata: é\n\nevent: x\n\ndata: 4\r\rdata: last".as_bytes();
        let whole = read(&[stream]);
        let want = [("a", "1"), ("", "2\né"), ("", "4"), ("", "last")];
        assert_eq!(whole, want.map(|(e, d)| (e.to_owned(), d.to_owned())));
        for cut in 0..=stream.len() {
            assert_eq!(
                read(&[&stream[..cut], &stream[cut..]]),
                whole,
                "cut at {cut}"
            );
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&bytes), whole);
    }

    #[test]
    fn raw_json_line_is_a_frame() {
        assert_eq!(read(&[b"data: 1\n\n{\"error\":{}}\n"]).len(), 2);
    }

    #[test]
    fn a_document_of_many_lines_is_one_frame() {
        let error =
            "{\n  \"error\": {\n    \"code\": 503,\n\n    \"details\": [\n      {}\n    ]\n  }\n}";
        for ends in ["", "\n", "\n\n", "\n\ndata: 2\n\n"] {
            let stream = format!("data: 1\r\n\r\n{error}{ends}");
            let frames = read(&[stream.as_bytes()]);
            assert_eq!(frames[1].1, error, "{ends:?}");
            assert_eq!(frames.len(), 2 + usize::from(ends.ends_with("2\n\n")));
            let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes), frames, "{ends:?}");
        }
        // Elements of a list come one by one, and what is no JSON at all is not waited for.
        let list = read(&[b"[{\n\"a\": 1\n}\n,\n{\n\"a\": 2\n}\n]\n"]);
        assert_eq!(list[0].1, "[{\n\"a\": 1\n}");
        assert_eq!(list[1].1, "{\n\"a\": 2\n}");
        let junk = read(&[b"[DONE]\n\ndata: 1\n\n{x\n\ndata: 2\n\n"]);
        assert_eq!(junk.len(), 4, "{junk:?}");
        let mut decoder = Decoder::new(100);
        assert!(
            decoder
                .feed(format!("{{\n{}", " \n".repeat(100)).as_bytes(), |_| {})
                .is_err()
        );
    }

    #[test]
    fn size_is_capped() {
        let mut decoder = Decoder::new(100);
        let error = decoder.feed(&[b'a'; 101], |_| {}).expect_err("too large");
        assert_eq!(error, Error::TooLarge(100));
        // The cap does not depend on how the bytes are split.
        for (length, fits) in [(94, true), (95, false)] {
            let stream = format!("data: {}\n\n", "a".repeat(length));
            for size in [1, 7, stream.len()] {
                let mut decoder = Decoder::new(100);
                let fed = stream
                    .as_bytes()
                    .chunks(size)
                    .try_for_each(|piece| decoder.feed(piece, |_| {}));
                assert_eq!(fed.is_ok(), fits, "{length} bytes in pieces of {size}");
            }
        }
    }
}
