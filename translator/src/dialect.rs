//! The four dialects and their common verbs.

use std::ops::Range;

use crate::answer::Answer;
use crate::continuation::Continuation;
use crate::error::{Failure, Refusal};
use crate::ir::{Event, Request, Response};
use crate::json::Writer;
use crate::translate::{Origin, Outbound, Recall, Target};
use crate::{anthropic, gemini, openai_chat, openai_responses, sse, wording};

/// A wire dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI Chat Completions.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini `generateContent`.
    Gemini,
}

impl Dialect {
    /// All dialects, in the order of their discriminants.
    pub const ALL: [Self; 4] = [
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Gemini,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// Reads a name as configuration files spell it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "openai" | "openai-chat" | "chat" | "openai-compatible" => Self::OpenAiChat,
            "openai-responses" | "responses" => Self::OpenAiResponses,
            "anthropic" | "claude" | "messages" | "anthropic-messages" => Self::Anthropic,
            "gemini" | "google" => Self::Gemini,
            _ => return None,
        })
    }

    /// Reads a request. `recall` finds state that the hub kept for clients that drop unknown members.
    ///
    /// # Errors
    /// When the body is not a request of this dialect; the message says where.
    pub fn decode_request<'a>(
        self,
        body: &'a [u8],
        recall: Recall<'_>,
    ) -> Result<Request<'a>, Refusal> {
        let mut request = match self {
            Self::OpenAiChat => openai_chat::decode_request(body),
            Self::OpenAiResponses => openai_responses::decode_request(body),
            Self::Anthropic => anthropic::decode_request(body),
            Self::Gemini => gemini::decode_request(body),
        }?;
        crate::recall::fill(&mut request, recall);
        Ok(request)
    }

    /// Writes a request for an upstream. The request has been through [`crate::prepare`].
    ///
    /// # Errors
    /// When something cannot be carried to this dialect (policy R).
    pub fn encode_request(
        self,
        request: &Request<'_>,
        target: &Target<'_>,
    ) -> Result<Outbound, Refusal> {
        match self {
            Self::OpenAiChat => openai_chat::encode_request(request, target),
            Self::OpenAiResponses => openai_responses::encode_request(request, target),
            Self::Anthropic => anthropic::encode_request(request, target),
            Self::Gemini => gemini::encode_request(request, target),
        }
    }

    /// Reads a complete answer of an upstream as events, and gives its usage object as it was written. A body that is
    /// no answer gives one `Fail`.
    pub fn decode_response<'b>(
        self,
        body: &'b [u8],
        origin: Origin<'_>,
        sink: &mut dyn FnMut(Event<'_>),
    ) -> Option<&'b str> {
        match self {
            Self::OpenAiChat => openai_chat::decode_response(body, origin, sink),
            Self::OpenAiResponses => openai_responses::decode_response(body, origin, sink),
            Self::Anthropic => anthropic::decode_response(body, origin, sink),
            Self::Gemini => gemini::decode_response(body, origin, sink),
        }
    }

    /// Why a complete answer cannot be told to a client of this dialect, for which a stream ends in an error as well.
    #[must_use]
    pub fn unusable(self, response: &Response) -> Option<Failure> {
        match self {
            Self::Anthropic => anthropic::unusable(response),
            // These have a form for a call that went wrong.
            Self::OpenAiChat | Self::OpenAiResponses | Self::Gemini => None,
        }
    }

    /// Writes a complete answer for a client; gives the place of its usage object in `out`, if it has one.
    pub fn encode_response(
        self,
        response: &Response,
        answer: &mut Answer,
        out: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        match self {
            Self::OpenAiChat => openai_chat::encode_response(response, answer, out),
            Self::OpenAiResponses => openai_responses::encode_response(response, answer, out),
            Self::Anthropic => anthropic::encode_response(response, answer, out),
            Self::Gemini => gemini::encode_response(response, answer, out),
        }
    }

    /// Reads an error body of an upstream. `status` is the HTTP status; header-borne hints such as
    /// `retry-after` are the caller's business.
    #[must_use]
    pub fn decode_error(self, status: u16, body: &[u8]) -> Failure {
        match self {
            Self::OpenAiChat => openai_chat::decode_error(status, body),
            Self::OpenAiResponses => openai_responses::decode_error(status, body),
            Self::Anthropic => anthropic::decode_error(status, body),
            Self::Gemini => gemini::decode_error(status, body),
        }
    }

    /// Writes an error body for a client; gives the HTTP status.
    pub fn encode_error(self, failure: &Failure, request_id: &str, out: &mut Vec<u8>) -> u16 {
        match self {
            Self::OpenAiChat => openai_chat::encode_error(failure, request_id, out),
            Self::OpenAiResponses => openai_responses::encode_error(failure, request_id, out),
            Self::Anthropic => anthropic::encode_error(failure, request_id, out),
            Self::Gemini => gemini::encode_error(failure, request_id, out),
        }
    }

    /// A reader of an upstream's stream.
    #[must_use]
    pub fn stream_decoder(self, origin: &Origin<'_>) -> StreamDecoder {
        match self {
            Self::OpenAiChat => StreamDecoder::OpenAiChat(openai_chat::StreamDecoder::new(origin)),
            Self::OpenAiResponses => StreamDecoder::OpenAiResponses(Box::new(
                openai_responses::StreamDecoder::new(origin),
            )),
            Self::Anthropic => StreamDecoder::Anthropic(anthropic::StreamDecoder::new(origin)),
            Self::Gemini => StreamDecoder::Gemini(gemini::StreamDecoder::new(origin)),
        }
    }

    /// A writer of a client's stream.
    #[must_use]
    pub fn stream_encoder(self, answer: Answer) -> StreamEncoder {
        match self {
            Self::OpenAiChat => StreamEncoder::OpenAiChat(openai_chat::StreamEncoder::new(answer)),
            Self::OpenAiResponses => StreamEncoder::OpenAiResponses(Box::new(
                openai_responses::StreamEncoder::new(answer),
            )),
            Self::Anthropic => {
                StreamEncoder::Anthropic(Box::new(anthropic::StreamEncoder::new(answer)))
            }
            Self::Gemini => StreamEncoder::Gemini(gemini::StreamEncoder::new(answer)),
        }
    }
}

