//! The two halves of a translation: a request on its way up, an answer on its way down.

use crate::Dialect;
use crate::answer::Answer;
use crate::capability::Capability;
use crate::continuation::Continuation;
use crate::dialect::{StreamDecoder, StreamEncoder};
use crate::error::{Failure, FailureKind, Refusal};
use crate::fidelity::Report;
use crate::fold::Fold;
use crate::ir::{Event, Request};
use crate::member::Member;
use crate::sequence::Order;
use crate::sse;
use crate::stage::Stage;
use crate::undo::Undo;
use crate::wording::{Wording, Words};

pub use crate::stage::Summary;

pub use crate::recall::{Kept, Recall, no_recall};

/// The upstream that a request is written for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    /// Its dialect.
    pub dialect: Dialect,
    /// The hub's name of the provider; state of another provider is not replayed.
    pub provider: &'t str,
    /// The model to ask for.
    pub model: &'t str,
    /// What that model accepts.
    pub capability: &'t Capability,
    /// Ask for a stream.
    pub stream: bool,
    /// Opaque for the prompt-cache routing key when the client gave none: hash of client key and session.
    pub cache_key: Option<&'t str>,
    /// Write Anthropic cache marks for clients of dialects whose caching is implicit.
    pub auto_cache: bool,
    /// Leave all vendor state of earlier turns out (a retry after the vendor refused it).
    pub drop_state: bool,
}

/// Where an answer comes from; written into envelopes.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'o> {
    /// The hub's name of the provider.
    pub provider: &'o str,
    /// The upstream model.
    pub model: &'o str,
}

/// A request ready for an upstream.
#[derive(Clone, Debug, Default)]
pub struct Outbound {
    /// The body.
    pub body: Vec<u8>,
    /// Headers that the body needs (`anthropic-beta`, `anthropic-version`); credentials are the gateway's business.
    pub headers: Vec<(&'static str, String)>,
    /// What was changed.
    pub report: Report,
    /// What must be reversed in the answer.
    pub undo: Undo,
    /// How many calls with this body it takes: one for each alternative that the model does not give by itself.
    pub calls: Calls,
}

/// How many calls one request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls(pub usize);

impl Calls {
    /// A request for more alternatives than this is refused.
    pub const MOST: u64 = 8;
}

impl Default for Calls {
    fn default() -> Self {
        Self(1)
    }
}

/// Writes a request for an upstream: common repairs first, then the dialect's own encoder.
///
/// # Errors
/// When something cannot be carried (policy R), or when `strict` and anything would be lost.
pub fn request(
    mut request: Request<'_>,
    target: &Target<'_>,
    strict: bool,
) -> Result<Outbound, Refusal> {
    let mut report = Report::default();
    let calls = calls(&mut request, target.capability, &mut report)?;
    crate::prepare::prepare(&mut request, target, &mut report)?;
    crate::replay::admit(&mut request, target, &mut report);
    let mut outbound = target.dialect.encode_request(&request, target)?;
    outbound.calls = calls;
    report.merge(std::mem::take(&mut outbound.report));
    for (member, written) in &request.spelling {
        report.respell(member.of(request.dialect), written);
    }
    outbound.report = report;
    outbound.undo.unquote = request.bare_word;
    outbound.undo.asked = Some(
        request
            .stop
            .iter()
            .map(|text| text.as_str().into_owned())
            .collect(),
    );
    if strict && let Some(loss) = outbound.report.first_loss() {
        return Err(Refusal::new(
            loss.field.clone(),
            format!("strict translation to {}: {loss}", target.dialect.as_str()),
        ));
    }
    Ok(outbound)
}

/// Alternatives that the model does not give by itself are asked for one by one.
fn calls(
    request: &mut Request<'_>,
    capability: &Capability,
    report: &mut Report,
) -> Result<Calls, Refusal> {
    let Some(n) = request.n.filter(|&n| n > capability.n_max.max(1)) else {
        return Ok(Calls::default());
    };
    let field = Member::N.of(request.dialect);
    if n > Calls::MOST {
        let most = capability.n_max.max(Calls::MOST);
        let words = format!(
            "{field} is {n}, but this model gives at most {} by itself, and beyond that a request may take at most {} calls: ask for at most {most}",
            capability.n_max.max(1),
            Calls::MOST
        );
        return Err(Refusal::new(field, words));
    }
    request.n = None;
    report.emulated(
        field,
        format!("the model gives fewer alternatives: {n} calls are made, each of which is billed"),
    );
    Ok(Calls(n as usize))
}

/// An answer on its way from an upstream's stream to a client's stream.
///
/// Several calls may be behind it, one for each alternative (see [`Calls`]), and each of them may be gone on with by
/// another call when the upstream interrupts its answer: [`Self::is_paused`], [`Self::resume`] or [`Self::give_up`].
#[derive(Debug)]
pub struct StreamTranslation {
    upstream: Dialect,
    calls: Vec<Call>,
    stage: Stage,
    encoder: StreamEncoder,
}

/// What reads one call's stream.
#[derive(Debug)]
struct Call {
    frames: sse::Decoder,
    decoder: StreamDecoder,
    /// What goes on with a complete answer.
    next: Option<Continuation>,
    /// What it said it counted, and the calls before it with whose answer it goes on.
    words: Words,
    ended: bool,
}

impl Call {
    fn new(upstream: Dialect, origin: &Origin<'_>, resumes: bool) -> Self {
        let mut decoder = upstream.stream_decoder(origin);
        if resumes {
            decoder.keep_turn();
        }
        Self {
            frames: sse::Decoder::default(),
            decoder,
            next: None,
            words: Words::new(upstream),
            ended: false,
        }
    }

    fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        let Self {
            frames,
            decoder,
            words,
            ..
        } = self;
        let read = frames.feed(bytes, |frame| {
            decoder.frame(frame, sink);
            if decoder.take_news() {
                words.event(frame.data);
            }
        });
        if let Err(error) = read {
            sink(Event::Fail(unreadable(&error)));
        }
    }

    fn end(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let Self {
            frames,
            decoder,
            words,
            ..
        } = self;
        let read = frames.end(|frame| {
            decoder.frame(frame, sink);
            if decoder.take_news() {
                words.event(frame.data);
            }
        });
        match read {
            Ok(()) => decoder.end(sink),
            Err(error) => sink(Event::Fail(unreadable(&error))),
        }
    }
}

fn unreadable(error: &sse::Error) -> Failure {
    Failure::new(
        FailureKind::Upstream,
        format!("upstream stream cannot be read: {error}"),
    )
}

/// True when the upstream may interrupt its answer, and the client knows nothing of that.
#[must_use]
pub const fn resumes(upstream: Dialect, undo: &Undo) -> bool {
    undo.pauses || matches!(upstream, Dialect::Gemini)
}

impl StreamTranslation {
    /// A translation from `upstream` to the dialect of `answer`.
    #[must_use]
    pub fn new(upstream: Dialect, origin: &Origin<'_>, undo: &Undo, answer: Answer) -> Self {
        Self::of_calls(upstream, origin, undo, answer, Calls::default())
    }

    /// The same with a call for each alternative.
    #[must_use]
    pub fn of_calls(
        upstream: Dialect,
        origin: &Origin<'_>,
        undo: &Undo,
        answer: Answer,
        calls: Calls,
    ) -> Self {
        let order = match answer.dialect {
            Dialect::Anthropic | Dialect::OpenAiResponses => Order::OneAtATime,
            Dialect::Gemini => Order::OnePerChoice,
            Dialect::OpenAiChat => Order::Interleaved,
        };
        let resumes = resumes(upstream, undo);
        let mut stage = Stage::new(order, undo, &answer, calls, resumes);
        stage.summary.listen(&answer, upstream, origin);
        stage.flows = true;
        Self {
            upstream,
            calls: (0..calls.0.max(1))
                .map(|_| Call::new(upstream, origin, resumes))
                .collect(),
            stage,
            encoder: answer.dialect.stream_encoder(answer),
        }
    }

