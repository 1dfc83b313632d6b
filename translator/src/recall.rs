//! State that the hub keeps for clients which return nothing but words and calls.
//!
//! What is kept with a call, or with an answer that called nothing, is bound to all that stood before it and to the call
//! itself by a mark: another conversation that happens to use the same id never gets it. Only where an id is too random
//! to meet twice, and has not, may the client have cut its history since. Where it is kept is the
//! gateway's business; this file decides what, under which mark, and puts it back into a request.

use std::cell::OnceCell;
use std::hash::{Hash as _, Hasher as _};

use self::fingerprint::Fingerprint;
use crate::envelope;
use crate::ir::{Args, Kind, Opaque, OpaqueKind, Part, Request, Role, Source, ToolResult, Turn};
use crate::text::Text;
use crate::wire::{Cursor, Fault};

mod fingerprint;

/// What the hub looks for.
#[derive(Clone, Copy)]
pub enum Key<'k> {
    /// What was kept with a call of this id.
    Call(&'k str),
    /// What was kept with an answer of this mark; the mark costs a look at the whole conversation.
    Answer(&'k dyn Fn() -> Mark),
}

/// Finds what the hub kept: marks and envelopes.
pub type Recall<'r> = &'r dyn Fn(Key<'_>) -> Vec<(Mark, String)>;

/// A recall that knows nothing.
#[must_use]
pub fn no_recall(_: Key<'_>) -> Vec<(Mark, String)> {
    Vec::new()
}

/// What state is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// All that stood before the answer.
    before: u64,
    /// The call, or the words of an answer that called nothing.
    said: u64,
}

/// What is to be kept of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The call that it belongs to; absent for an answer that called nothing.
    pub call: Option<String>,
    /// What it is bound to.
    pub mark: Mark,
    /// The state; empty for a call that came without any, which matters only where another had the same id.
    pub envelope: String,
}

