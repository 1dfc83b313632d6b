//! The two halves of a translation: a request on its way up, an answer on its way down.

use crate::Dialect;
use crate::answer::Answer;
use crate::capability::Capability;
use crate::dialect::{StreamDecoder, StreamEncoder};
use crate::error::{Failure, FailureKind, Refusal};
use crate::estimate::Spoken;
use crate::fidelity::Report;
use crate::fold::Fold;
use crate::ir::{Event, Finish, Opaque, Opening, Request, Usage};
use crate::sequence::{Order, Sequencer};
use crate::sse;
use crate::undo::{Undo, UndoStream};

/// Finds the envelope that the hub kept for a call id; `None` when it has none.
pub type Recall<'r> = &'r dyn Fn(&str) -> Option<String>;

/// A recall that knows nothing.
#[must_use]
pub fn no_recall(_: &str) -> Option<String> {
    None
}

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
    crate::prepare::prepare(&mut request, target, &mut report)?;
    let mut outbound = target.dialect.encode_request(&request, target)?;
    report.merge(std::mem::take(&mut outbound.report));
    for (member, written) in &request.spelling {
        report.respell(member.of(request.dialect), written);
    }
    outbound.report = report;
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

/// An answer on its way from an upstream's stream to a client's stream.
#[derive(Debug)]
pub struct StreamTranslation {
    frames: sse::Decoder,
    decoder: StreamDecoder,
    stage: Stage,
}

/// The part behind the decoder: what was renamed is restored, the order made strict, the bytes written.
#[derive(Debug)]
struct Stage {
    undo: UndoStream,
    sequencer: Sequencer,
    encoder: StreamEncoder,
    summary: Summary,
}

/// What the gateway needs to know of a stream that passes.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Content has been seen: from here on there is no other attempt.
    pub content: bool,
    /// The latest token counts.
    pub usage: Option<Usage>,
    /// Output so far, for when the upstream does not come to count it.
    pub spoken: Spoken,
    /// Why the answer ended.
    pub finish: Option<Finish<'static>>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The hub has seen enough (a stop sequence): the upstream can be cancelled.
    pub satisfied: bool,
    /// Call ids and envelopes to keep for clients that drop what carries them.
    pub keep: Vec<(String, String)>,
    /// State of reasoning that belongs to the next call.
    pending: Vec<Opaque<'static>>,
    /// The client's dialect.
    client: Option<Dialect>,
}

impl Summary {
    /// True when nothing more will come: the gateway calls [`StreamTranslation::end`] and need not read on.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.failure.is_some() || self.finish.is_some() || self.satisfied
    }
}

impl StreamTranslation {
    /// A translation from `upstream` to the dialect of `answer`.
    #[must_use]
    pub fn new(upstream: Dialect, origin: &Origin<'_>, undo: &Undo, answer: Answer) -> Self {
        let summary = Summary::of(&answer);
        let order = match answer.dialect {
            Dialect::Anthropic | Dialect::OpenAiResponses | Dialect::Gemini => Order::OneAtATime,
            Dialect::OpenAiChat => Order::Interleaved,
        };
        Self {
            frames: sse::Decoder::default(),
            decoder: upstream.stream_decoder(origin),
            stage: Stage {
                undo: undo.stream(answer.input_estimate),
                sequencer: Sequencer::new(order, answer.ids.fork(1), answer.input_estimate),
                encoder: answer.dialect.stream_encoder(answer),
                summary,
            },
        }
    }