    /// Takes bytes of the only call and appends bytes for the client.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.feed_call(0, bytes, out);
    }

    /// Takes bytes of one of the calls and appends bytes for the client.
    pub fn feed_call(&mut self, call: usize, bytes: &[u8], out: &mut Vec<u8>) {
        if self.stage.summary.is_over() {
            return;
        }
        let Self {
            calls,
            stage,
            encoder,
            ..
        } = self;
        calls[call].feed(bytes, &mut |event| {
            stage.event(call, event, &mut |event| encoder.event(event, out));
        });
    }

    /// Takes a complete answer, which some servers give although a stream was asked for; [`Self::end`] follows.
    pub fn whole(&mut self, call: usize, body: &[u8], origin: Origin<'_>, out: &mut Vec<u8>) {
        let Self {
            upstream,
            calls,
            stage,
            encoder,
        } = self;
        calls[call].ended = true;
        calls[call].next = Continuation::of_answer(*upstream, body);
        let counts = upstream.decode_response(body, origin, &mut |event| {
            stage.event(call, event, &mut |event| encoder.event(event, out));
        });
        calls[call].words.whole(counts);
    }

    /// One of the calls has ended.
    pub fn end_call(&mut self, call: usize, out: &mut Vec<u8>) {
        if self.stage.summary.is_over() {
            return;
        }
        let Self {
            calls,
            stage,
            encoder,
            ..
        } = self;
        calls[call].end(&mut |event| {
            stage.event(call, event, &mut |event| encoder.event(event, out));
        });
    }

    /// The upstream has interrupted the answer of this call.
    #[must_use]
    pub fn is_paused(&self, call: usize) -> bool {
        self.stage.is_paused(call)
    }

    /// What another call has to say, when the upstream has interrupted the answer of this one.
    pub fn continuation(&mut self, call: usize) -> Option<Continuation> {
        let Call { decoder, next, .. } = &mut self.calls[call];
        next.take().or_else(|| decoder.continuation())
    }

    /// Another call goes on with the answer of this one.
    pub fn resume(&mut self, call: usize, origin: &Origin<'_>) {
        self.stage.resume(call);
        let next = Call::new(self.upstream, origin, true);
        let before = std::mem::replace(&mut self.calls[call], next);
        self.calls[call].words = before.words;
        self.calls[call].words.another_call();
    }

    /// The answer of this call will not be gone on with.
    pub fn give_up(&mut self, call: usize, out: &mut Vec<u8>) {
        let Self { stage, encoder, .. } = self;
        stage.give_up(call, &mut |event| encoder.event(event, out));
    }

    /// True when this call has nothing more to say.
    #[must_use]
    pub fn is_call_over(&self, call: usize) -> bool {
        self.stage.is_over(call)
    }

    /// The upstream has ended; appends what the client still needs.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        for call in 0..self.calls.len() {
            if !self.stage.is_over(call) {
                self.end_call(call, out);
            }
        }
        self.finish(out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let Self { stage, encoder, .. } = self;
        stage.end(&mut |event| encoder.event(event, out));
        encoder.end(out);
        // What the client was told is what counts.
        if stage.summary.failure.is_none()
            && let Some(failure) = encoder.failure()
        {
            stage.summary.failure = Some(failure.clone());
            stage.summary.finish = None;
        }
    }

    /// The upstream or the hub has failed; appends the dialect's error ending.
    pub fn fail(&mut self, failure: Failure, out: &mut Vec<u8>) {
        let Self { stage, encoder, .. } = self;
        stage.event(0, Event::Fail(failure), &mut |event| {
            encoder.event(event, out);
        });
        self.finish(out);
    }

    /// Appends a sign of life.
    pub fn heartbeat(&mut self, out: &mut Vec<u8>) {
        self.encoder.heartbeat(out);
    }

    /// The counts so far in the words of both sides.
    #[must_use]
    pub fn wording(&mut self) -> Wording {
        let calls = self.calls.iter_mut();
        Wording {
            upstream: calls.flat_map(|call| call.words.said()).collect(),
            client: self.encoder.told(),
        }
    }

    /// What has been seen so far.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.stage.summary
    }

    /// What has been seen so far, for the gateway to take pieces of.
    pub const fn summary_mut(&mut self) -> &mut Summary {
        &mut self.stage.summary
    }
}

