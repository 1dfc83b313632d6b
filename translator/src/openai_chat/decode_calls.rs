//! Calls of an upstream's stream, put together from fragments.
//!
//! Tolerates missing and repeated indices, ids and names, and arguments that come before the name.

use std::borrow::Cow;

use super::decode_stream::{Sink, StreamDecoder, index};
use super::wire::{WireCall, WireInvocation};
use crate::Text;
use crate::ir::{Event, OpaqueKind, Opening};
use crate::wire::{Number, Str};

/// A call that grows.
#[derive(Debug)]
pub(super) struct Call {
    index: Option<u64>,
    id: String,
    /// `None` until the name is known.
    pub(super) part: Option<u32>,
    /// Arguments that came before the name.
    early: String,
    freeform: bool,
    /// Brackets of the arguments that are open.
    depth: i32,
    /// Inside a string of the arguments, and behind a backslash there.
    quoted: bool,
    escaped: bool,
}

impl Call {
    /// True when the arguments end inside their JSON.
    pub(super) const fn is_cut(&self) -> bool {
        !self.freeform && (self.depth > 0 || self.quoted)
    }

    fn follow(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                b'{' | b'[' if !self.quoted => self.depth += 1,
                b'}' | b']' if !self.quoted => self.depth -= 1,
                _ => {}
            }
        }
    }
}

impl StreamDecoder {
    /// Takes a call or a fragment of one.
    pub(super) fn call(&mut self, at: usize, wire: WireCall<'_>, sink: Sink<'_>) {
        let signature = wire.signature();
        let freeform = wire.custom.is_some() && wire.function.is_none();
        let invocation = wire.function.or(wire.custom).unwrap_or_default();
        let id = wire.id.map(|id| id.0).filter(|id| !id.is_empty());
        let named = invocation
            .name
            .as_ref()
            .is_some_and(|name| !name.as_str().is_empty());
        let number = wire.index.and_then(Number::as_u64);
        let calls = &mut self.choices[at].calls;
        let found = find(calls, number, id.as_deref(), named);
        let slot = found.unwrap_or_else(|| {
            let id = id.as_deref().unwrap_or_default().to_owned();
            calls.push(Call {
                index: number,
                id,
                part: None,
                early: String::new(),
                freeform,
                depth: 0,
                quoted: false,
                escaped: false,
            });
            calls.len() - 1
        });
        if let Some(id) = id
            && calls[slot].id.is_empty()
        {
            calls[slot].id = id.into_owned();
        }
        self.fragment(at, slot, &invocation, signature, sink);
    }

    fn fragment(
        &mut self,
        at: usize,
        slot: usize,
        invocation: &WireInvocation<'_>,
        signature: Option<Cow<'_, str>>,
        sink: Sink<'_>,
    ) {
        let text = invocation.text().filter(|text| !text.is_empty());
        if let Some(text) = &text {
            self.choices[at].calls[slot].follow(&text.as_str());
        }
        let name = invocation.name.as_ref().map_or("", Str::as_str);
        if self.choices[at].calls[slot].part.is_none() {
            if name.is_empty() {
                if let Some(text) = text {
                    self.choices[at].calls[slot].early.push_str(&text.as_str());
                }
                return;
            }
            self.release(at, sink);
            self.close(at, sink);
            let part = self.number();
            let opaque: Vec<_> = signature
                .map(|state| self.state(OpaqueKind::Signature, state))
                .into_iter()
                .collect();
            let call = &mut self.choices[at].calls[slot];
            call.part = Some(part);
            sink(Event::Open {
                part,
                choice: index(at),
                kind: Opening::ToolCall {
                    id: Cow::Borrowed(&call.id),
                    name: Cow::Borrowed(name),
                    namespace: None,
                    freeform: call.freeform,
                },
                opaque,
            });
            if !call.early.is_empty() {
                sink(Event::Delta {
                    part,
                    text: Text::from(std::mem::take(&mut call.early)),
                });
            }
        }
        if let (Some(part), Some(text)) = (self.choices[at].calls[slot].part, text) {
            sink(Event::Delta { part, text });
        }
    }
}

/// The call that a fragment belongs to; `None` for a new one.
fn find(calls: &[Call], index: Option<u64>, id: Option<&str>, named: bool) -> Option<usize> {
    if let Some(index) = index {
        // Several servers number every whole call 0: another id and a name make another call.
        return calls.iter().rposition(|call| {
            call.index == Some(index)
                && !(named && id.is_some_and(|id| !call.id.is_empty() && call.id != id))
        });
    }
    match id {
        // Arguments may have come before the id.
        Some(id) => calls.iter().rposition(|call| {
            call.id == id || call.id.is_empty() && call.index.is_none() && call.part.is_none()
        }),
        // Without index and id a name begins a call, anything else goes on with the last one.
        None if named => calls.iter().rposition(|call| call.part.is_none()),
        None => calls.len().checked_sub(1),
    }
}