/// Reads an upstream's stream, frame by frame. Errors inside the stream become `Fail` events.
#[derive(Debug)]
pub enum StreamDecoder {
    /// Chat.
    OpenAiChat(openai_chat::StreamDecoder),
    /// Responses.
    OpenAiResponses(Box<openai_responses::StreamDecoder>),
    /// Anthropic.
    Anthropic(anthropic::StreamDecoder),
    /// Gemini.
    Gemini(gemini::StreamDecoder),
}

impl StreamDecoder {
    /// Takes one frame and gives the events in it.
    pub fn frame(&mut self, frame: sse::Frame<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        match self {
            Self::OpenAiChat(decoder) => decoder.frame(frame, sink),
            Self::OpenAiResponses(decoder) => decoder.frame(frame, sink),
            Self::Anthropic(decoder) => decoder.frame(frame, sink),
            Self::Gemini(decoder) => {
                decoder.frame(frame, sink);
            }
        }
    }

    /// The upstream may interrupt its answer: what it needs for going on is kept.
    pub fn keep_turn(&mut self) {
        if let Self::Anthropic(decoder) = self {
            decoder.keep_turn();
        }
    }

    /// What goes on with an answer that the upstream has interrupted.
    pub fn continuation(&mut self) -> Option<Continuation> {
        match self {
            Self::Anthropic(decoder) => decoder.continuation(),
            Self::Gemini(decoder) => decoder.continuation(),
            Self::OpenAiChat(_) | Self::OpenAiResponses(_) => None,
        }
    }

    /// Whether the events since the last question held counts.
    pub(crate) const fn take_news(&mut self) -> bool {
        match self {
            Self::OpenAiChat(decoder) => decoder.take_news(),
            Self::OpenAiResponses(decoder) => decoder.take_news(),
            Self::Anthropic(decoder) => decoder.take_news(),
            Self::Gemini(decoder) => decoder.take_news(),
        }
    }

    /// The upstream has closed the stream. An answer without its proper end becomes a `Fail`.
    pub fn end(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        match self {
            Self::OpenAiChat(decoder) => decoder.end(sink),
            Self::OpenAiResponses(decoder) => decoder.end(sink),
            Self::Anthropic(decoder) => decoder.end(sink),
            Self::Gemini(decoder) => decoder.end(sink),
        }
    }
}

/// Writes a client's stream. Expects the strict sequence of [`crate::sequence::Sequencer`].
#[derive(Debug)]
pub enum StreamEncoder {
    /// Chat.
    OpenAiChat(openai_chat::StreamEncoder),
    /// Responses.
    OpenAiResponses(Box<openai_responses::StreamEncoder>),
    /// Anthropic.
    Anthropic(Box<anthropic::StreamEncoder>),
    /// Gemini.
    Gemini(gemini::StreamEncoder),
}

impl StreamEncoder {
    /// Appends the bytes of one event, which may be none.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self {
            Self::OpenAiChat(encoder) => encoder.event(event, out),
            Self::OpenAiResponses(encoder) => encoder.event(event, out),
            Self::Anthropic(encoder) => encoder.event(event, out),
            Self::Gemini(encoder) => encoder.event(event, out),
        }
    }

    /// Appends what ends the stream, once, after `Finish` (with usage) or `Fail`.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::OpenAiChat(encoder) => encoder.end(out),
            Self::OpenAiResponses(encoder) => encoder.end(out),
            Self::Anthropic(encoder) => encoder.end(out),
            Self::Gemini(encoder) => encoder.end(out),
        }
    }

    /// Why the stream ends as an error, where only the encoder could see it: an Anthropic client cannot take a
    /// call whose arguments are no JSON.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Anthropic(encoder) => encoder.failure(),
            Self::OpenAiChat(_) | Self::OpenAiResponses(_) | Self::Gemini(_) => None,
        }
    }

    /// The usage object that the client was told last, as it was written.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let mut document = Vec::new();
        let (mut w, dialect) = (Writer::new(&mut document), self.dialect());
        w.object(|w| match self {
            Self::OpenAiChat(encoder) => encoder.told(w),
            Self::OpenAiResponses(encoder) => encoder.told(w),
            Self::Anthropic(encoder) => encoder.told(w),
            Self::Gemini(encoder) => encoder.told(w),
        });
        let document = String::from_utf8(document).ok()?;
        wording::find(dialect, &document).map(str::to_owned)
    }

    const fn dialect(&self) -> Dialect {
        match self {
            Self::OpenAiChat(_) => Dialect::OpenAiChat,
            Self::OpenAiResponses(_) => Dialect::OpenAiResponses,
            Self::Anthropic(_) => Dialect::Anthropic,
            Self::Gemini(_) => Dialect::Gemini,
        }
    }

    /// Appends a sign of life that every client of the dialect tolerates, at any time before the end.
    pub fn heartbeat(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::OpenAiChat(encoder) => encoder.heartbeat(out),
            Self::OpenAiResponses(encoder) => encoder.heartbeat(out),
            Self::Anthropic(encoder) => encoder.heartbeat(out),
            Self::Gemini(encoder) => encoder.heartbeat(out),
        }
    }
}
