//! Looks on while the bytes of a stream pass from an upstream to a client of the same dialect.
//!
//! Only whole lines pass, so a stream that breaks in the middle of a frame can still be ended in order.
//! A chunk is parsed only when a vector search says that it may hold usage, an end or an error; until the first
//! content every line is looked at.

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::estimate::Spoken;
use translator::ir::Usage;
use translator::json;
use translator::usage::Reader;
use translator::wording::{Wording, Words};

use super::array::ArrayFrames;
use super::{finish, spoken};

/// A line longer than this is no answer of a model.
const LONGEST_LINE: usize = 16 << 20;

const SEQUENCE: &[u8] = b"\"sequence_number\":";

type Markers = [LazyLock<Finder<'static>>; 5];

macro_rules! markers {
    ($($text:literal),*) => { [$(LazyLock::new(|| Finder::new($text))),*] };
}

static CHAT: Markers = markers!(
    "\"usage\"",
    "[DONE]",
    "\"error\"",
    "\"finish_reason\":\"",
    "\"finish_reason\": \""
);
static RESPONSES: Markers = markers!(
    "response.completed",
    "response.incomplete",
    "response.failed",
    "\"error\"",
    "response.created"
);
static ANTHROPIC: Markers = markers!(
    "message_start",
    "message_delta",
    "message_stop",
    "\"error\"",
    "[DONE]"
);
static GEMINI: Markers = markers!(
    "\"usageMetadata\"",
    "\"finishReason\"",
    "\"error\"",
    "\"usage_metadata\"",
    "[DONE]"
);

/// What has been seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Content: from here on there is no other attempt.
    pub(super) content: bool,
    /// The answer is complete, though more may follow (usage).
    pub(super) finished: bool,
    /// Why it is, in the vendor's word.
    pub(super) finish: Option<String>,
    /// The dialect's own end: nothing follows. Gemini has none but the end of the body.
    pub(super) terminated: bool,
    /// The upstream's own error, which the client gets as it is.
    pub(super) failure: Option<Failure>,
    /// The complete answer of a Responses stream, raw.
    pub(super) response: Option<String>,
    /// The id of a Responses answer.
    pub(super) response_id: Option<String>,
}

/// Looks on.
#[derive(Debug)]
pub(super) struct Watch {
    dialect: Dialect,
    /// The client did not ask for the usage frame.
    strip: bool,
    array: Option<ArrayFrames>,
    tail: Vec<u8>,
    /// A frame has begun and its blank line has not passed yet.
    open: bool,
    /// The blank line behind a frame that was taken out is taken out too.
    skip_blank: bool,
    /// The upstream spreads documents over several `data` lines; the lines of the one that is not whole yet.
    spread: bool,
    pending: String,
    /// The dialect's own end has passed with its blank line: whatever follows is dropped.
    closed: bool,
    /// The latest lines of a Responses stream, for the number of its last event.
    last: Bytes,
    seen: Seen,
    /// A failure that the hub found, of which the client knows nothing yet.
    fault: Option<Failure>,
    usage: Reader,
    /// The same, word for word.
    words: Words,
    /// The client does not get the latest of them.
    withheld: bool,
    /// Output so far.
    spoken: Spoken,
    /// The latest line that holds usage; read when somebody asks.
    usage_line: Option<Bytes>,
}

impl Watch {
    pub(super) fn new(dialect: Dialect, strip: bool, json_array: bool) -> Self {
        Self {
            dialect,
            strip,
            array: json_array.then(ArrayFrames::default),
            tail: Vec::new(),
            open: false,
            skip_blank: false,
            spread: false,
            pending: String::new(),
            closed: false,
            last: Bytes::new(),
            seen: Seen::default(),
            fault: None,
            usage: Reader::new(dialect),
            words: Words::new(dialect),
            withheld: false,
            spoken: Spoken::default(),
            usage_line: None,
        }
    }

    /// What has been seen so far.
    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Takes out a failure that the client has to be told.
    pub(super) const fn take_fault(&mut self) -> Option<Failure> {
        self.fault.take()
    }

    /// Takes the complete answer out.
    pub(super) fn take_response(&mut self) -> Option<String> {
        self.seen.response.take()
    }

    /// True when an end of the body here is the proper end.
    pub(super) const fn is_over(&self) -> bool {
        self.seen.finished || self.seen.failure.is_some()
    }

    /// True when nothing can follow.
    pub(super) const fn is_terminated(&self) -> bool {
        self.seen.terminated || self.seen.failure.is_some()
    }

