//! A look at a complete answer that passes unchanged: is it one, and what did it cost?

use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::ir::Usage;
use translator::usage as counts;
use translator::wire::Cursor;

/// Checks an answer with status 200 and finds its usage.
///
/// # Errors
/// When the body is no answer of the dialect, or an error that came with a good status.
pub(super) fn check(dialect: Dialect, body: &[u8]) -> Result<Option<Usage>, Failure> {
    let not_json = || Failure::new(FailureKind::Upstream, "the upstream's answer is not JSON");
    let document = std::str::from_utf8(body).map_err(|_| not_json())?;
    let (content_name, usage_name) = match dialect {
        Dialect::OpenAiChat => ("choices", "usage"),
        Dialect::OpenAiResponses => ("output", "usage"),
        Dialect::Anthropic => ("content", "usage"),
        Dialect::Gemini => ("candidates", "usageMetadata"),
    };
    let (mut content, mut error, mut usage) = (false, false, None);
    // A body that was cut must not pass as an answer, so every byte of it is looked at.
    let mut cursor = Cursor::new(document);
    let read = cursor.object(|cursor, name| {
        let value = cursor.raw()?;
        match name.as_str() {
            name if name == content_name => content = value != "null",
            name if name == usage_name => usage = counts::read(dialect, value),
            "error" => error = value != "null",
            // Gemini answers a blocked prompt without candidates.
            "promptFeedback" => content = true,
            _ => {}
        }
        Ok(())
    });
    read.and_then(|()| cursor.finish())
        .map_err(|_| not_json())?;
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
