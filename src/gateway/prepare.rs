//! Builds the request for one target: the client's bytes with edits, or a translation.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, Uri};
use translator::answer::Answer;
use translator::capability::{Capability, ReasoningKnob};
use translator::error::{Failure, FailureKind, Refusal};
use translator::fidelity::Report;
use translator::member::Member;
use translator::openai_chat::{Fit, fit};
use translator::recall::{self, Key};
use translator::replay::SEALED_ELSEWHERE;
use translator::translate::{self, Calls, Target};
use translator::undo::Undo;
use translator::{Dialect, anthropic, estimate, foreign, gemini};

use super::bytepath::{self, Wish};
use super::headers;
use super::oddities;
use super::order::{Order, Purpose};
use super::params;
use super::peek::Peek;
use super::remember;
use crate::routing::PlannedTarget;
use crate::snapshot::{Clamps, Endpoint, Mode};
use crate::upstream::Pieces;

/// A request ready to be sent, but for the credential.
pub(super) struct Prepared {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Pieces,
    pub(super) lane: Lane,
    pub(super) report: Report,
}

/// How the answer comes back.
pub(super) enum Lane {
    /// The upstream speaks the client's dialect; its bytes pass.
    Same {
        /// The client did not ask for the usage frame.
        strip: bool,
    },
    /// The answer is translated.
    Translated(Box<Translated>),
}

/// What a translation of the answer needs.
pub(super) struct Translated {
    pub(super) answer: Answer,
    pub(super) undo: Undo,
    /// One call for each alternative that the model does not give by itself.
    pub(super) calls: Calls,
}

impl Prepared {
    /// How many calls are made at once.
    pub(super) fn calls(&self) -> usize {
        match &self.lane {
            Lane::Same { .. } => 1,
            Lane::Translated(translated) => translated.calls.0.max(1),
        }
    }
}

/// Builds the request for a target.
pub(super) fn prepare(
    order: &Order,
    target: &PlannedTarget,
    drop_state: bool,
) -> Result<Prepared, Failure> {
    let provider = &target.provider;
    let same = provider.dialect == order.ingress && order.body_dialect == order.ingress;
    if order.purpose == Purpose::Compact {
        return Ok(passed(order, target, None));
    }
    if target.mode == Mode::Direct {
        if !same {
            return Err(Failure::new(
                FailureKind::Unsupported,
                format!(
                    "this route is direct and its provider {} speaks {}, not {}; call it in its own dialect or set the mode to transformer",
                    provider.name,
                    provider.dialect.as_str(),
                    order.ingress.as_str()
                ),
            ));
        }
    } else if !same
        || oddities::found_in(order.ingress, &order.body, &order.peek)
        || (provider.always_stream && !order.stream)
    {
        return translated(order, target, drop_state);
    } else if order.peek.sealed || foreign::found_in(order.ingress, &target.model, &order.body) {
        let mended = (!drop_state).then(|| mended(order, target)).flatten();
        return mended.map_or_else(|| translated(order, target, drop_state), Ok);
    }
    if let Some(body) = unnumbered(order, target) {
        let peek = Peek::at(&body)?;
        return Ok(passed(order, target, Some((&body, &peek))));
    }
    match fitted(order, target) {
        Fit::AsItIs => Ok(passed(order, target, None)),
        Fit::Edited { body, report } => {
            if let Some(loss) = report.first_loss().filter(|_| order.strict) {
                let message = format!("strict mode: {loss}");
                return Err(Failure::from(Refusal::new(loss.field.clone(), message)));
            }
            let body = Bytes::from(body);
            let peek = Peek::at(&body)?;
            Ok(Prepared {
                report,
                ..passed(order, target, Some((&body, &peek)))
            })
        }
        Fit::Translate => translated(order, target, drop_state),
    }
}

/// The client's own bytes without the state of other vendors, where that is all that is wrong with them.
fn mended(order: &Order, target: &PlannedTarget) -> Option<Prepared> {
    let provider = &target.provider;
    if provider.dialect != Dialect::Anthropic {
        return None;
    }
    let capability = provider.capability(&target.model);
    let aim = aim(order, target, capability, order.stream);
    let mended = anthropic::mend(std::str::from_utf8(&order.body).ok()?, &aim)?;
    let body = Bytes::from(mended.body);
    let peek = Peek::at(&body).ok()?;
    if mended.lost && order.strict
        || peek.sealed
        || foreign::is_refused(order.ingress, &target.model, &body)
    {
        return None;
    }
    let mut report = Report::default();
    if mended.lost {
        report.dropped(Member::State.of(order.ingress), SEALED_ELSEWHERE);
    }
    Some(Prepared {
        report,
        ..passed(order, target, Some((&body, &peek)))
    })
}

