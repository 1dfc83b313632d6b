//! A look at a complete answer that passes unchanged: is it one, and what did it cost?

use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::ir::Usage;
use translator::{json, usage as counts};

/// Checks an answer with status 200 and finds its usage.
///
/// # Errors
/// When the body is no answer of the dialect, or an error that came with a good status.
pub(super) fn check(dialect: Dialect, body: &[u8]) -> Result<Option<Usage>, Failure> {
    let not_json = || Failure::new(FailureKind::Upstream, "the upstream's answer is not JSON");
    let document = std::str::from_utf8(body).map_err(|_| not_json())?.trim();
    // A body that was cut must not pass as an answer; this costs about a microsecond for a kilobyte.
    if !document.starts_with('{')
        || serde_json::from_str::<serde::de::IgnoredAny>(document).is_err()
    {
        return Err(not_json());
    }
    let (content_name, usage_name) = match dialect {
        Dialect::OpenAiChat => ("choices", "usage"),
        Dialect::OpenAiResponses => ("output", "usage"),
        Dialect::Anthropic => ("content", "usage"),
        Dialect::Gemini => ("candidates", "usageMetadata"),
    };
    let (mut content, mut error, mut usage) = (false, false, None);
    for (key, range) in json::members(document) {
        if key == content_name {
            content = &document[range] != "null";
        } else if key == usage_name {
            usage = counts::read(dialect, &document[range]);
        } else if key == "error" {
            error = &document[range] != "null";
        } else if key == "promptFeedback" {
            // Gemini answers a blocked prompt without candidates.
            content = true;
        }
    }
    if error && !content {
        let mut failure = dialect.decode_error(500, document.as_bytes());
        failure.upstream_status = 0;
        return Err(failure);
    }
    if !content && dialect != Dialect::Gemini {
        return Err(Failure::new(
            FailureKind::Upstream,
            format!("the upstream's answer has no {content_name}"),
        ));
    }
    Ok(usage)
}
