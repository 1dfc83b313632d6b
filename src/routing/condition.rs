//! Whether a rule holds for a request: cheapest conditions first, the body last.

use super::request::Request;
use super::trace::Mismatch;
use crate::snapshot::{HeaderMatch, Provider, RuleMatch};

/// Checks all conditions.
///
/// # Errors
/// The first that does not hold.
pub(super) fn check(
    matches: &RuleMatch,
    request: &Request<'_>,
    explained: impl Fn() -> bool,
) -> Result<(), Mismatch> {
    let facts = request.facts;
    // First what most rules ask for: of a hundred rules, nearly all are passed over here.
    if !matches.model.is_empty() && !matches.model.iter().any(|glob| glob.matches(facts.model)) {
        return Err(Mismatch::Model);
    }
    let any_or_empty =
        |empty: bool, any: bool, why: Mismatch| if empty || any { Ok(()) } else { Err(why) };
    any_or_empty(
        matches.ingress.is_empty(),
        matches.ingress.contains(&facts.ingress),
        Mismatch::Ingress,
    )?;
    if matches.unexplained && explained() {
        return Err(Mismatch::Model);
    }
    caller(matches, request)?;
    let tokens = request.input_tokens();
    if matches.min_input_tokens.is_some_and(|least| tokens < least)
        || matches.max_input_tokens.is_some_and(|most| tokens > most)
    {
        return Err(Mismatch::InputTokens);
    }
    if !matches
        .header
        .iter()
        .all(|header| header_fits(header, request))
    {
        return Err(Mismatch::Header);
    }
    if !matches.model_regex.is_empty()
        && !matches
            .model_regex
            .iter()
            .any(|&index| request.fits_expression(index))
    {
        return Err(Mismatch::ModelRegex);
    }
    if (matches.has_tools && !request.has_tools())
        || (matches.has_thinking && !request.has_thinking())
        || (matches.has_images && !request.has_images())
    {
        return Err(Mismatch::Has);
    }
    let said = matches.keyword.iter().any(|&index| request.says(index));
    any_or_empty(matches.keyword.is_empty(), said, Mismatch::Keyword)
}

fn caller(matches: &RuleMatch, request: &Request<'_>) -> Result<(), Mismatch> {
    if matches.client_key.is_empty() && matches.tag.is_empty() {
        return Ok(());
    }
    let key = request.facts.client_key;
    if !matches.client_key.is_empty()
        && !key.is_some_and(|key| {
            matches
                .client_key
                .iter()
                .any(|want| *want == key.name || *want == key.id)
        })
    {
        return Err(Mismatch::ClientKey);
    }
    if !matches.tag.is_empty()
        && !key.is_some_and(|key| matches.tag.iter().any(|want| key.tags.contains(want)))
    {
        return Err(Mismatch::Tag);
    }
    Ok(())
}

fn header_fits(want: &HeaderMatch, request: &Request<'_>) -> bool {
    request
        .facts
        .headers
        .get_all(&want.name)
        .iter()
        .any(|value| {
            want.values.is_empty()
                || value
                    .to_str()
                    .is_ok_and(|value| want.values.iter().any(|glob| glob.matches(value)))
        })
}

/// Whether a name begins with this provider's name and a slash; what follows it.
pub(super) fn strip_provider<'m>(model: &'m str, provider: &Provider) -> Option<&'m str> {
    let (head, rest) = model.split_at_checked(provider.name.len())?;
    let rest = rest.strip_prefix('/')?;
    (head.eq_ignore_ascii_case(&provider.name) && !rest.is_empty()).then_some(rest)
}
