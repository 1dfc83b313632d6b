//! The representation to a request body for an upstream. Built by the hub, so nothing is stored there and no
//! item carries an id.

use super::encode_config;
use super::encode_tools;
use super::encode_turns::Turns;
use crate::Dialect;
use crate::error::Refusal;
use crate::fidelity::Report;
use crate::ir::{Policy, Request};
use crate::json::Writer;
use crate::translate::{Outbound, Target};
use crate::undo::Undo;

/// What the body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An answer.
    Create,
    /// A count of the prompt's tokens, whose endpoint takes fewer members.
    Count,
}

/// What an encoding knows and gathers.
#[derive(Debug)]
pub(super) struct Encoding<'e> {
    pub(super) request: &'e Request<'e>,
    pub(super) target: &'e Target<'e>,
    pub(super) purpose: Purpose,
    pub(super) report: Report,
    pub(super) undo: Undo,
    /// Cache marks that are left out, so that the last ones remain.
    pub(super) skip_marks: usize,
    /// The first thing that cannot be carried.
    pub(super) refusal: Option<Refusal>,
}

/// Writes a request.
pub(crate) fn encode_request(
    request: &Request<'_>,
    target: &Target<'_>,
) -> Result<Outbound, Refusal> {
    encode(request, target, Purpose::Create)
}

/// Writes a request for the count of its input tokens (`POST /v1/responses/input_tokens`).
///
/// # Errors
/// When something cannot be carried (policy R).
pub fn encode_count_request(
    request: &Request<'_>,
    target: &Target<'_>,
) -> Result<Outbound, Refusal> {
    encode(request, target, Purpose::Count)
}

fn encode(
    request: &Request<'_>,
    target: &Target<'_>,
    purpose: Purpose,
) -> Result<Outbound, Refusal> {
    if request.n.is_some_and(|n| n > 1) {
        return Err(Refusal::new(
            "n",
            "this model gives one answer per request; leave n out or set it to 1",
        ));
    }
    let mut encoding = Encoding {
        request,
        target,
        purpose,
        report: Report::default(),
        undo: Undo::default(),
        skip_marks: 0,
        refusal: None,
    };
    encoding.residue()?;
    let mut body = Vec::with_capacity(4096);
    Writer::new(&mut body).object(|w| {
        w.str("model", target.model);
        Turns::new(&mut encoding).write(w);
        encode_tools::write(&mut encoding, w);
        encode_config::write(&mut encoding, w);
    });
    match encoding.refusal {
        Some(refusal) => Err(refusal),
        None => Ok(Outbound {
            body,
            headers: Vec::new(),
            report: encoding.report,
            undo: encoding.undo,
            ..Outbound::default()
        }),
    }
}

impl Encoding<'_> {
    /// True when the client speaks this dialect, so that native JSON goes out as it came.
    pub(super) fn is_native(&self) -> bool {
        self.request.dialect == Dialect::OpenAiResponses
    }

    /// Remembers the first thing that cannot be carried.
    pub(super) fn refuse(&mut self, param: impl Into<String>, message: impl Into<String>) {
        self.refusal
            .get_or_insert_with(|| Refusal::new(param, message));
    }

    /// Members that the representation has no place for. Those of this dialect are written later.
    fn residue(&mut self) -> Result<(), Refusal> {
        if self.is_native() {
            return Ok(());
        }
        for residue in &self.request.residue {
            match residue.policy {
                Policy::Silent => {}
                Policy::Report => self.report.dropped(
                    residue.field.clone().into_owned(),
                    "the Responses dialect has no such member",
                ),
                Policy::Refuse => {
                    return Err(Refusal::new(
                        residue.field.clone(),
                        format!(
                            "{} cannot be carried to this model; leave it out",
                            residue.field
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}
