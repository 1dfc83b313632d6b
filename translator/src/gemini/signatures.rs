//! `thoughtSignature`: the vendor's own state, or an envelope with the state of another vendor.

use std::borrow::Cow;

use super::base64;
use crate::Dialect;
use crate::envelope;
use crate::ir::{Opaque, OpaqueKind};
use crate::translate::{Origin, Target};

/// The documented value by which a call without a signature passes.
pub(super) use crate::foreign::NO_SIGNATURE as BYPASS;

/// What a client sent back in a `thoughtSignature`.
pub(super) fn read(signature: Cow<'_, str>) -> Vec<Opaque<'_>> {
    if signature.is_empty() || signature == BYPASS {
        return Vec::new();
    }
    if envelope::is_envelope(&signature) {
        // A damaged envelope is nobody's state.
        return envelope::open(&signature).unwrap_or_default();
    }
    vec![native(normal(signature), None)]
}

/// State that an upstream has made.
pub(super) fn made(signature: Cow<'_, str>, origin: Option<Origin<'_>>) -> Opaque<'static> {
    native(normal(signature), origin).into_owned()
}

/// Standard base64. What is padded already is left alone, were it wrong: its maker knows it as it stands.
fn normal(signature: Cow<'_, str>) -> Cow<'_, str> {
    if signature.ends_with('=') && memchr::memchr2(b'-', b'_', signature.as_bytes()).is_none() {
        return signature;
    }
    base64::standard(signature)
}

fn native<'a>(state: Cow<'a, str>, origin: Option<Origin<'a>>) -> Opaque<'a> {
    Opaque {
        origin: Dialect::Gemini,
        provider: origin.map(|origin| Cow::Borrowed(origin.provider)),
        model: origin.map(|origin| Cow::Borrowed(origin.model)),
        kind: OpaqueKind::Signature,
        state,
    }
}

/// The signature among the states that may go to a target.
pub(super) fn replayable<'s>(states: &'s [Opaque<'_>], target: &Target<'_>) -> Option<&'s str> {
    if target.drop_state {
        return None;
    }
    states
        .iter()
        .rev()
        .find(|state| {
            state.origin == Dialect::Gemini
                && state.kind == OpaqueKind::Signature
                && state
                    .provider
                    .as_deref()
                    .is_none_or(|provider| provider == target.provider)
        })
        .map(|state| &*state.state)
}

/// What a client gets to keep: its own dialect's state as it is, anything else in an envelope.
pub(super) fn kept(states: &[Opaque<'_>]) -> Option<String> {
    match states {
        [] => None,
        // Google's SDKs decode the field: what is no base64 travels in an envelope, too.
        [only]
            if only.origin == Dialect::Gemini
                && only.kind == OpaqueKind::Signature
                && base64::is_valid(&only.state) =>
        {
            Some(only.state.clone().into_owned())
        }
        states => Some(envelope::seal_base64(states)),
    }
}