/// The target as the translator sees it.
fn aim<'t>(
    order: &Order,
    target: &'t PlannedTarget,
    capability: &'t Capability,
    stream: bool,
) -> Target<'t> {
    let provider = &target.provider;
    Target {
        dialect: provider.dialect,
        provider: &provider.name,
        model: &target.model,
        capability,
        stream,
        cache_key: None,
        auto_cache: provider.dialect == Dialect::Anthropic
            && order.body_dialect != Dialect::Anthropic,
        drop_state: false,
    }
}

/// The client's own bytes without ids of calls, for a Gemini surface that takes none.
fn unnumbered(order: &Order, target: &PlannedTarget) -> Option<Bytes> {
    let provider = &target.provider;
    let takes_none = provider.dialect == Dialect::Gemini
        && target.mode != Mode::Direct
        && provider.capability(&target.model).call_id_max == 0;
    let body = takes_none.then(|| std::str::from_utf8(&order.body).ok())??;
    gemini::without_call_ids(body).map(Bytes::from)
}

/// What becomes of the client's bytes at a server of its own dialect that knows less than OpenAI. Only where the
/// configuration or the address say which server that is: a guess by the model's name changes no bytes.
fn fitted(order: &Order, target: &PlannedTarget) -> Fit {
    let provider = &target.provider;
    let knows_less = provider
        .profile
        .is_some_and(|profile| !profile.is_plain(Dialect::OpenAiChat));
    if !knows_less || provider.dialect != Dialect::OpenAiChat || target.mode == Mode::Direct {
        return Fit::AsItIs;
    }
    // Valid UTF-8 was established when the body was looked at.
    let body = std::str::from_utf8(&order.body).unwrap_or("");
    fit(body, provider.capability(&target.model), order.stream)
}

/// The body without what the provider refuses.
fn without(body: Pieces, target: &PlannedTarget) -> Pieces {
    if target.provider.omit_params.is_empty() {
        return body;
    }
    let omitted = |key: &str| {
        target
            .provider
            .omit_params
            .iter()
            .any(|name| **name == *key)
    };
    let whole = body.whole();
    // Valid UTF-8 was established when the body was looked at.
    let text = std::str::from_utf8(&whole).unwrap_or("{}");
    let mut out = Vec::with_capacity(whole.len());
    translator::json::Writer::new(&mut out).object(|w| {
        for (key, range) in translator::json::members(text).filter(|(key, _)| !omitted(key)) {
            w.raw(&key, &text[range]);
        }
    });
    Bytes::from(out).into()
}

/// Bounds on the output limit for a target.
pub(super) fn clamps(order: &Order, target: &PlannedTarget) -> Clamps {
    let hub = order.snapshot.clamps;
    let max_tokens = match (hub.max_tokens, target.provider.max_tokens_limit) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Clamps {
        max_tokens,
        min_tokens: hub.min_tokens,
    }
}

fn passed(order: &Order, target: &PlannedTarget, fitted: Option<(&Bytes, &Peek)>) -> Prepared {
    let provider = &target.provider;
    let wish = Wish {
        dialect: order.ingress,
        mode: target.mode,
        model: &target.model,
        stream: order.stream,
        clamps: clamps(order, target),
        params: target.params.as_deref(),
        asks_for_usage: provider.dialect != Dialect::OpenAiChat
            || provider.profile.is_none()
            || provider.capability(&target.model).chat.stream_options,
    };
    let (document, peek) = match &order.original {
        _ if fitted.is_some() => fitted.unwrap_or((&order.body, &order.peek)),
        Some(original) if original.provider == provider.name => (&original.body, &original.peek),
        _ => (&order.body, &order.peek),
    };
    let (body, strip) = bytepath::body(document, peek, &wish);
    Prepared {
        uri: uri(target, order.endpoint(), &order.query),
        headers: headers::passed(&order.headers, provider, order.stream),
        body: without(body, target),
        lane: Lane::Same { strip },
        report: Report::default(),
    }
}

const fn endpoint(stream: bool) -> Endpoint {
    if stream {
        Endpoint::Stream
    } else {
        Endpoint::Generate
    }
}

