//! Finish reasons, both ways.

use std::borrow::Cow;

use crate::Text;
use crate::ir::Finish;

/// What an upstream's word means; `None` for the word that means nothing.
pub(super) fn read<'a>(word: Cow<'a, str>, message: Option<Text<'a>>) -> Option<Finish<'a>> {
    Some(match &*word {
        "" | "FINISH_REASON_UNSPECIFIED" => return None,
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "PROHIBITED_CONTENT"
        | "BLOCKLIST"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "MODEL_ARMOR"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED" => Finish::ContentFilter {
            category: Some(word),
            explanation: message,
        },
        "RECITATION" | "IMAGE_RECITATION" => Finish::Recitation,
        "LANGUAGE" => Finish::Language,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE" => Finish::BadToolCall(word),
        "NO_IMAGE" | "IMAGE_OTHER" => Finish::ImageFail(word),
        "CONTINUATION" => Finish::Continuation,
        _ => Finish::Other(word),
    })
}

/// The word for a client, which knows a closed set.
pub(super) fn word<'f>(finish: &'f Finish<'_>) -> &'f str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::ToolUse | Finish::Compaction => "STOP",
        Finish::Length | Finish::ContextWindow | Finish::Pause | Finish::Continuation => {
            "MAX_TOKENS"
        }
        Finish::ContentFilter { category, .. } => match category.as_deref() {
            Some(
                word @ ("SAFETY"
                | "PROHIBITED_CONTENT"
                | "BLOCKLIST"
                | "SPII"
                | "IMAGE_SAFETY"
                | "IMAGE_PROHIBITED_CONTENT"
                | "MODEL_ARMOR"
                | "ESCALATION"
                | "PUP_LIMITED_DISABLED"),
            ) => word,
            _ => "SAFETY",
        },
        Finish::Refusal => "SAFETY",
        Finish::Recitation => "RECITATION",
        Finish::Language => "LANGUAGE",
        Finish::BadToolCall(name) => match &**name {
            "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "MALFORMED_RESPONSE" => name,
            _ => "MALFORMED_FUNCTION_CALL",
        },
        Finish::ImageFail(name) if &**name == "NO_IMAGE" => "NO_IMAGE",
        Finish::ImageFail(_) => "IMAGE_OTHER",
        Finish::Cancelled | Finish::Other(_) => "OTHER",
    }
}

/// What the client is told beside the word.
pub(super) fn explanation<'f>(finish: &'f Finish<'_>) -> Option<&'f Text<'f>> {
    match finish {
        Finish::ContentFilter { explanation, .. } => {
            explanation.as_ref().filter(|text| !text.is_empty())
        }
        _ => None,
    }
}
