//! Request to body, in one write into one buffer.

use super::encode_config::Settings;
use super::{encode_config, encode_tools, encode_turns, turns};
use crate::Dialect;
use crate::error::Refusal;
use crate::ir::{Instruction, Policy, Request, Residue, Tier};
use crate::json::Writer;
use crate::member::Member;
use crate::translate::{Outbound, Target};

pub(crate) fn encode_request(
    request: &Request<'_>,
    target: &Target<'_>,
) -> Result<Outbound, Refusal> {
    let mut outbound = Outbound::default();
    let same = request.dialect == Dialect::Gemini;
    for residue in request.residue.iter().filter(|_| !same) {
        match residue.policy {
            Policy::Silent => {}
            Policy::Report => outbound
                .report
                .dropped(residue.field.clone().into_owned(), "unknown to Gemini"),
            Policy::Refuse => {
                let field = residue.field.clone().into_owned();
                let message = format!("{field} cannot be carried to Gemini; leave it out");
                return Err(Refusal::new(field, message));
            }
        }
    }
    let tools = encode_tools::plan(request, target, &mut outbound)?;
    let settings = encode_config::plan(request, target, &tools, &mut outbound)?;
    let contents = turns::gather(request, target.capability.prefill, &mut outbound.report);
    if contents.is_empty() {
        let member = Member::Turns.of(request.dialect);
        return Err(Refusal::new(
            member,
            format!("{member} is empty; send at least one user message"),
        ));
    }
    // Most of a body is text that is copied; this saves the buffer most of its growth.
    let mut body = Vec::with_capacity(16 << 10);
    let mut written = Ok(());
    Writer::new(&mut body).object(|w| {
        instructions(request, &settings, w);
        w.array_in("contents", |w| {
            written = encode_turns::contents(&contents, request, target, &tools, &mut outbound, w);
        });
        tools.write(w);
        settings.write(w);
        if same {
            extras(request, w);
        }
        if let Some(tier) = tier(request.tier) {
            w.str("serviceTier", tier);
        }
    });
    written?;
    outbound.body = body;
    Ok(outbound)
}

fn instructions(request: &Request<'_>, settings: &Settings<'_>, w: &mut Writer<'_>) {
    let stated = |instruction: &&Instruction<'_>| !instruction.text.is_empty();
    let mut blocks: Vec<&Instruction<'_>> = request.instructions.iter().filter(stated).collect();
    // Without any turn the last block serves as the only one.
    if request.turns.iter().all(|turn| turn.parts.is_empty()) {
        blocks.pop();
    }
    if blocks.is_empty() && settings.instruction.is_none() {
        return;
    }
    w.object_in("systemInstruction", |w| {
        w.array_in("parts", |w| {
            for block in blocks {
                w.object(|w| w.text("text", &block.text));
            }
            if let Some(instruction) = &settings.instruction {
                w.object(|w| w.str("text", instruction));
            }
        });
    });
}

/// What only this dialect has goes back as it came.
fn extras(request: &Request<'_>, w: &mut Writer<'_>) {
    for Residue { field, raw, .. } in &request.residue {
        if !field.contains('.') {
            w.raw(field, raw);
        }
    }
    if let Some(labels) = &request.metadata {
        w.raw("labels", labels);
    }
    if let Some(store) = request.store {
        w.bool("store", store);
    }
}

const fn tier(tier: Option<Tier>) -> Option<&'static str> {
    match tier {
        Some(Tier::Default) => Some("standard"),
        Some(Tier::Flex) => Some("flex"),
        Some(Tier::Priority) => Some("priority"),
        Some(Tier::Auto) | None => None,
    }
}