/// Builds a translation, even between equal dialects.
pub(super) fn translated(
    order: &Order,
    target: &PlannedTarget,
    drop_state: bool,
) -> Result<Prepared, Failure> {
    let provider = &target.provider;
    let recall = |key: Key<'_>| remember::recall(&*order.hub.states, &order.scope, key);
    let mut request = order
        .body_dialect
        .decode_request(&order.body, &recall)
        .map_err(invalid)?;
    let stream = order.stream || provider.always_stream;
    request.stream = stream;
    if request.model.is_empty() || order.ingress == Dialect::Gemini {
        request.model = order.model.as_str().into();
    }
    let capability = provider.capability(&target.model);
    let clamps = clamps(order, target);
    params::apply(&mut request, target.params.as_deref());
    match (request.max_output, clamps.max_tokens) {
        (Some(limit), _) => request.max_output = Some(bytepath::clamp(limit, clamps)),
        // Where a limit must be sent, the default must not exceed the bound either.
        (None, Some(bound))
            if provider.dialect == Dialect::Anthropic && capability.default_output > bound =>
        {
            request.max_output = Some(bound);
        }
        (None, _) => {}
    }
    let mut answer = expected(order, &request);
    // State can come of models that reason; only then is it worth a look at the whole conversation.
    let has_state = capability.reasoning != ReasoningKnob::None || capability.replay_reasoning;
    answer.before = has_state.then(|| recall::mark(&request));
    let cache_key = cache_key(
        order,
        provider.dialect,
        request.user.as_ref().map(|user| user.as_str()).as_deref(),
    );
    let outbound = translate::request(
        request,
        &Target {
            cache_key: cache_key.as_deref(),
            drop_state,
            ..aim(order, target, capability, stream)
        },
        order.strict,
    )?;
    Ok(Prepared {
        uri: uri(target, endpoint(stream), ""),
        headers: headers::written(provider, stream, &outbound.headers),
        body: without(Bytes::from(outbound.body).into(), target),
        lane: Lane::Translated(Box::new(Translated {
            answer,
            undo: outbound.undo,
            calls: outbound.calls,
        })),
        report: outbound.report,
    })
}

/// What the client expects of an upstream of its own dialect whose answer cannot pass as it is.
pub(super) fn answer_of(order: &Order) -> Result<Answer, Failure> {
    let request = order
        .body_dialect
        .decode_request(&order.body, &translate::no_recall)
        .map_err(invalid)?;
    Ok(expected(order, &request))
}

fn expected(order: &Order, request: &translator::ir::Request<'_>) -> Answer {
    let mut answer = Answer::new(request, fastrand::u128(..), seconds_since_epoch());
    answer.dialect = order.ingress;
    answer.model.clone_from(&order.model);
    answer.json_array = order.json_array;
    if order.ingress == Dialect::Anthropic && order.stream {
        answer.input_estimate = estimate::request(request);
    }
    answer
}

/// A body that is no request of its dialect.
pub(super) fn invalid(refusal: translator::error::Refusal) -> Failure {
    Failure {
        kind: FailureKind::InvalidRequest,
        ..Failure::from(refusal)
    }
}

/// Where clients name their session.
static SESSION: [HeaderName; 5] = [
    HeaderName::from_static("x-claude-code-session-id"),
    HeaderName::from_static("session-id"),
    HeaderName::from_static("session_id"),
    HeaderName::from_static("x-session-affinity"),
    HeaderName::from_static("x-session-id"),
];

/// Ties the turns of one session together for the prompt cache, without naming anybody.
fn cache_key(order: &Order, dialect: Dialect, user: Option<&str>) -> Option<String> {
    if !matches!(dialect, Dialect::OpenAiChat | Dialect::OpenAiResponses) {
        return None;
    }
    let session = SESSION
        .iter()
        .find_map(|name| order.headers.get(name)?.to_str().ok().map(Cow::Borrowed))
        .or_else(|| session_of(user?))?;
    Some(translator::ident::hash_hex(
        &format!("{}\n{session}", order.scope),
        32,
    ))
}

/// The session that Claude Code names beside the user, as JSON or behind a word; a user alone is no session.
fn session_of(user: &str) -> Option<Cow<'_, str>> {
    let session = if user.starts_with('{') {
        let members: std::collections::HashMap<Cow<'_, str>, serde_json::Value> =
            serde_json::from_str(user).ok()?;
        Cow::Owned(members.get("session_id")?.as_str()?.to_owned())
    } else {
        Cow::Borrowed(user.rsplit_once("_session_")?.1)
    };
    (!session.is_empty()).then_some(session)
}

/// Where a call to a target goes.
pub(super) fn uri(target: &PlannedTarget, endpoint: Endpoint, query: &str) -> Uri {
    let base = &target.provider.base;
    let mut path = target.provider.path(endpoint, &target.model);
    if !query.is_empty() {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(query);
    }
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(if base.https {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    });
    parts.authority = base.authority.parse().ok();
    parts.path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(path)).ok();
    Uri::from_parts(parts).unwrap_or_default()
}

/// Now, as answers state it.
pub(super) fn seconds_since_epoch() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
