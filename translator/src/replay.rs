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
    let mut lost = false;
    for turn in &mut request.turns {
        for part in &mut turn.parts {
            if part.opaque.is_empty() {
                continue;
            }
            let sealed = part.opaque.iter().any(|state| is_thought(state));
            part.opaque.retain(|state| is_admitted(state, target));
            lost |= sealed && !part.opaque.iter().any(|state| is_thought(state));
        }
        phases(&mut turn.parts);
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
    !matches!(state.kind, OpaqueKind::Phase | OpaqueKind::Words)
}

fn is_admitted(state: &Opaque<'_>, target: &Target<'_>) -> bool {
    let ours = state
        .provider
        .as_deref()
        .is_none_or(|provider| provider == target.provider);
    state.origin == target.dialect
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
