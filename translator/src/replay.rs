//! What vendor state may go back: only a vendor's own to itself, and nothing after the vendor has refused it.
//!
//! Runs before the dialect's encoder, which writes what is left. State that has to stay behind is named in the report:
//! it is a thought that the next model cannot read.

use crate::fidelity::Report;
use crate::ir::{Kind, Opaque, OpaqueKind, Part, Request};
use crate::member::Member;
use crate::translate::Target;

/// Why state stays behind when a conversation changes its vendor.
pub const SEALED_ELSEWHERE: &str =
    "the reasoning behind earlier answers is sealed by another vendor and was left out";

/// Takes away the state that the target would refuse or could not read.
pub(crate) fn admit(request: &mut Request<'_>, target: &Target<'_>, report: &mut Report) {
    let (mut lost, mut oversized) = (false, false);
    for turn in &mut request.turns {
        for part in &mut turn.parts {
            if part.opaque.is_empty() {
                continue;
            }
            oversized |= part
                .opaque
                .iter()
                .any(|state| state.kind == OpaqueKind::Oversized);
            let sealed = part.opaque.iter().any(|state| is_thought(state));
            part.opaque.retain(|state| is_admitted(state, target));
            lost |= sealed && !part.opaque.iter().any(|state| is_thought(state));
        }
        phases(&mut turn.parts);
    }
    if oversized {
        report.dropped(
            Member::State.of(request.dialect),
            "state of earlier reasoning is larger than what is read, so it was left out",
        );
    }
    if lost {
        let why = if target.drop_state {
            "the vendor refused the state of earlier reasoning, so it was left out"
        } else {
            SEALED_ELSEWHERE
        };
        report.dropped(Member::State.of(request.dialect), why);
    }
}

/// State without which the model has lost a thought; a phase is only a label.
const fn is_thought(state: &Opaque<'_>) -> bool {
    !matches!(
        state.kind,
        OpaqueKind::Phase | OpaqueKind::Words | OpaqueKind::Oversized
    )
}

fn is_admitted(state: &Opaque<'_>, target: &Target<'_>) -> bool {
    let ours = state
        .provider
        .as_deref()
        .is_none_or(|provider| provider == target.provider);
    state.kind != OpaqueKind::Oversized
        && state.origin == target.dialect
        && (state.kind == OpaqueKind::Phase || ours && !target.drop_state)
}

/// Clients return the phase of words beside them: before or behind. It is put on the words themselves.
fn phases(parts: &mut [Part<'_>]) {
    for at in 0..parts.len() {
        if is_words(&parts[at]) {
            continue;
        }
        let Some(found) = parts[at]
            .opaque
            .iter()
            .position(|state| state.kind == OpaqueKind::Phase)
        else {
            continue;
        };
        let phase = parts[at].opaque.remove(found);
        let free = |part: &&mut Part<'_>| {
            is_words(part)
                && !part
                    .opaque
                    .iter()
                    .any(|state| state.kind == OpaqueKind::Phase)
        };
        let (before, behind) = parts.split_at_mut(at);
        let words = before
            .iter_mut()
            .rev()
            .find(free)
            .or_else(|| behind.iter_mut().find(free));
        if let Some(words) = words {
            words.opaque.push(phase);
        }
    }
}

const fn is_words(part: &Part<'_>) -> bool {
    matches!(part.kind, Kind::Text { .. } | Kind::Refusal(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dialect, capability, envelope, recall};

    #[test]
    fn state_that_is_too_large_is_reported() {
        let of_length = |length: usize| {
            let state = Opaque {
                origin: Dialect::Gemini,
                provider: None,
                model: None,
                kind: OpaqueKind::Signature,
                state: "x".repeat(length).into(),
            };
            envelope::seal(&[state])
        };
        let target = Target {
            dialect: Dialect::Gemini,
            provider: "google",
            model: "gemini-3-pro",
            capability: capability::of(Dialect::Gemini, "gemini-3-pro"),
            stream: false,
            cache_key: None,
            auto_cache: false,
            drop_state: false,
        };
        for (length, want, left) in [
            (9, "", 1),
            (1 << 21, "dropped:messages.content.thinking", 0),
        ] {
            let sealed = of_length(length);
            let body = format!(
                r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"q"}},{{"role":"assistant","content":[
                {{"type":"thinking","thinking":"","signature":"{sealed}"}},{{"type":"text","text":"t"}}]}}]}}"#
            );
            let mut request = Dialect::Anthropic
                .decode_request(body.as_bytes(), &recall::no_recall)
                .expect("a request");
            let mut report = Report::default();
            admit(&mut request, &target, &mut report);
            assert_eq!(report.header(), want);
            let states = request.turns.iter().flat_map(|turn| &turn.parts);
            assert_eq!(states.flat_map(|part| &part.opaque).count(), left);
        }
    }
}
