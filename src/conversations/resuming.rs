//! A kept conversation as a request that goes on with it, in any dialect and for whatever model answers next.

use std::borrow::Cow;

use translator::fidelity::Report;
use translator::ir::{
    Args, Instruction, Kind, Part, Request, Role, Source, ToolCall, ToolResult, Turn,
};
use translator::translate::Target;
use translator::{Dialect, Text, capability, prepare};

use super::state::carried;
use super::{ArchivedMessage, ImagePart, PartState, ResultPart, Speaker, SpokenPart};

/// What to go on with.
#[derive(Clone, Copy, Debug)]
pub struct Resumption<'r> {
    /// The dialect to write.
    pub dialect: Dialect,
    /// The model to ask for.
    pub model: &'r str,
    /// Instructions in front.
    pub system: Option<&'r str>,
    /// What was said so far.
    pub messages: &'r [ArchivedMessage],
    /// What is said next.
    pub next: Option<&'r str>,
}

impl Resumption<'_> {
    /// The body of the request.
    ///
    /// # Errors
    /// When the dialect cannot carry it; the words say what.
    pub fn body(&self) -> Result<serde_json::Value, String> {
        let mut request = Request::new(self.dialect, Cow::Borrowed(self.model));
        request
            .instructions
            .extend(self.system.map(|text| Instruction {
                text: Text::borrowed(text),
                cache: None,
            }));
        for message in self.messages {
            let parts = message.content.iter();
            let parts: Vec<Part<'_>> = parts.map(|part| self.part(part)).collect();
            request.turns.push(Turn::new(role(message.role), parts));
        }
        if let Some(text) = self.next {
            let part = Part::text(Text::borrowed(text));
            request.turns.push(Turn::new(Role::User, vec![part]));
        }
        let target = Target {
            dialect: self.dialect,
            provider: "",
            model: self.model,
            capability: capability::of(self.dialect, self.model),
            stream: false,
            cache_key: None,
            auto_cache: false,
            drop_state: false,
        };
        let refused = |refusal: translator::error::Refusal| refusal.to_string();
        prepare::prepare(&mut request, &target, &mut Report::default()).map_err(refused)?;
        let written = self.dialect.encode_request(&request, &target);
        let written = written.map_err(refused)?;
        serde_json::from_slice(&written.body).map_err(|error| error.to_string())
    }

    fn part<'p>(&self, part: &'p SpokenPart) -> Part<'p> {
        let with = |kind, states: &[PartState], text: &str| Part {
            opaque: carried(states, self.dialect, text),
            ..Part::new(kind)
        };
        match part {
            // Only Gemini signs words and calls themselves.
            SpokenPart::Text(part) => {
                let text = Text::borrowed(&part.text);
                let kind = Kind::Text {
                    text,
                    citations: None,
                };
                with(kind, self.signed(&part.state), "")
            }
            SpokenPart::Reasoning(part) => {
                let text = Text::borrowed(&part.text);
                with(Kind::Reasoning { text }, &part.state, &part.text)
            }
            SpokenPart::ToolCall(call) => {
                let kind = Kind::ToolCall(ToolCall {
                    id: Cow::Borrowed(&call.id),
                    name: Cow::Borrowed(&call.name),
                    namespace: None,
                    args: Args::Text(Text::borrowed(&call.arguments)),
                });
                with(kind, self.signed(&call.state), "")
            }
            SpokenPart::ToolResult(result) => Part::new(Kind::ToolResult(ToolResult {
                id: Cow::Borrowed(&result.call_id),
                name: result.name.as_deref().map(Cow::Borrowed),
                content: result.content.iter().map(given).collect(),
                is_error: result.is_error,
                freeform: false,
            })),
            SpokenPart::Image(image) => picture(image),
        }
    }

    fn signed<'s>(&self, states: &'s [PartState]) -> &'s [PartState] {
        match self.dialect {
            Dialect::Gemini => states,
            _ => &[],
        }
    }
}

const fn role(speaker: Speaker) -> Role {
    match speaker {
        Speaker::System => Role::System,
        Speaker::User | Speaker::Tool => Role::User,
        Speaker::Assistant => Role::Assistant,
    }
}

fn given(part: &ResultPart) -> Part<'_> {
    match part {
        ResultPart::Text(part) => Part::text(Text::borrowed(&part.text)),
        ResultPart::Image(image) => picture(image),
    }
}

fn picture(image: &ImagePart) -> Part<'_> {
    let source = match (&image.data, &image.url) {
        (Some(data), _) => Source::Base64 {
            mime: Cow::Borrowed(image.media_type.as_deref().unwrap_or("image/png")),
            data: Text::borrowed(data),
        },
        (None, url) => Source::Url {
            url: Text::borrowed(url.as_deref().unwrap_or_default()),
            mime: image.media_type.as_deref().map(Cow::Borrowed),
        },
    };
    Part::new(Kind::Image {
        source,
        detail: None,
    })
}
