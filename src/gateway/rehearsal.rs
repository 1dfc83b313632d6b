//! What an upstream would be sent, without an upstream: a request between two dialects.
//!
//! Serves those who only want to look. It must never know a provider, a route or a key; where these matter,
//! `explain` prepares a request as the pipeline does.

use bytes::Bytes;
use translator::answer::Answer;
use translator::error::{Failure, Refusal};
use translator::fidelity::Report;
use translator::translate::{self, Target};
use translator::undo::Undo;
use translator::{Dialect, capability, estimate};

use super::bytepath::{self, Wish};
use super::peek::Peek;
use super::prepare::invalid;
use crate::snapshot::{Clamps, Mode};

/// A request to look at.
#[derive(Clone, Debug)]
pub struct Rehearsal<'r> {
    /// The client's dialect.
    pub from: Dialect,
    /// The upstream's dialect.
    pub to: Dialect,
    /// The client's body.
    pub body: &'r Bytes,
    /// The model to ask for; the client's own when absent.
    pub model: Option<&'r str>,
    /// Refuse what cannot be carried without loss.
    pub strict: bool,
}

/// What would be sent, and what would come back.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// The bytes pass as they are, but for the model.
    pub same: bool,
    /// The model that would be asked for.
    pub model: String,
    /// The body for the upstream.
    pub body: Bytes,
    /// Headers that the body needs.
    pub headers: Vec<(&'static str, String)>,
    /// What was changed.
    pub report: Report,
    /// What would be reversed in the answer.
    pub undo: Undo,
    /// What the client expects of the answer.
    pub answer: Answer,
}

/// Why a rehearsal came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Unrehearsed {
    /// The body is no request of its dialect.
    #[error("{}", .0.message)]
    Invalid(Failure),
    /// The other dialect cannot carry it, or not without loss.
    #[error("{0}")]
    Refused(Refusal),
}

impl From<Unrehearsed> for Failure {
    fn from(reason: Unrehearsed) -> Self {
        match reason {
            Unrehearsed::Invalid(failure) => failure,
            Unrehearsed::Refused(refusal) => refusal.into(),
        }
    }
}

/// Writes a request for a dialect.
///
/// # Errors
/// When the body cannot be read, or cannot be carried.
pub fn rehearse(wanted: &Rehearsal<'_>) -> Result<Rehearsed, Unrehearsed> {
    let peek = Peek::at(wanted.body).map_err(Unrehearsed::Invalid)?;
    let request = wanted
        .from
        .decode_request(wanted.body, &translate::no_recall);
    let mut request = request.map_err(|refusal| Unrehearsed::Invalid(invalid(refusal)))?;
    let own = request
        .model
        .strip_prefix("models/")
        .unwrap_or(&request.model)
        .to_owned();
    let model = wanted.model.map_or_else(|| own.clone(), str::to_owned);
    request.model = if own.is_empty() { model.clone() } else { own }.into();
    let mut answer = Answer::new(&request, 0, 0);
    if wanted.from == Dialect::Anthropic {
        answer.input_estimate = estimate::request(&request);
    }
    let stream = request.stream;
    if wanted.from == wanted.to && !peek.sealed {
        let wish = Wish {
            dialect: wanted.from,
            mode: Mode::Direct,
            model: &model,
            stream,
            clamps: Clamps::default(),
            params: None,
            asks_for_usage: true,
        };
        let (body, _) = bytepath::body(wanted.body, &peek, &wish);
        return Ok(Rehearsed {
            same: true,
            model,
            body: body.whole(),
            headers: Vec::new(),
            report: Report::default(),
            undo: Undo::default(),
            answer,
        });
    }
    let target = Target {
        dialect: wanted.to,
        provider: wanted.to.as_str(),
        model: &model,
        capability: capability::of(wanted.to, &model),
        stream,
        cache_key: None,
        auto_cache: wanted.to == Dialect::Anthropic && wanted.from != Dialect::Anthropic,
        drop_state: false,
    };
    let outbound =
        translate::request(request, &target, wanted.strict).map_err(Unrehearsed::Refused)?;
    Ok(Rehearsed {
        same: false,
        body: Bytes::from(outbound.body),
        headers: outbound.headers,
        report: outbound.report,
        undo: outbound.undo,
        answer,
        model,
    })
}