    /// Takes bytes of the upstream and appends bytes for the client.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.stage.summary.is_over() {
            return;
        }
        let Self {
            frames,
            decoder,
            stage,
        } = self;
        let fed = frames.feed(bytes, |frame| {
            decoder.frame(frame, &mut |event| stage.event(event, out));
        });
        if let Err(error) = fed {
            let failure = Failure::new(
                FailureKind::Upstream,
                format!("upstream stream cannot be read: {error}"),
            );
            self.stage.event(Event::Fail(failure), out);
        }
    }

    /// Takes a complete answer, which some servers give although a stream was asked for; [`Self::end`] follows.
    pub fn whole(&mut self, upstream: Dialect, body: &[u8], origin: Origin<'_>, out: &mut Vec<u8>) {
        let stage = &mut self.stage;
        upstream.decode_response(body, origin, &mut |event| stage.event(event, out));
    }

    /// The upstream has ended; appends what the client still needs.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if !self.stage.summary.is_over() {
            let Self {
                frames,
                decoder,
                stage,
            } = self;
            let fed =
                frames.end(|frame| decoder.frame(frame, &mut |event| stage.event(event, out)));
            match fed {
                Ok(()) => decoder.end(&mut |event| stage.event(event, out)),
                Err(error) => {
                    let failure = Failure::new(
                        FailureKind::Upstream,
                        format!("upstream stream cannot be read: {error}"),
                    );
                    stage.event(Event::Fail(failure), out);
                }
            }
        }
        self.stage.end(out);
    }

    /// The upstream or the hub has failed; appends the dialect's error ending.
    pub fn fail(&mut self, failure: Failure, out: &mut Vec<u8>) {
        self.stage.event(Event::Fail(failure), out);
        self.stage.end(out);
    }

    /// Appends a sign of life.
    pub fn heartbeat(&mut self, out: &mut Vec<u8>) {
        self.stage.encoder.heartbeat(out);
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

impl Stage {
    fn event(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        let Self {
            undo,
            sequencer,
            encoder,
            summary,
        } = self;
        // Several alternatives finish one after the other, so a finish does not close the gate. What else came in
        // the read in which a stop sequence stood must not matter.
        if summary.failure.is_some() || summary.satisfied {
            return;
        }
        undo.event(harden(event, summary.client), &mut |event| {
            sequencer.event(unanswered(event, summary), &mut |event| {
                summary.note(event);
                encoder.event(event, out);
            });
        });
        if undo.is_satisfied() {
            summary.satisfied = true;
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let Self {
            undo,
            sequencer,
            encoder,
            summary,
        } = self;
        undo.end(&mut |event| {
            sequencer.event(event, &mut |event| {
                summary.note(event);
                encoder.event(event, out);
            });
        });
        sequencer.end(&mut |event| {
            summary.note(event);
            encoder.event(event, out);
        });
        encoder.end(out);
        // What the client was told is what counts.
        if summary.failure.is_none()
            && let Some(failure) = encoder.failure()
        {
            summary.failure = Some(failure.clone());
            summary.finish = None;
        }
    }
}

impl Summary {
    fn of(answer: &Answer) -> Self {
        Self {
            client: Some(answer.dialect),
            ..Self::default()
        }
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &Event<'_>) {
        // Clients of both dialects may drop what carries the state and keep the calls.
        let keeps = matches!(self.client, Some(Dialect::OpenAiChat | Dialect::Anthropic));
        match event {
            Event::Open { kind, opaque, .. } => {
                self.content = true;
                if keeps && let Opening::ToolCall { id, .. } = kind {
                    let mut states = std::mem::take(&mut self.pending);
                    states.extend(opaque.iter().cloned().map(Opaque::into_owned));
                    if !states.is_empty() {
                        let id = match self.client {
                            Some(Dialect::Anthropic) => crate::anthropic::client_call_id(id),
                            _ => id.as_ref().into(),
                        };
                        self.keep
                            .push((id.into_owned(), crate::envelope::seal(&states)));
                    }
                }
            }
            Event::Close { opaque, .. } if keeps => {
                self.pending
                    .extend(opaque.iter().cloned().map(Opaque::into_owned));
            }
            Event::Delta { text, .. } => {
                self.content = true;
                self.spoken.add(text.len_hint());
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish { reason, .. } => self.finish = Some(reason.clone().into_owned()),
            Event::Fail(failure) => self.failure = Some(failure.clone()),
            Event::Start { .. }
            | Event::Citation { .. }
            | Event::Logprobs { .. }
            | Event::Close { .. }
            | Event::Ping => {}
        }
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
    let mut fold = Fold::default();
    let mut summary = Summary::of(answer);
    let mut stream = undo.stream(answer.input_estimate);
    let mut sequencer =
        Sequencer::new(Order::OneAtATime, answer.ids.fork(1), answer.input_estimate);
    decode(upstream, body, origin, &mut |event| {
        stream.event(harden(event, summary.client), &mut |event| {
            sequencer.event(unanswered(event, &summary), &mut |event| {
                summary.note(event);
                fold.event(event);
            });
        });
    });
    stream.end(&mut |event| {
        sequencer.event(event, &mut |event| {
            summary.note(event);
            fold.event(event);
        });
    });
    sequencer.end(&mut |event| {
        summary.note(event);
        fold.event(event);
    });
    if let Some(failure) = summary.failure.take() {
        return Err(failure);
    }
    let response = fold.finish();
    answer.dialect.encode_response(&response, answer, out);
    Ok(summary)
}

/// Some servers stream although nobody asked them to.
fn decode(upstream: Dialect, body: &[u8], origin: Origin<'_>, sink: &mut dyn FnMut(Event<'_>)) {
    if !sse::is_stream(body) {
        return upstream.decode_response(body, origin, sink);
    }
    let mut decoder = upstream.stream_decoder(&origin);
    let mut frames = sse::Decoder::default();
    let fed = frames
        .feed(body, |frame| decoder.frame(frame, sink))
        .and_then(|()| frames.end(|frame| decoder.frame(frame, sink)));
    match fed {
        Ok(()) => decoder.end(sink),
        Err(error) => {
            let words = format!("upstream stream cannot be read: {error}");
            sink(Event::Fail(Failure::new(FailureKind::Upstream, words)));
        }
    }
}

/// An unusable call must not end as a success: agents would take it for the end of their task.
/// Gemini clients know the reason and get it as it is.
fn harden(event: Event<'_>, client: Option<Dialect>) -> Event<'_> {
    match event {
        Event::Finish {
            reason: Finish::BadToolCall(reason),
            ..
        } if client != Some(Dialect::Gemini) => Event::Fail(Failure::new(
            FailureKind::Upstream,
            format!("the model made an unusable tool call ({reason})"),
        )),
        other => other,
    }
}

/// Nor must an answer without any content whose reason nobody knows.
fn unanswered<'a>(event: Event<'a>, summary: &Summary) -> Event<'a> {
    match event {
        Event::Finish {
            reason: Finish::Other(reason),
            ..
        } if !summary.content && summary.client != Some(Dialect::Gemini) => {
            Event::Fail(Failure::new(
                FailureKind::Upstream,
                format!("the model ended without an answer ({reason})"),
            ))
        }
        other => other,
    }
}
