//! Counting tokens: the same request, wrapped.

use super::encode_request;
use crate::error::Refusal;
use crate::ir::Request;
use crate::translate::{Outbound, Target};

/// Writes the body of a `countTokens` call. The whole request is counted, tools and instructions included.
///
/// # Errors
/// As for the request itself.
pub fn encode_count_request(
    request: &Request<'_>,
    target: &Target<'_>,
) -> Result<Outbound, Refusal> {
    let mut outbound = encode_request(request, target)?;
    let mut model = Vec::new();
    let bare = target.model.strip_prefix("models/").unwrap_or(target.model);
    crate::json::escape_into(&format!("models/{bare}"), &mut model);
    let mut body = Vec::with_capacity(outbound.body.len() + model.len() + 48);
    body.extend_from_slice(b"{\"generateContentRequest\":{\"model\":");
    body.extend_from_slice(&model);
    body.push(b',');
    // The request always has contents, so something follows its brace.
    body.extend_from_slice(outbound.body.get(1..).unwrap_or_default());
    body.push(b'}');
    outbound.body = body;
    Ok(outbound)
}