    /// Token counts so far.
    pub(super) fn usage(&mut self) -> Option<Usage> {
        if let Some(line) = self.usage_line.take()
            && let Some(raw) = std::str::from_utf8(&line)
                .ok()
                .and_then(|line| usage_member(self.dialect, data_of(line)?))
        {
            self.words.object(raw);
            self.usage.take(raw);
        }
        self.usage.usage()
    }

    /// What the upstream said it counted, where that cannot be and something else is noted.
    pub(super) fn wording(&mut self) -> Option<Wording> {
        self.usage().filter(|usage| usage.clamped)?;
        let upstream = self.words.said();
        let client = upstream.last().filter(|_| !self.withheld).cloned();
        Some(Wording { upstream, client })
    }

    /// Output so far.
    pub(super) const fn spoken(&self) -> Spoken {
        self.spoken
    }

    /// Takes bytes of the upstream and gives those that may pass.
    pub(super) fn feed(&mut self, chunk: Bytes) -> Bytes {
        // Only what is new is searched, and a line that goes on is copied once: a long one must not cost its square.
        let Some(last) = memchr::memrchr2(b'\n', b'\r', &chunk) else {
            self.keep(&chunk);
            return Bytes::new();
        };
        let (whole, last) = if self.tail.is_empty() {
            (chunk, last)
        } else {
            let mut joined = std::mem::take(&mut self.tail);
            let before = joined.len();
            joined.extend_from_slice(&chunk);
            (Bytes::from(joined), before + last)
        };
        if last + 1 < whole.len() {
            self.keep(&whole[last + 1..]);
        }
        self.pass(whole.slice(..=last))
    }

    /// The upstream has ended: gives what is left.
    pub(super) fn rest(&mut self) -> Bytes {
        if self.tail.is_empty() {
            return Bytes::new();
        }
        let mut line = std::mem::take(&mut self.tail);
        // A last line that is no whole JSON document is the place where the stream broke.
        let whole = std::str::from_utf8(&line)
            .ok()
            .and_then(data_of)
            .is_some_and(|data| {
                data == "[DONE]" || serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok()
            });
        if !whole {
            return Bytes::new();
        }
        line.extend_from_slice(b"\n\n");
        self.pass(Bytes::from(line))
    }

