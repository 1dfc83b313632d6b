//! The wire objects of the Messages API: every member optional, unknown ones kept.
//!
//! One [`Block`] stands for all block types: telling them apart is the business of the decoders.

use crate::Text;
use crate::json::Writer;
use crate::wire::{Count, Cursor, Fault, Number, OneOrMany, Raw, Said, Str, Wire};
use crate::wire_object;

wire_object! {
    /// The body of a request.
    pub(super) struct Body<'a> {
        model: Str<'a> = "model",
        messages: Vec<Message<'a>> = "messages",
        system: OneOrMany<'a, Block<'a>> = "system",
        tools: Vec<Tool<'a>> = "tools",
        tool_choice: ToolChoice<'a> = "tool_choice",
        max_tokens: Number = "max_tokens",
        stop_sequences: Raw<'a> = "stop_sequences",
        temperature: Number = "temperature",
        top_p: Number = "top_p",
        top_k: Number = "top_k",
        thinking: Thinking<'a> = "thinking",
        output_config: OutputConfig<'a> = "output_config",
        output_format: Format<'a> = "output_format",
        metadata: Metadata<'a> = "metadata",
        cache_control: CacheControl<'a> = "cache_control",
        service_tier: Str<'a> = "service_tier",
        stream: bool = "stream",
        thread: Raw<'a> = "thread",
    }
}

wire_object! {
    /// One message of the conversation.
    pub(super) struct Message<'a> {
        role: Str<'a> = "role",
        content: OneOrMany<'a, Block<'a>> = "content",
    }
}

wire_object! {
    /// A content block of any type, in requests and answers.
    pub(super) struct Block<'a> {
        kind: Str<'a> = "type",
        text: Text<'a> = "text",
        citations: Raw<'a> = "citations",
        thinking: Text<'a> = "thinking",
        signature: Text<'a> = "signature",
        data: Text<'a> = "data",
        id: Str<'a> = "id",
        name: Str<'a> = "name",
        input: Raw<'a> = "input",
        tool_use_id: Str<'a> = "tool_use_id",
        content: Nested<'a> = "content",
        is_error: bool = "is_error",
        source: Raw<'a> = "source",
        title: Text<'a> = "title",
        context: Text<'a> = "context",
        tool_name: Text<'a> = "tool_name",
        cache_control: CacheControl<'a> = "cache_control",
    }
}

/// The `content` of a block: blocks or a text in results of tools and in documents, anything elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Nested<'a> {
    /// As it stands.
    pub(super) raw: Raw<'a>,
    /// As blocks, where it can be read so.
    pub(super) blocks: Option<OneOrMany<'a, Block<'a>>>,
}

impl<'a> Wire<'a> for Nested<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        match cursor.attempt(Cursor::both) {
            Some((blocks, raw)) => Ok(Self {
                raw,
                blocks: Some(blocks),
            }),
            None => Raw::read(cursor).map(|raw| Self { raw, blocks: None }),
        }
    }
}

wire_object! {
    /// Where the bytes of a picture or document are.
    pub(super) struct Source<'a> {
        kind: Str<'a> = "type",
        media_type: Str<'a> = "media_type",
        data: Text<'a> = "data",
        url: Text<'a> = "url",
        file_id: Text<'a> = "file_id",
        content: Nested<'a> = "content",
    }
}

wire_object! {
    /// A prompt-cache mark.
    pub(super) struct CacheControl<'a> {
        ttl: Str<'a> = "ttl",
    }
}

wire_object! {
    /// A tool definition of any type.
    pub(super) struct Tool<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        description: Text<'a> = "description",
        input_schema: Raw<'a> = "input_schema",
        strict: bool = "strict",
        cache_control: CacheControl<'a> = "cache_control",
    }
}

wire_object! {
    /// Which tool to use.
    pub(super) struct ToolChoice<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        disable_parallel_tool_use: bool = "disable_parallel_tool_use",
    }
}

wire_object! {
    /// How much to think.
    pub(super) struct Thinking<'a> {
        kind: Str<'a> = "type",
        budget_tokens: Number = "budget_tokens",
        display: Str<'a> = "display",
    }
}

wire_object! {
    /// Effort and form of the answer.
    pub(super) struct OutputConfig<'a> {
        effort: Str<'a> = "effort",
        format: Format<'a> = "format",
    }
}

wire_object! {
    /// The form of the answer.
    pub(super) struct Format<'a> {
        kind: Str<'a> = "type",
        schema: Raw<'a> = "schema",
    }
}