/// A complete answer, put together from the complete answers of one call or several.
#[derive(Debug)]
pub struct Gathering {
    upstream: Dialect,
    stage: Stage,
    fold: Fold,
    words: Words,
}

impl Gathering {
    /// Nothing gathered yet.
    #[must_use]
    pub fn new(
        upstream: Dialect,
        origin: &Origin<'_>,
        undo: &Undo,
        answer: &Answer,
        calls: Calls,
    ) -> Self {
        let resumes = resumes(upstream, undo);
        let mut stage = Stage::new(Order::OneAtATime, undo, answer, calls, resumes);
        stage.summary.listen(answer, upstream, origin);
        Self {
            upstream,
            stage,
            fold: Fold::default(),
            words: Words::new(upstream),
        }
    }

    /// Takes the answer of a call. When the upstream has interrupted it: what another call has to say, whose answer
    /// is taken next for the same call.
    pub fn take(&mut self, call: usize, body: &[u8], origin: Origin<'_>) -> Option<Continuation> {
        let Self {
            upstream,
            stage,
            fold,
            words,
        } = self;
        let mut sink = |event: Event<'_>| stage.event(call, event, &mut |event| fold.event(event));
        let next = if sse::is_stream(body) {
            // Some servers stream although nobody asked them to.
            let mut reading = Call::new(*upstream, &origin, true);
            reading.feed(body, &mut sink);
            reading.end(&mut sink);
            words.answer(body);
            reading.decoder.continuation()
        } else {
            words.whole(upstream.decode_response(body, origin, &mut sink));
            None
        };
        if !stage.is_paused(call) {
            return None;
        }
        next.or_else(|| Continuation::of_answer(*upstream, body))
    }

    /// Another call goes on with the answer of this one.
    pub fn resume(&mut self, call: usize) {
        self.stage.resume(call);
    }

    /// Writes the answer; gives the counts in the words of both sides with the rest.
    ///
    /// # Errors
    /// When an upstream's body is no answer, says that it failed, or holds what the client's dialect cannot tell.
    pub fn finish(
        self,
        answer: &mut Answer,
        out: &mut Vec<u8>,
    ) -> Result<(Summary, Wording), Failure> {
        let Self {
            mut stage,
            mut fold,
            mut words,
            ..
        } = self;
        stage.end(&mut |event| fold.event(event));
        if let Some(failure) = stage.summary.failure.take() {
            return Err(failure);
        }
        let response = fold.finish();
        if let Some(failure) = answer.dialect.unusable(&response) {
            return Err(failure);
        }
        let told = answer.dialect.encode_response(&response, answer, out);
        let client = told.and_then(|place| std::str::from_utf8(&out[place]).ok());
        let wording = Wording {
            upstream: words.said(),
            client: client.map(str::to_owned),
        };
        Ok((stage.summary, wording))
    }
}

/// Translates a complete answer of an upstream into the client's dialect.
///
/// # Errors
/// When the upstream's body is no answer, or says that it failed.
pub fn response(
    upstream: Dialect,
    body: &[u8],
    origin: Origin<'_>,
    undo: &Undo,
    answer: &mut Answer,
    out: &mut Vec<u8>,
) -> Result<Summary, Failure> {
    let mut gathering = Gathering::new(upstream, &origin, undo, answer, Calls::default());
    gathering.take(0, body, origin);
    gathering.finish(answer, out).map(|(summary, _)| summary)
}