impl Kept {
    /// State of a call in an answer to what `before` marks. `args` are as the client sees them.
    #[must_use]
    pub fn with_call(
        id: String,
        name: &str,
        args: &Args<'_>,
        before: u64,
        states: &[Opaque<'_>],
    ) -> Self {
        Self {
            call: Some(id),
            mark: of_call(before, name, args),
            envelope: envelope::seal(states),
        }
    }

    /// A call that came without state.
    #[must_use]
    pub const fn without_state(id: String, before: u64) -> Self {
        Self {
            call: Some(id),
            mark: Mark { before, said: 0 },
            envelope: String::new(),
        }
    }

    /// State of an answer that called nothing.
    #[must_use]
    pub fn with_words(words: &str, before: u64, states: &[Opaque<'_>]) -> Self {
        Self {
            call: None,
            mark: of_words(before, std::iter::once(words)),
            envelope: envelope::seal(states),
        }
    }
}

/// The mark of a whole request, to which an answer is bound.
#[must_use]
pub fn mark(request: &Request<'_>) -> u64 {
    let mut hasher = Fingerprint::default();
    request
        .turns
        .iter()
        .for_each(|turn| take(&mut hasher, turn));
    hasher.finish()
}

/// Gives earlier answers the state that the hub kept, where the client has returned none with them. Of an answer whose
/// reasoning came back, the words may still lack their phase.
pub fn fill(request: &mut Request<'_>, recall: Recall<'_>) {
    let marks = OnceCell::new();
    for index in 0..request.turns.len() {
        let turn = &request.turns[index];
        if turn.role != Role::Assistant {
            continue;
        }
        let returned = || turn.parts.iter().flat_map(|part| &part.opaque);
        let before = || marks.get_or_init(|| prefixes(&request.turns))[index];
        let found = match (calls(turn), returned().next().is_some()) {
            (0, false) => of_answer(turn, recall, &before),
            (0, true) if !returned().any(is_phase) => {
                let mut found = of_answer(turn, recall, &before);
                found
                    .iter_mut()
                    .for_each(|(_, states)| states.retain(is_phase));
                found
            }
            (1.., false) => of_calls(turn, recall, &before),
            (_, true) => continue,
        };
        let parts = &mut request.turns[index].parts;
        // From the end, so that positions stay true.
        for (at, states) in found.into_iter().rev() {
            place(parts, at, states);
        }
    }
}

fn is_phase(state: &Opaque<'_>) -> bool {
    state.kind == OpaqueKind::Phase
}

type Found = Vec<(usize, Vec<Opaque<'static>>)>;

fn calls(turn: &Turn<'_>) -> usize {
    let is_call = |part: &&Part<'_>| matches!(part.kind, Kind::ToolCall(_));
    turn.parts.iter().filter(is_call).count()
}

fn of_calls(turn: &Turn<'_>, recall: Recall<'_>, before: &dyn Fn() -> u64) -> Found {
    let mut found = Found::new();
    for (at, part) in turn.parts.iter().enumerate() {
        let Kind::ToolCall(call) = &part.kind else {
            continue;
        };
        let candidates = recall(Key::Call(&call.id));
        if candidates.is_empty() {
            continue;
        }
        let wanted = of_call(before(), &call.name, &call.args);
        let sealed = match candidates.as_slice() {
            // Nobody else has used this id, and nobody will by chance.
            [(mark, sealed)] if is_unique(&call.id) && mark.said == wanted.said => Some(sealed),
            several => several
                .iter()
                .find(|(mark, _)| *mark == wanted)
                .map(|(_, sealed)| sealed),
        };
        found.extend(
            sealed
                .and_then(|sealed| opened(sealed))
                .map(|states| (at, states)),
        );
    }
    found
}

fn of_answer(turn: &Turn<'_>, recall: Recall<'_>, before: &dyn Fn() -> u64) -> Found {
    let mark = || of_words(before(), turn.parts.iter().filter_map(words));
    let candidates = recall(Key::Answer(&mark));
    let last = turn
        .parts
        .iter()
        .rposition(|part| matches!(part.kind, Kind::Text { .. } | Kind::Refusal(_)));
    let (Some(last), false) = (last, candidates.is_empty()) else {
        return Found::new();
    };
    let wanted = mark();
    let sealed = candidates.iter().find(|(mark, _)| *mark == wanted);
    sealed
        .and_then(|(_, sealed)| opened(sealed))
        .map(|states| (last, states))
        .into_iter()
        .collect()
}

fn opened(sealed: &str) -> Option<Vec<Opaque<'static>>> {
    envelope::open(sealed).filter(|states| !states.is_empty())
}

/// True for ids that are drawn at random from so many that no two are alike.
fn is_unique(id: &str) -> bool {
    const LETTERS: usize = 20;
    let mut runs = id.split(|letter: char| !letter.is_ascii_alphanumeric());
    runs.any(|run| run.len() >= LETTERS)
}

/// State that belongs to the part stays with it; the rest is reasoning, which stands before the first call's words
/// and directly before any other call.
fn place(parts: &mut Vec<Part<'_>>, at: usize, states: Vec<Opaque<'static>>) {
    let is_call = matches!(parts[at].kind, Kind::ToolCall(_));
    if !is_call {
        parts[at].opaque.extend(states);
        return;
    }
    let (own, mut before): (Vec<_>, Vec<_>) = states
        .into_iter()
        .partition(|state| state.kind == OpaqueKind::Signature);
    parts[at].opaque = own;
    let mut text = Text::default();
    before.retain(|state| {
        let is_words = state.kind == OpaqueKind::Words;
        if is_words {
            text = Text::from(state.state.clone().into_owned());
        }
        !is_words
    });
    let first = !parts[..at]
        .iter()
        .any(|part| matches!(part.kind, Kind::ToolCall(_)));
    let spoken = parts[..at]
        .iter_mut()
        .find(|part| first && matches!(part.kind, Kind::Reasoning { .. }));
    match spoken {
        Some(part) => part.opaque = before,
        None if before.is_empty() && text.is_empty() => {}
        None => {
            let reasoning = Part {
                opaque: before,
                ..Part::new(Kind::Reasoning { text })
            };
            parts.insert(if first { 0 } else { at }, reasoning);
        }
    }
}

/// For each turn the mark of what stands before the answer that it is part of.
fn prefixes(turns: &[Turn<'_>]) -> Vec<u64> {
    let mut hasher = Fingerprint::default();
    let mut marks: Vec<u64> = Vec::with_capacity(turns.len());
    for (index, turn) in turns.iter().enumerate() {
        let goes_on =
            index > 0 && turn.role == Role::Assistant && turns[index - 1].role == Role::Assistant;
        let mark = if goes_on {
            marks[index - 1]
        } else {
            hasher.finish()
        };
        marks.push(mark);
        take(&mut hasher, turn);
    }
    marks
}

/// Takes in what a client returns for certain: words, calls, results. Not what it may drop or repeat differently.
fn take(hasher: &mut Fingerprint, turn: &Turn<'_>) {
    let role = match turn.role {
        Role::User => 1_u8,
        Role::Assistant => 2,
        Role::System => 3,
    };
    for part in &turn.parts {
        if let Some(text) = spelled(part) {
            (role, 1_u8, text).hash(hasher);
            continue;
        }
        match &part.kind {
            Kind::ToolCall(call) => {
                (role, 2_u8, call.id.as_ref(), call.name.as_ref()).hash(hasher);
                canonical(&call.args).hash(hasher);
            }
            Kind::ToolResult(result) => take_result(hasher, result),
            Kind::Image { source, .. }
            | Kind::Document { source, .. }
            | Kind::Audio { source }
            | Kind::Video { source, .. } => (role, 4_u8, size(source)).hash(hasher),
            _ => {}
        }
    }
}

fn take_result(hasher: &mut Fingerprint, result: &ToolResult<'_>) {
    (3_u8, result.id.as_ref()).hash(hasher);
    for part in &result.content {
        if let Some(text) = spelled(part) {
            text.hash(hasher);
        }
    }
}

/// The words as the client has written them: it writes what it has said before in the same way again.
fn spelled<'p>(part: &'p Part<'_>) -> Option<&'p str> {
    match &part.kind {
        Kind::Text { text, .. } | Kind::Refusal(text) if !text.is_empty() => Some(match text {
            Text::Json(literal) => &literal[1..literal.len() - 1],
            Text::Plain(text) => text,
        }),
        _ => None,
    }
}

fn words<'p>(part: &'p Part<'_>) -> Option<std::borrow::Cow<'p, str>> {
    match &part.kind {
        Kind::Text { text, .. } | Kind::Refusal(text) if !text.is_empty() => Some(text.as_str()),
        _ => None,
    }
}

fn size(source: &Source<'_>) -> usize {
    match source {
        Source::Base64 { data, .. } => data.len_hint(),
        Source::Url { url, .. } => url.len_hint(),
        Source::File { id, .. } => id.len_hint(),
        Source::Text(text) => text.len_hint(),
        Source::Parts(parts) => parts.len(),
    }
}

fn of_call(before: u64, name: &str, args: &Args<'_>) -> Mark {
    let mut hasher = Fingerprint::default();
    (name, canonical(args)).hash(&mut hasher);
    Mark {
        before,
        said: hasher.finish(),
    }
}

fn of_words<T: AsRef<str>>(before: u64, words: impl Iterator<Item = T>) -> Mark {
    let mut hasher = Fingerprint::default();
    let whole: String = words.map(|text| text.as_ref().to_owned()).collect();
    whole.hash(&mut hasher);
    Mark {
        before,
        said: hasher.finish(),
    }
}

/// Arguments whatever their spelling: clients write objects, numbers and escapes in their own way.
fn canonical(args: &Args<'_>) -> u64 {
    let mut hasher = Fingerprint::default();
    let (object, _) = args.to_object();
    let mut cursor = Cursor::new(&object);
    match value(&mut cursor).and_then(|value| cursor.finish().map(|()| value)) {
        Ok(value) => value.hash(&mut hasher),
        Err(_) => object.hash(&mut hasher),
    }
    hasher.finish()
}

/// The hash of the next value.
fn value(cursor: &mut Cursor<'_>) -> Result<u64, Fault> {
    let mut hasher = Fingerprint::default();
    match cursor.peek()? {
        b'"' => (3_u8, cursor.characters()?).hash(&mut hasher),
        b'[' => {
            4_u8.hash(&mut hasher);
            cursor.list(|cursor| {
                value(cursor)?.hash(&mut hasher);
                Ok(())
            })?;
        }
        b'{' => {
            let mut members = Vec::new();
            cursor.object(|cursor, name| {
                let mut hasher = Fingerprint::default();
                name.as_str().hash(&mut hasher);
                members.push((hasher.finish(), value(cursor)?));
                Ok(())
            })?;
            // Of members of one name the last one counts.
            members.reverse();
            members.sort_by_key(|(name, _)| *name);
            members.dedup_by_key(|(name, _)| *name);
            (5_u8, members).hash(&mut hasher);
        }
        _ => {
            let raw = cursor.raw()?;
            match raw.parse::<f64>() {
                Ok(number) => (2_u8, number.to_bits()).hash(&mut hasher),
                Err(_) => (1_u8, raw).hash(&mut hasher),
            }
        }
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests;