    /// What closes a frame that is open, before the hub adds one of its own.
    pub(super) const fn boundary(&self) -> &'static [u8] {
        if self.open { b"\n\n" } else { b"" }
    }

    /// The number of the next event of a Responses stream.
    pub(super) fn next_sequence(&self) -> u64 {
        let Some(at) = memchr::memmem::rfind(&self.last, SEQUENCE) else {
            return 0;
        };
        let digits = self.last[at + SEQUENCE.len()..].trim_ascii_start();
        let digits: String = digits
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .map(|b| char::from(*b))
            .collect();
        digits
            .parse::<u64>()
            .map_or(0, |number| number.saturating_add(1))
    }

    /// The list that is written instead of frames.
    pub(super) const fn array(&mut self) -> Option<&mut ArrayFrames> {
        self.array.as_mut()
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.seen.failure.is_some() {
            return;
        }
        if self.tail.len() + bytes.len() > LONGEST_LINE {
            let message = format!("the upstream sent a line longer than {LONGEST_LINE} bytes");
            let failure = Failure::new(FailureKind::Upstream, message);
            self.tail = Vec::new();
            self.fault = Some(failure.clone());
            self.seen.failure = Some(failure);
            return;
        }
        self.tail.extend_from_slice(bytes);
    }

    fn pass(&mut self, lines: Bytes) -> Bytes {
        if self.closed {
            return Bytes::new();
        }
        spoken::lines(self.dialect, &lines, &mut self.spoken);
        if self.array.is_some() {
            return self.reframe(&lines);
        }
        if self.dialect == Dialect::OpenAiResponses
            && memchr::memmem::find(&lines, SEQUENCE).is_some()
        {
            self.last = lines.clone();
        }
        let quiet = self.seen.content && !self.skip_blank && !self.spread && !self.seen.terminated;
        if quiet && !self.may_matter(&lines) {
            self.open = !ends_frame(&lines);
            return lines;
        }
        let mut taken_out: Vec<Range<usize>> = Vec::new();
        for range in line_ranges(&lines) {
            let line = &lines[range.clone()];
            let blank = line.iter().all(|b| matches!(b, b'\n' | b'\r'));
            if self.closed || (blank && self.skip_blank) {
                taken_out.push(range);
                continue;
            }
            if blank {
                self.pending.clear();
                self.closed = self.seen.terminated;
            }
            self.skip_blank = false;
            if self.line(&lines, range.clone()) == Verdict::TakeOut {
                self.skip_blank = true;
                taken_out.push(range);
            }
        }
        let passed = without(lines, &taken_out);
        if !passed.is_empty() {
            self.open = !ends_frame(&passed);
        }
        passed
    }

    fn reframe(&mut self, lines: &Bytes) -> Bytes {
        let mut out = Vec::with_capacity(lines.len());
        for range in line_ranges(lines) {
            self.line(lines, range.clone());
            if let Some(data) = std::str::from_utf8(&lines[range]).ok().and_then(data_of)
                && let Some(array) = &mut self.array
            {
                array.push(data, &mut out);
            }
        }
        Bytes::from(out)
    }

    fn may_matter(&self, lines: &[u8]) -> bool {
        let markers = match self.dialect {
            Dialect::OpenAiChat => &CHAT,
            Dialect::OpenAiResponses => &RESPONSES,
            Dialect::Anthropic => &ANTHROPIC,
            Dialect::Gemini => &GEMINI,
        };
        markers.iter().any(|marker| marker.find(lines).is_some())
    }

    fn line(&mut self, lines: &Bytes, range: Range<usize>) -> Verdict {
        let Some(data) = std::str::from_utf8(&lines[range.clone()])
            .ok()
            .and_then(data_of)
        else {
            return Verdict::Pass;
        };
        if !self.pending.is_empty() || !(data == "[DONE]" || json::is_whole(data)) {
            self.spread(data);
            return Verdict::Pass;
        }
        self.document(data, lines, range)
    }

    /// One more line of a document that is spread over several.
    fn spread(&mut self, data: &str) {
        self.spread = true;
        if self.pending.len() + data.len() > LONGEST_LINE {
            self.pending.clear();
            return;
        }
        self.pending.push_str(data);
        if json::is_whole(&self.pending) {
            let document = std::mem::take(&mut self.pending);
            let line = Bytes::from(format!("data: {document}"));
            let range = 0..line.len();
            self.document(&document, &line, range);
        } else {
            self.pending.push('\n');
        }
    }

    fn document(&mut self, data: &str, lines: &Bytes, range: Range<usize>) -> Verdict {
        if data == "[DONE]" {
            self.seen.finished = true;
            self.seen.terminated = true;
            // Chat's own end; the other dialects' SDKs choke on it, yet some compatible servers say it there too.
            return if self.dialect == Dialect::OpenAiChat {
                Verdict::Pass
            } else {
                Verdict::TakeOut
            };
        }
        match self.dialect {
            Dialect::OpenAiChat => return self.chat(data, lines, range),
            Dialect::OpenAiResponses => self.responses(data),
            Dialect::Anthropic => self.anthropic(data),
            Dialect::Gemini => self.gemini(data, lines, range),
        }
        Verdict::Pass
    }

    fn chat(&mut self, data: &str, lines: &Bytes, range: Range<usize>) -> Verdict {
        let mut verdict = Verdict::Pass;
        let (mut usage, mut bare) = (false, true);
        for (key, value) in json::members(data) {
            let value = &data[value];
            match &*key {
                "usage" => usage |= value.starts_with('{'),
                "x_groq" => usage |= json::member(value, "usage").is_some(),
                "error" if value != "null" => self.fail(data),
                "choices" => {
                    for choice in json::elements(value) {
                        bare = false;
                        self.chat_choice(choice);
                    }
                }
                _ => {}
            }
        }
        if usage {
            self.usage_line = Some(lines.slice(range));
            self.withheld = bare && self.strip;
            if self.withheld {
                verdict = Verdict::TakeOut;
            }
        }
        verdict
    }

    fn chat_choice(&mut self, choice: &str) {
        for (key, value) in json::members(choice) {
            let value = &choice[value];
            match &*key {
                "finish_reason" if value.starts_with('"') => {
                    self.seen.finished = true;
                    self.seen.finish = finish::plain(value);
                }
                "delta" if !self.seen.content => {
                    self.seen.content = json::members(value).any(|(key, inner)| {
                        key != "role" && !matches!(&value[inner], "null" | "\"\"" | "[]" | "{}")
                    });
                }
                _ => {}
            }
        }
    }

    fn responses(&mut self, data: &str) {
        let kind = kind_of(data);
        match &*kind {
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.seen.finished = true;
                self.seen.terminated = true;
                if let Some(response) = json::member(data, "response") {
                    self.seen.finish = finish::of_response(response);
                    if let Some(usage) = json::member(response, "usage") {
                        self.words.object(usage);
                        self.usage.take(usage);
                    }
                    if kind == "response.failed" {
                        self.fail(response);
                    } else {
                        self.seen.response = Some(response.to_owned());
                    }
                }
            }
            "response.created" => {
                self.seen.response_id = json::member(data, "response")
                    .and_then(|response| json::member(response, "id"))
                    .map(|id| id.trim_matches('"').to_owned());
            }
            "error" => self.fail(data),
            "response.output_item.added" => self.seen.content = true,
            _ if kind.ends_with(".delta") => self.seen.content = true,
            _ => {}
        }
    }

    fn anthropic(&mut self, data: &str) {
        let kind = kind_of(data);
        match &*kind {
            "message_start" => {
                let message = json::member(data, "message");
                if let Some(raw) = message.and_then(|message| json::member(message, "usage")) {
                    self.words.object(raw);
                    self.usage.take_early(raw);
                }
            }
            "message_delta" => {
                self.seen.finish = json::member(data, "delta")
                    .and_then(|delta| json::member(delta, "stop_reason"))
                    .and_then(finish::plain);
                if let Some(raw) = json::member(data, "usage") {
                    self.words.object(raw);
                    self.usage.take(raw);
                }
            }
            "message_stop" => {
                self.seen.finished = true;
                self.seen.terminated = true;
            }
            "error" => self.fail(data),
            "content_block_start" | "content_block_delta" => self.seen.content = true,
            _ => {}
        }
    }

    fn gemini(&mut self, data: &str, lines: &Bytes, range: Range<usize>) {
        for (key, value) in json::members(data) {
            let value = &data[value];
            match &*key {
                "usageMetadata" => self.usage_line = Some(lines.slice(range.clone())),
                "error" if value != "null" => self.fail(data),
                "promptFeedback" if json::member(value, "blockReason").is_some() => {
                    self.seen.finished = true;
                }
                "candidates" => {
                    for candidate in json::elements(value) {
                        if let Some(why) = json::member(candidate, "finishReason") {
                            self.seen.finished = true;
                            self.seen.finish = finish::plain(why);
                        }
                        self.seen.content |= json::member(candidate, "content")
                            .and_then(|content| json::member(content, "parts"))
                            .is_some_and(|parts| json::elements(parts).next().is_some());
                    }
                }
                _ => {}
            }
        }
    }

    fn fail(&mut self, data: &str) {
        if self.seen.failure.is_none() {
            let mut failure = self.dialect.decode_error(500, data.as_bytes());
            failure.upstream_status = 0;
            self.seen.failure = Some(failure);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    TakeOut,
}

fn kind_of(data: &str) -> std::borrow::Cow<'_, str> {
    json::member(data, "type")
        .filter(|raw| raw.starts_with('"'))
        .map_or(std::borrow::Cow::Borrowed(""), |raw| {
            translator::Text::Json(raw).into_cow()
        })
}