wire_object! {
    /// About the end user.
    pub(super) struct Metadata<'a> {
        user_id: Text<'a> = "user_id",
    }
}

wire_object! {
    /// A complete answer, and the `message` of `message_start`.
    pub(super) struct Answer<'a> {
        kind: Str<'a> = "type",
        id: Str<'a> = "id",
        model: Str<'a> = "model",
        content: Vec<Block<'a>> = "content",
        stop_reason: Str<'a> = "stop_reason",
        stop_sequence: Text<'a> = "stop_sequence",
        stop_details: StopDetails<'a> = "stop_details",
        usage: Said<'a, Usage<'a>> = "usage",
        error: Raw<'a> = "error",
    }
}

wire_object! {
    /// Why an answer was refused.
    pub(super) struct StopDetails<'a> {
        category: Str<'a> = "category",
        explanation: Text<'a> = "explanation",
    }
}

wire_object! {
    /// Token counts; a member that is absent keeps its earlier value.
    pub(super) struct Usage<'a> {
        input_tokens: Count = "input_tokens",
        cache_read_input_tokens: Count = "cache_read_input_tokens",
        cache_creation_input_tokens: Count = "cache_creation_input_tokens",
        cache_creation: CacheCreation<'a> = "cache_creation",
        output_tokens: Count = "output_tokens",
        output_tokens_details: OutputDetails<'a> = "output_tokens_details",
    }
}

wire_object! {
    /// Cache writes by life.
    pub(super) struct CacheCreation<'a> {
        short: Count = "ephemeral_5m_input_tokens",
        long: Count = "ephemeral_1h_input_tokens",
    }
}

wire_object! {
    /// What the output is made of.
    pub(super) struct OutputDetails<'a> {
        thinking_tokens: Count = "thinking_tokens",
    }
}

wire_object! {
    /// One event of a stream.
    pub(super) struct StreamEvent<'a> {
        kind: Str<'a> = "type",
        index: u32 = "index",
        message: Answer<'a> = "message",
        content_block: Block<'a> = "content_block",
        delta: Delta<'a> = "delta",
        usage: Usage<'a> = "usage",
        error: Raw<'a> = "error",
    }
}

wire_object! {
    /// What an event adds: to a block, or to the message.
    pub(super) struct Delta<'a> {
        kind: Str<'a> = "type",
        text: Text<'a> = "text",
        thinking: Text<'a> = "thinking",
        signature: Text<'a> = "signature",
        partial_json: Text<'a> = "partial_json",
        citation: Raw<'a> = "citation",
        stop_reason: Str<'a> = "stop_reason",
        stop_sequence: Text<'a> = "stop_sequence",
        stop_details: StopDetails<'a> = "stop_details",
    }
}

wire_object! {
    /// An error body.
    pub(super) struct ErrorBody<'a> {
        error: ErrorObject<'a> = "error",
    }
}

wire_object! {
    /// What went wrong.
    pub(super) struct ErrorObject<'a> {
        kind: Str<'a> = "type",
        message: Text<'a> = "message",
    }
}

impl Block<'_> {
    /// The type tag.
    pub(super) fn tag(&self) -> &str {
        self.kind.as_ref().map_or("", Str::as_str)
    }

    /// The block as JSON again, without its cache mark, which the representation keeps beside it.
    pub(super) fn rebuild(&self) -> String {
        let mut out = Vec::with_capacity(256);
        Writer::new(&mut out).object(|w| {
            let words = [
                ("type", &self.kind),
                ("id", &self.id),
                ("name", &self.name),
                ("tool_use_id", &self.tool_use_id),
            ];
            for (key, word) in words {
                if let Some(word) = word {
                    w.str(key, word.as_str());
                }
            }
            let texts = [
                ("text", &self.text),
                ("thinking", &self.thinking),
                ("signature", &self.signature),
                ("data", &self.data),
                ("title", &self.title),
                ("context", &self.context),
                ("tool_name", &self.tool_name),
            ];
            for (key, text) in texts {
                if let Some(text) = text {
                    w.text(key, text);
                }
            }
            let raws = [
                ("input", self.input),
                ("source", self.source),
                ("content", self.content.as_ref().map(|content| content.raw)),
                ("citations", self.citations),
            ];
            for (key, raw) in raws {
                if let Some(raw) = raw {
                    w.raw(key, raw.get());
                }
            }
            if let Some(is_error) = self.is_error {
                w.bool("is_error", is_error);
            }
            for (key, raw) in &self.extra {
                w.raw(key, raw.get());
            }
        });
        crate::ir::into_string(out)
    }
}
