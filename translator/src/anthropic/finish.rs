//! Why an answer ended, in both directions.

use std::borrow::Cow;

use super::wire::StopDetails;
use crate::Text;
use crate::ir::Finish;
use crate::json::Writer;

/// The categories that the service names.
const CATEGORIES: [&str; 5] = [
    "cyber",
    "bio",
    "frontier_llm",
    "reasoning_extraction",
    "general_harms",
];

/// Reads a stop reason.
pub(super) fn decode<'a>(
    reason: Cow<'a, str>,
    sequence: Option<Text<'a>>,
    details: Option<StopDetails<'a>>,
) -> Finish<'a> {
    match reason.as_ref() {
        "end_turn" => Finish::Stop,
        "max_tokens" => Finish::Length,
        "stop_sequence" => Finish::StopSequence(sequence),
        "tool_use" => Finish::ToolUse,
        "pause_turn" => Finish::Pause,
        "model_context_window_exceeded" => Finish::ContextWindow,
        "compaction" => Finish::Compaction,
        "refusal" => {
            let details = details.unwrap_or_default();
            Finish::ContentFilter {
                category: details.category.map(|category| category.0),
                explanation: details.explanation,
            }
        }
        _ => Finish::Other(reason),
    }
}

/// Writes `stop_reason`, `stop_sequence` and `stop_details`.
pub(super) fn write(w: &mut Writer<'_>, finish: Option<&Finish<'_>>) {
    let Some(finish) = finish else {
        w.null("stop_reason");
        w.null("stop_sequence");
        w.null("stop_details");
        return;
    };
    w.str("stop_reason", word(finish));
    match finish {
        Finish::StopSequence(Some(text)) => w.text("stop_sequence", text),
        _ => w.null("stop_sequence"),
    }
    match finish {
        Finish::ContentFilter {
            category,
            explanation,
        } => {
            write_details(w, category.as_deref(), explanation.as_ref());
        }
        Finish::Refusal | Finish::Recitation => write_details(w, None, None),
        // Never a silent end: an agent would take its task for done.
        Finish::BadToolCall(_) => {
            write_details(
                w,
                None,
                Some(&Text::borrowed(
                    "the model produced a tool call that cannot be used",
                )),
            );
        }
        _ => w.null("stop_details"),
    }
}

fn write_details(w: &mut Writer<'_>, category: Option<&str>, explanation: Option<&Text<'_>>) {
    w.object_in("stop_details", |w| {
        w.str("type", "refusal");
        match category.filter(|category| CATEGORIES.contains(category)) {
            Some(category) => w.str("category", category),
            None => w.null("category"),
        }
        match explanation {
            Some(explanation) => w.text("explanation", explanation),
            None => w.null("explanation"),
        }
    });
}

const fn word(finish: &Finish<'_>) -> &'static str {
    match finish {
        Finish::StopSequence(Some(_)) => "stop_sequence",
        Finish::Length | Finish::Continuation => "max_tokens",
        Finish::ContextWindow => "model_context_window_exceeded",
        Finish::ToolUse => "tool_use",
        Finish::Pause => "pause_turn",
        Finish::ContentFilter { .. }
        | Finish::Refusal
        | Finish::Recitation
        | Finish::BadToolCall(_) => "refusal",
        Finish::Stop
        | Finish::StopSequence(None)
        | Finish::Language
        | Finish::ImageFail(_)
        | Finish::Compaction
        | Finish::Cancelled
        | Finish::Other(_) => "end_turn",
    }
}