fn usage_member(dialect: Dialect, data: &str) -> Option<&str> {
    match dialect {
        Dialect::Gemini => json::member(data, "usageMetadata"),
        // Groq has a place of its own.
        _ => json::member(data, "usage")
            .filter(|raw| raw.starts_with('{'))
            .or_else(|| json::member(json::member(data, "x_groq")?, "usage")),
    }
}

/// The JSON of a `data:` line, or of a line that is JSON itself (an error body in the middle of a stream).
fn data_of(line: &str) -> Option<&str> {
    let line = line
        .trim_end_matches(['\n', '\r'])
        .trim_start_matches('\u{feff}');
    if line.starts_with('{') {
        return Some(line);
    }
    line.strip_prefix("data:").map(str::trim)
}

/// Lines with their ends.
fn line_ranges(lines: &[u8]) -> impl Iterator<Item = Range<usize>> + use<> {
    let mut ends: Vec<usize> = memchr::memchr2_iter(b'\n', b'\r', lines)
        .map(|at| at + 1)
        .collect();
    // CR and LF in a row are one end.
    let mut previous = usize::MAX;
    let pairs: Vec<usize> = ends
        .iter()
        .copied()
        .filter(|&end| {
            let pair = lines[end - 1] == b'\n' && previous == end - 1 && lines[end - 2] == b'\r';
            previous = end;
            pair
        })
        .collect();
    ends.retain(|end| !pairs.contains(&(end + 1)));
    let mut start = 0;
    ends.into_iter().map(move |end| {
        let range = start..end;
        start = end;
        range
    })
}

fn ends_frame(lines: &[u8]) -> bool {
    lines.ends_with(b"\n\n")
        || lines.ends_with(b"\r\n\r\n")
        || lines.ends_with(b"\r\r")
        || lines == b"\n"
}

