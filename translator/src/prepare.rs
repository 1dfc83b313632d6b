//! Repairs that every upstream wants alike, made before a dialect's own encoder runs.
//!
//! After it: every result stands directly behind the turn with its call, once, before anything else of that
//! side, and knows its tool's name; every call of an earlier turn has a result; call ids are unique; no turn
//! is empty; `tool_choice` and `parallel` are set only with tools; members of another dialect are gone.
//! Rules look backwards only, so that a growing conversation keeps its earlier bytes.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::Refusal;
use crate::fidelity::{Action, Report};
use crate::ident;
use crate::ir::{Args, Kind, Part, Policy, Request, Role, Tool, ToolKind, ToolResult, Turn};
use crate::member::Member;
use crate::translate::Target;
use crate::{Dialect, Text};

/// The text that stands where a dialect demands content and there is none.
pub const NO_CONTENT: &str = "(no content)";

/// Repairs a request for a target.
///
/// # Errors
/// When something cannot be carried (policy R).
pub fn prepare(
    request: &mut Request<'_>,
    target: &Target<'_>,
    report: &mut Report,
) -> Result<(), Refusal> {
    if target.capability.assumed {
        report.add(
            Action::Assumed,
            Member::Model.of(request.dialect),
            "the model is unknown; the abilities of its dialect are assumed",
        );
    }
    // `null` is absent, here as everywhere.
    request.residue.retain(|residue| residue.raw != "null");
    if request.dialect != target.dialect {
        residue(request, target.dialect, report)?;
        crate::speakers::name(request, report);
    }
    overruled(request, report);
    request.stop.retain(|stop| !stop.is_empty());
    dedup(&mut request.stop);
    if request.n == Some(1) {
        request.n = None;
    }
    if request.dialect != target.dialect {
        once_each(request.dialect, &mut request.tools, report);
    }
    if request.tools.is_empty() {
        request.tool_choice = None;
        request.parallel = None;
    }
    nameless(&mut request.turns, request.dialect, report);
    if request.dialect != target.dialect {
        unknown(&mut request.turns, request.dialect, report);
    }
    unique_ids(&mut request.turns);
    let turns = pair(
        std::mem::take(&mut request.turns),
        Member::ToolResult.of(request.dialect),
        report,
    );
    let given = turns.iter().any(|turn| turn.role == Role::User);
    request.turns = without_empty(turns);
    if given && request.turns.is_empty() && request.instructions.is_empty() {
        // Silence is not the same as no conversation.
        let silence = vec![Part::text(NO_CONTENT)];
        request.turns.push(Turn::new(Role::User, silence));
    }
    opening_turn(request, target.dialect, report)
}

/// Members that only the client's dialect has.
fn residue(request: &mut Request<'_>, target: Dialect, report: &mut Report) -> Result<(), Refusal> {
    for residue in request.residue.drain(..) {
        match residue.policy {
            Policy::Silent => {}
            // Its encoder has a word for them.
            Policy::Refuse
                if request.picture_output
                    && target == Dialect::Gemini
                    && residue.field == "modalities" => {}
            Policy::Report => {
                report.dropped(
                    residue.field.into_owned(),
                    format!("{} has no such member", target.as_str()),
                );
            }
            Policy::Refuse => {
                return Err(Refusal::new(
                    residue.field.clone(),
                    format!(
                        "`{}` cannot be carried to an {} upstream",
                        residue.field,
                        target.as_str()
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Members of which another spelling counts.
fn overruled(request: &mut Request<'_>, report: &mut Report) {
    for member in request.overruled.drain(..) {
        report.dropped(member, "a newer member for the same thing counts");
    }
}

/// A tool that is declared again is sent once: the first declaration counts. One in a group that is the same as
/// one outside of it is a repetition too.
fn once_each(dialect: Dialect, tools: &mut Vec<Tool<'_>>, report: &mut Report) {
    let before = tools.len();
    let mut kept: Vec<Tool<'_>> = Vec::with_capacity(before);
    for tool in tools.drain(..) {
        let again = kept.iter().any(|other| {
            other.name == tool.name
                && (other.namespace == tool.namespace
                    || (other.namespace.is_none()
                        && other.description == tool.description
                        && is_same(&other.kind, &tool.kind)))
        });
        if !again
            || !matches!(
                tool.kind,
                ToolKind::Function { .. } | ToolKind::Freeform { .. }
            )
        {
            kept.push(tool);
        }
    }
    if kept.len() < before {
        report.dropped(
            Member::Tools.of(dialect),
            "a tool was declared twice: the first declaration counts",
        );
    }
    *tools = kept;
}

fn is_same(a: &ToolKind<'_>, b: &ToolKind<'_>) -> bool {
    match (a, b) {
        (ToolKind::Function { schema: a }, ToolKind::Function { schema: b }) => a == b,
        (ToolKind::Freeform { format: a }, ToolKind::Freeform { format: b }) => a == b,
        _ => false,
    }
}

fn dedup(stop: &mut Vec<Text<'_>>) {
    let mut seen: Vec<Text<'_>> = Vec::with_capacity(stop.len());
    for text in stop.drain(..) {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    *stop = seen;
}

/// Leaves out calls without a name, which every upstream refuses; their results become text.
fn nameless(turns: &mut [Turn<'_>], client: Dialect, report: &mut Report) {
    for turn in turns {
        turn.parts.retain(|part| {
            let nameless = matches!(&part.kind, Kind::ToolCall(call) if call.name.is_empty());
            if nameless {
                report.dropped(
                    Member::Calls.of(client),
                    "a call without a name was left out",
                );
            }
            !nameless
        });
    }
}

/// Leaves out parts that only their own dialect can carry and that say nothing in words.
fn unknown(turns: &mut [Turn<'_>], client: Dialect, report: &mut Report) {
    for turn in turns {
        turn.parts.retain(|part| {
            let is_mute = match &part.kind {
                Kind::Other { text, .. } => text.as_ref().is_none_or(Text::is_blank),
                Kind::ServerTool { summary, .. } => summary.is_blank(),
                _ => false,
            };
            if is_mute {
                report.dropped(
                    Member::Content.of(client),
                    "a part without a counterpart and without text",
                );
            }
            !is_mute
        });
    }
}

/// A call without a result so far, while ids are given.
struct Asked<'a> {
    /// The id that the client gave.
    given: Cow<'a, str>,
    /// The id that no other call has.
    unique: Cow<'a, str>,
    name: Cow<'a, str>,
}

/// Gives every call an id of its own: missing ones by place, repeated ones by hash of id and turn.
/// A result answers the first open call of its id; without an id, the first open call of its name that no other
/// result of the turn names.
fn unique_ids<'a>(turns: &mut [Turn<'a>]) {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    let calls = parts.filter(|part| matches!(part.kind, Kind::ToolCall(_)));
    let mut seen: HashMap<Cow<'a, str>, Cow<'a, str>> = HashMap::with_capacity(calls.count());
    // Calls that wait for a result, until the assistant calls again behind words of another side.
    let mut open: Vec<Asked<'a>> = Vec::new();
    let mut interrupted = false;
    for (index, turn) in turns.iter_mut().enumerate() {
        let assistant = turn.role == Role::Assistant;
        let is_call = |part: &Part<'_>| matches!(part.kind, Kind::ToolCall(_));
        if assistant && interrupted && turn.parts.iter().any(is_call) {
            open.clear();
            interrupted = false;
        }
        interrupted |= !assistant;
        let mut calls = 0;
        for part in &mut turn.parts {
            let Kind::ToolCall(call) = &mut part.kind else {
                continue;
            };
            let id = if call.id.is_empty() {
                Cow::Owned(format!("call_{index}_{calls}"))
            } else if seen.contains_key(call.id.as_ref()) {
                Cow::Owned(format!(
                    "call_{}",
                    ident::hash_hex(&format!("{}#{index}.{calls}", call.id), 24)
                ))
            } else {
                call.id.clone()
            };
            calls += 1;
            let given = std::mem::replace(&mut call.id, id.clone());
            open.push(Asked {
                given: given.clone(),
                unique: id.clone(),
                name: call.name.clone(),
            });
            seen.insert(given, id);
        }
        answers(turn, &mut open, &seen);
    }
}

/// Gives the results of a turn the ids of their calls: those that name a call before those that do not.
fn answers<'a>(
    turn: &mut Turn<'a>,
    open: &mut Vec<Asked<'a>>,
    seen: &HashMap<Cow<'a, str>, Cow<'a, str>>,
) {
    let mut unnamed = Vec::new();
    for part in &mut turn.parts {
        let Kind::ToolResult(result) = &mut part.kind else {
            continue;
        };
        if result.id.is_empty() {
            unnamed.push(result);
        } else if let Some(place) = open.iter().position(|call| call.given == result.id) {
            result.id = open.remove(place).unique;
        } else if let Some(id) = seen.get(result.id.as_ref()) {
            result.id = id.clone();
        }
    }
    for result in unnamed {
        let name = result.name.as_deref();
        let place = open
            .iter()
            .position(|call| Some(call.name.as_ref()) == name);
        let place = place.or((name.is_none() && !open.is_empty()).then_some(0));
        if let Some(place) = place {
            result.id = open.remove(place).unique;
        }
    }
}

/// A call that waits for its result.
struct Open<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    freeform: bool,
    result: Option<ToolResult<'a>>,
    cache: Option<crate::ir::CacheMark>,
}

/// Puts every result directly behind the turn with its call.
fn pair<'a>(turns: Vec<Turn<'a>>, member: &'static str, report: &mut Report) -> Vec<Turn<'a>> {
    let mut out: Vec<Turn<'a>> = Vec::with_capacity(turns.len());
    let mut open: Vec<Open<'a>> = Vec::new();
    // Where the results of the open calls belong.
    let mut place = 0;
    for turn in turns {
        if turn.role == Role::Assistant {
            if !open.is_empty()
                && turn
                    .parts
                    .iter()
                    .all(|part| !matches!(part.kind, Kind::ToolCall(_)))
                && out.len() == place
            {
                // The same side goes on speaking: still one turn, nothing has been answered yet.
                out.push(turn);
                place = out.len();
                continue;
            }
            if out.len() > place || !open.iter().all(|call| call.result.is_none()) {
                settle(&mut out, &mut open, place, member, report);
            }
            open.extend(turn.parts.iter().filter_map(|part| match &part.kind {
                Kind::ToolCall(call) => Some(Open {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    freeform: matches!(call.args, Args::Freeform(_)),
                    result: None,
                    cache: None,
                }),
                _ => None,
            }));
            out.push(turn);
            place = out.len();
            continue;
        }
        let turn = take_results(turn, &mut open, member, report);
        out.push(turn);
    }
    // Calls of the last turn may still be waiting for the client: nothing is made up for them.
    if out.len() > place || open.iter().any(|call| call.result.is_some()) {
        settle(&mut out, &mut open, place, member, report);
    }
    out
}

/// Takes the results out of a turn; those that answer no open call become text.
fn take_results<'a>(
    mut turn: Turn<'a>,
    open: &mut [Open<'a>],
    member: &'static str,
    report: &mut Report,
) -> Turn<'a> {
    let mut rest = Vec::with_capacity(turn.parts.len());
    for part in turn.parts.drain(..) {
        let Part {
            kind: Kind::ToolResult(mut result),
            cache,
            opaque,
        } = part
        else {
            rest.push(part);
            continue;
        };
        match open
            .iter_mut()
            .find(|call| call.id == result.id && call.result.is_none())
        {
            Some(call) => {
                result.name.get_or_insert_with(|| call.name.clone());
                result.freeform |= call.freeform;
                call.cache = cache;
                call.result = Some(result);
            }
            None => {
                report.emulated(member, "a result without a call was kept as text");
                rest.extend(as_text(result, cache));
                drop(opaque);
            }
        }
    }
    turn.parts = rest;
    turn
}

/// A result that has no call, in words.
fn as_text<'a>(result: ToolResult<'a>, cache: Option<crate::ir::CacheMark>) -> Vec<Part<'a>> {
    let mut parts = vec![Part::text(format!(
        "[tool result for unknown call {}]:",
        result.id
    ))];
    parts.extend(result.content);
    if let Some(last) = parts.last_mut() {
        last.cache = cache;
    }
    parts
}

/// Writes one turn with the results of all open calls, in call order, made up where there are none.
fn settle<'a>(
    out: &mut Vec<Turn<'a>>,
    open: &mut Vec<Open<'a>>,
    place: usize,
    member: &'static str,
    report: &mut Report,
) {
    if open.is_empty() {
        return;
    }
    let parts = open
        .drain(..)
        .map(|call| {
            let result = call.result.unwrap_or_else(|| {
                report.emulated(member, "a call without a result got one that says so");
                ToolResult {
                    id: call.id,
                    name: Some(call.name),
                    content: vec![Part::text("Tool call was not executed.")],
                    is_error: true,
                    freeform: call.freeform,
                }
            });
            Part {
                kind: Kind::ToolResult(result),
                cache: call.cache,
                opaque: Vec::new(),
            }
        })
        .collect();
    out.insert(place, Turn::new(Role::User, parts));
}

/// Drops empty text and empty turns; a user turn between two assistant turns keeps its place.
fn without_empty(turns: Vec<Turn<'_>>) -> Vec<Turn<'_>> {
    let mut out: Vec<Turn<'_>> = Vec::with_capacity(turns.len());
    let mut held: Option<Turn<'_>> = None;
    for mut turn in turns {
        turn.parts.retain(|part| {
            !matches!(&part.kind, Kind::Text { text, .. } if text.is_empty())
                || !part.opaque.is_empty()
        });
        if turn.parts.is_empty() {
            let after_assistant = out.last().is_some_and(|last| last.role == Role::Assistant);
            if turn.role == Role::User && after_assistant {
                held = Some(turn);
            }
            continue;
        }
        if turn.role == Role::Assistant
            && let Some(mut between) = held.take()
        {
            between.parts.push(Part::text(NO_CONTENT));
            out.push(between);
        }
        held = None;
        out.push(turn);
    }
    if let Some(mut last) = held {
        last.parts.push(Part::text(NO_CONTENT));
        out.push(last);
    }
    out
}

/// Makes sure that there is a conversation, and that it begins as the target wants it.
fn opening_turn(
    request: &mut Request<'_>,
    target: Dialect,
    report: &mut Report,
) -> Result<(), Refusal> {
    if request.turns.is_empty() {
        if target == Dialect::OpenAiChat && !request.instructions.is_empty() {
            return Ok(());
        }
        let Some(last) = request.instructions.pop() else {
            let member = match request.dialect {
                Dialect::OpenAiChat | Dialect::Anthropic => "messages",
                Dialect::OpenAiResponses => "input",
                Dialect::Gemini => "contents",
            };
            return Err(Refusal::new(
                member,
                format!("`{member}` is empty: give at least one message"),
            ));
        };
        report.emulated(
            Member::System.of(request.dialect),
            "instructions without a conversation: the last block became the user's",
        );
        let mut part = Part::text(last.text);
        part.cache = last.cache;
        request.turns.push(Turn::new(Role::User, vec![part]));
    }
    let needs_user = matches!(target, Dialect::Anthropic | Dialect::Gemini);
    if needs_user && request.turns[0].role != Role::User {
        report.emulated(
            Member::Turns.of(request.dialect),
            "the conversation does not begin with the user: an opening line was put in front",
        );
        request.turns.insert(
            0,
            Turn::new(Role::User, vec![Part::text("(conversation start)")]),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability;
    use crate::ir::ToolCall;

    fn call<'a>(id: &'a str, name: &'a str) -> Part<'a> {
        Part::new(Kind::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            namespace: None,
            args: Args::Object("{}".into()),
        }))
    }

    fn result<'a>(id: &'a str, text: &'a str) -> Part<'a> {
        Part::new(Kind::ToolResult(ToolResult {
            id: id.into(),
            content: vec![Part::text(text)],
            ..ToolResult::default()
        }))
    }

    fn user<'a>(parts: Vec<Part<'a>>) -> Turn<'a> {
        Turn::new(Role::User, parts)
    }

    fn assistant<'a>(parts: Vec<Part<'a>>) -> Turn<'a> {
        Turn::new(Role::Assistant, parts)
    }

    /// `U[...]` user, `A[...]` assistant; `c:id` call, `r:id=text` result, `!` marks an error.
    fn prepared(turns: Vec<Turn<'_>>) -> String {
        let mut request = Request::new(Dialect::OpenAiChat, "m".into());
        request.turns = turns;
        let target = Target {
            dialect: Dialect::Anthropic,
            provider: "p",
            model: "claude-sonnet-4-5",
            capability: capability::of(Dialect::Anthropic, "claude-sonnet-4-5"),
            stream: false,
            cache_key: None,
            auto_cache: false,
            drop_state: false,
        };
        prepare(&mut request, &target, &mut Report::default()).expect("can be carried");
        let turns: Vec<String> = request.turns.iter().map(show).collect();
        turns.join(" ")
    }

    fn show(turn: &Turn<'_>) -> String {
        let letter = match turn.role {
            Role::User => 'U',
            Role::Assistant => 'A',
            Role::System => 'S',
        };
        let parts: Vec<String> = turn
            .parts
            .iter()
            .map(|part| match &part.kind {
                Kind::Text { text, .. } => text.as_str().into_owned(),
                Kind::ToolCall(call) => format!("c:{}", call.id),
                Kind::ToolResult(result) => {
                    let Kind::Text { text, .. } = &result.content[0].kind else {
                        return "?".into();
                    };
                    format!(
                        "r:{}={}{}",
                        result.id,
                        text.as_str(),
                        if result.is_error { "!" } else { "" }
                    )
                }
                _ => "?".into(),
            })
            .collect();
        format!("{letter}[{}]", parts.join(","))
    }

    #[test]
    fn results_stand_behind_their_calls() {
        let cases: Vec<(&str, Vec<Turn<'_>>, &str)> = vec![
            (
                "text before results",
                vec![
                    user(vec![Part::text("q")]),
                    assistant(vec![call("a", "f"), call("b", "g")]),
                    user(vec![Part::text("wait"), result("b", "2")]),
                    user(vec![result("a", "1")]),
                ],
                "U[q] A[c:a,c:b] U[r:a=1,r:b=2] U[wait]",
            ),
            (
                "unanswered",
                vec![
                    user(vec![Part::text("q")]),
                    assistant(vec![call("a", "f"), call("b", "g")]),
                    user(vec![result("b", "2"), Part::text("go on")]),
                ],
                "U[q] A[c:a,c:b] U[r:a=Tool call was not executed.!,r:b=2] U[go on]",
            ),
            (
                "orphan and duplicate",
                vec![
                    user(vec![Part::text("q"), result("z", "0")]),
                    assistant(vec![call("a", "f")]),
                    user(vec![result("a", "1"), result("a", "2")]),
                ],
                "U[q,[tool result for unknown call z]:,0] A[c:a] U[r:a=1] U[[tool result for unknown call a]:,2]",
            ),
            (
                "last calls wait",
                vec![user(vec![Part::text("q")]), assistant(vec![call("a", "f")])],
                "U[q] A[c:a]",
            ),
            (
                "parallel calls in two assistant turns",
                vec![
                    user(vec![Part::text("q")]),
                    assistant(vec![call("a", "f")]),
                    assistant(vec![call("b", "g")]),
                    user(vec![result("a", "1"), result("b", "2")]),
                ],
                "U[q] A[c:a] A[c:b] U[r:a=1,r:b=2]",
            ),
            (
                "a call without a name",
                vec![
                    user(vec![Part::text("q")]),
                    assistant(vec![call("a", ""), call("b", "g")]),
                    user(vec![result("a", "1"), result("b", "2")]),
                ],
                "U[q] A[c:b] U[r:b=2] U[[tool result for unknown call a]:,1]",
            ),
            (
                "empty turns",
                vec![
                    assistant(vec![Part::text("hi")]),
                    user(vec![Part::text("")]),
                    assistant(vec![Part::text("there")]),
                    user(vec![]),
                ],
                "U[(conversation start)] A[hi] U[(no content)] A[there] U[(no content)]",
            ),
        ];
        for (name, turns, want) in cases {
            assert_eq!(prepared(turns), want, "{name}");
        }
    }

    #[test]
    fn repeated_and_missing_ids_become_unique() {
        let turns = vec![
            user(vec![Part::text("q")]),
            assistant(vec![call("call_0", "f")]),
            user(vec![result("call_0", "1")]),
            assistant(vec![call("call_0", "f"), call("", "g")]),
            user(vec![result("call_0", "2"), result("", "3")]),
        ];
        let shown = prepared(turns);
        assert!(
            shown.starts_with("U[q] A[c:call_0] U[r:call_0=1] A[c:call_"),
            "{shown}"
        );
        assert!(
            shown.contains("c:call_3_1]") && shown.contains("r:call_3_1=3]"),
            "{shown}"
        );
        assert!(!shown.contains("unknown"), "{shown}");
    }

    #[test]
    fn a_turn_that_says_nothing_elsewhere_is_no_turn() {
        let mystery = |text: Option<&'static str>| {
            Part::new(Kind::Other {
                tag: "mystery".into(),
                text: text.map(Text::borrowed),
                raw: r#"{"type":"mystery"}"#.into(),
            })
        };
        let silent = vec![
            user(vec![Part::text("a")]),
            assistant(vec![mystery(None)]),
            user(vec![Part::text("b")]),
        ];
        assert_eq!(prepared(silent), "U[a] U[b]");
        assert_eq!(
            prepared(vec![user(vec![mystery(Some(" "))])]),
            "U[(no content)]"
        );
        assert_eq!(prepared(vec![user(vec![mystery(Some("x"))])]), "U[?]");
        assert_eq!(
            prepared(vec![user(vec![Part::text("")])]),
            "U[(no content)]"
        );
    }

    #[test]
    fn parallel_calls_that_share_an_id_keep_their_results() {
        let second = format!("call_{}", ident::hash_hex("call_0#1.1", 24));
        let shared = vec![
            user(vec![Part::text("q")]),
            assistant(vec![call("call_0", "f"), call("call_0", "f")]),
            user(vec![result("call_0", "1"), result("call_0", "2")]),
        ];
        assert_eq!(
            prepared(shared),
            format!("U[q] A[c:call_0,c:{second}] U[r:call_0=1,r:{second}=2]")
        );
        let second = format!("call_{}", ident::hash_hex("call_0#2.0", 24));
        let spread = vec![
            user(vec![Part::text("q")]),
            assistant(vec![call("call_0", "f")]),
            assistant(vec![call("call_0", "f")]),
            user(vec![result("call_0", "1")]),
            user(vec![result("call_0", "2")]),
        ];
        assert_eq!(
            prepared(spread),
            format!("U[q] A[c:call_0] A[c:{second}] U[r:call_0=1,r:{second}=2]")
        );
    }

    #[test]
    fn a_result_without_an_id_leaves_calls_to_the_results_that_name_them() {
        let turns = vec![
            user(vec![Part::text("q")]),
            assistant(vec![call("q1", "f"), call("", "f")]),
            user(vec![result("", "2"), result("q1", "1")]),
        ];
        assert_eq!(
            prepared(turns),
            "U[q] A[c:q1,c:call_1_1] U[r:q1=1,r:call_1_1=2]"
        );
    }

    #[test]
    fn earlier_turns_do_not_change_when_the_conversation_grows() {
        let all = || {
            vec![
                user(vec![Part::text("q")]),
                assistant(vec![call("a", "f"), Part::text("")]),
                user(vec![result("a", "1")]),
                user(vec![Part::text("more")]),
                assistant(vec![Part::text("ok")]),
                user(vec![Part::text("end")]),
            ]
        };
        let whole = prepared(all());
        // A prefix that ends with a user turn is a request that was sent before.
        for length in [1, 3, 4, 6] {
            let prefix = prepared(all().into_iter().take(length).collect());
            assert!(
                whole.starts_with(&prefix),
                "{prefix} is no prefix of {whole}"
            );
        }
    }
}