fn without(lines: Bytes, taken_out: &[Range<usize>]) -> Bytes {
    if taken_out.is_empty() {
        return lines;
    }
    let mut out = Vec::with_capacity(lines.len());
    let mut at = 0;
    for range in taken_out {
        out.extend_from_slice(&lines[at..range.start]);
        at = range.end;
    }
    out.extend_from_slice(&lines[at..]);
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(watch: &mut Watch, chunks: &[&[u8]]) -> String {
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend_from_slice(&watch.feed(Bytes::copy_from_slice(chunk)));
        }
        out.extend_from_slice(&watch.rest());
        String::from_utf8(out).expect("utf-8")
    }

    const CHAT_STREAM: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\" [x]\"},\"finish_reason\":null}],\"usage\":null}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n\
        data: [DONE]\n\n";

    #[test]
    fn bytes_pass_as_they_are_in_any_split() {
        for size in 1..CHAT_STREAM.len() {
            let mut watch = Watch::new(Dialect::OpenAiChat, false, false);
            let chunks: Vec<&[u8]> = CHAT_STREAM.as_bytes().chunks(size).collect();
            assert_eq!(run(&mut watch, &chunks), CHAT_STREAM, "chunks of {size}");
            let usage = watch.usage().expect("told");
            assert_eq!((usage.input_total(), usage.output_total()), (3, 4));
            assert!(watch.seen().content && watch.seen().finished && watch.boundary().is_empty());
        }
    }

    #[test]
    fn the_usage_frame_is_taken_out_in_any_split() {
        let want = CHAT_STREAM.replace(
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n",
            "",
        );
        for size in 1..CHAT_STREAM.len() {
            let mut watch = Watch::new(Dialect::OpenAiChat, true, false);
            let chunks: Vec<&[u8]> = CHAT_STREAM.as_bytes().chunks(size).collect();
            assert_eq!(run(&mut watch, &chunks), want, "chunks of {size}");
            assert!(watch.usage().is_some());
        }
        let crlf = CHAT_STREAM.replace('\n', "\r\n");
        let mut watch = Watch::new(Dialect::OpenAiChat, true, false);
        assert_eq!(
            run(&mut watch, &[crlf.as_bytes()]),
            want.replace('\n', "\r\n")
        );
    }

    #[test]
    fn a_chunk_without_markers_is_not_copied() {
        let mut watch = Watch::new(Dialect::OpenAiChat, true, false);
        watch.seen.content = true;
        let chunk =
            Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
        assert_eq!(watch.feed(chunk.clone()).as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn half_a_frame_does_not_pass() {
        let mut watch = Watch::new(Dialect::Anthropic, false, false);
        let text = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\nevent: x\ndata: {\"ty";
        assert_eq!(
            run(&mut watch, &[text.as_bytes()]),
            text.strip_suffix("data: {\"ty").expect("suffix")
        );
        assert!(!watch.seen().finished && watch.seen().content);
        assert_eq!(watch.boundary(), b"\n\n");
    }

    #[test]
    fn messages_usage_is_put_together() {
        let mut watch = Watch::new(Dialect::Anthropic, false, false);
        let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n\
            event: content_block_start\ndata: {\"type\":\"content_block_start\"}\n\n\
            event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\n\n\
            event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        assert_eq!(run(&mut watch, &[stream.as_bytes()]), stream);
        let usage = watch.usage().expect("told");
        assert_eq!((usage.input_total(), usage.output_total()), (9, 5));
        assert!(watch.seen().finished);
    }

    #[test]
    fn the_end_of_chat_is_for_chat_alone() {
        let answer = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        let mut watch = Watch::new(Dialect::Anthropic, false, false);
        let stream = format!("{answer}data: [DONE]\n\n");
        assert_eq!(run(&mut watch, &[stream.as_bytes()]), answer);
        assert!(watch.is_terminated());
    }

    #[test]
    fn gemini_frames_become_a_list() {
        let mut watch = Watch::new(Dialect::Gemini, false, true);
        let stream = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\r\n\r\ndata: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":2}}\r\n\r\n";
        let mut text = run(&mut watch, &[stream.as_bytes()]);
        let mut end = Vec::new();
        watch.array().expect("a list").end(&mut end);
        text.push_str(std::str::from_utf8(&end).expect("utf-8"));
        let list: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a JSON list");
        assert_eq!(list.len(), 2);
        assert_eq!(watch.usage().map(|usage| usage.fresh), Some(2));
    }
}
