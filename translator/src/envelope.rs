//! Vendor state in the opaque fields of another vendor's dialect.
//!
//! Form for Anthropic, Responses and Chat clients: `hub1.` + base64url of the payload. For Gemini clients,
//! whose SDKs decode and re-encode the field: standard base64 of `HUB1` + payload. The payload is a CRC-32
//! and a compact JSON list of records. There is no time and no nonce: the same state gives the same bytes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};

use crate::Dialect;
use crate::ir::{Opaque, OpaqueKind};

/// The prefix by which an envelope is recognised in text fields.
pub const PREFIX: &str = "hub1.";
const BINARY_PREFIX: &[u8] = b"HUB1";
/// Larger envelopes are not opened.
const MAX_BYTES: usize = 1 << 20;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// An envelope for a text field. With no state at all it still is a valid, recognisable envelope.
#[must_use]
pub fn seal(states: &[Opaque<'_>]) -> String {
    let mut out = String::from(PREFIX);
    URL_SAFE.encode_string(payload(states), &mut out);
    out
}

/// An envelope for a Gemini `thoughtSignature`.
#[must_use]
pub fn seal_base64(states: &[Opaque<'_>]) -> String {
    let mut bytes = BINARY_PREFIX.to_vec();
    bytes.extend_from_slice(&payload(states));
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// An envelope for the hub's own summary of a conversation.
#[must_use]
pub fn seal_summary(text: &str) -> String {
    let mut out = String::from(PREFIX);
    URL_SAFE.encode_string(summed(&Value::from(text).to_string()), &mut out);
    out
}

/// The summary in an envelope; `None` when the text is something else or damaged.
#[must_use]
pub fn open_summary(text: &str) -> Option<String> {
    let body = text.strip_prefix(PREFIX)?;
    if body.len() > MAX_BYTES * 2 {
        return None;
    }
    serde_json::from_slice(checked(&URL_SAFE.decode(body).ok()?)?).ok()
}

/// Opens an envelope of either form; `None` when the text is something else (a vendor's own state) or damaged. Of one
/// that is too large it tells only that it was there, so that the loss can be reported.
#[must_use]
pub fn open(text: &str) -> Option<Vec<Opaque<'static>>> {
    if text.len() > MAX_BYTES * 2 {
        return is_envelope(text).then(|| vec![oversized()]);
    }
    if let Some(body) = text.strip_prefix(PREFIX) {
        return parse(&URL_SAFE.decode(body).ok()?);
    }
    // `HUB1` in base64 begins with these characters in either alphabet; test before decoding.
    if !text.starts_with("SFVCM") {
        return None;
    }
    let bytes = URL_SAFE
        .decode(text)
        .or_else(|_| STANDARD.decode(text))
        .ok()?;
    parse(bytes.strip_prefix(BINARY_PREFIX)?)
}

const fn oversized() -> Opaque<'static> {
    Opaque {
        origin: Dialect::Anthropic,
        provider: None,
        model: None,
        kind: OpaqueKind::Oversized,
        state: Cow::Borrowed(""),
    }
}

/// True when the text claims to be an envelope of the hub.
#[must_use]
pub fn is_envelope(text: &str) -> bool {
    begins(text.as_bytes())
}

/// True when an envelope begins here. A body with such a string must not go to a vendor as it is.
#[must_use]
#[inline]
pub fn begins(text: &[u8]) -> bool {
    match text.first() {
        Some(b'h') => text.starts_with(PREFIX.as_bytes()),
        Some(b'S') => text.starts_with(b"SFVCM"),
        _ => false,
    }
}

fn payload(states: &[Opaque<'_>]) -> Vec<u8> {
    let records: Vec<Value> = states
        .iter()
        .map(|state| {
            json!({
                "o": state.origin.as_str(),
                "p": state.provider.as_deref(),
                "m": state.model.as_deref(),
                "k": state.kind.as_str(),
                "s": state.state,
            })
        })
        .collect();
    summed(&Value::Array(records).to_string())
}

/// A payload behind its checksum.
fn summed(body: &str) -> Vec<u8> {
    let mut out = crc32fast::hash(body.as_bytes()).to_be_bytes().to_vec();
    out.extend_from_slice(body.as_bytes());
    out
}

/// The payload, if its checksum is right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (crc, body) = bytes.split_first_chunk::<4>()?;
    (crc32fast::hash(body) == u32::from_be_bytes(*crc)).then_some(body)
}

fn parse(bytes: &[u8]) -> Option<Vec<Opaque<'static>>> {
    let records: Vec<Value> = serde_json::from_slice(checked(bytes)?).ok()?;
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .map(|text| Cow::Owned(text.to_owned()))
    };
    records
        .iter()
        .map(|record| {
            Some(Opaque {
                origin: Dialect::parse(record.get("o")?.as_str()?)?,
                provider: text(record, "p"),
                model: text(record, "m"),
                kind: OpaqueKind::parse(record.get("k")?.as_str()?)?,
                state: text(record, "s")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> Opaque<'static> {
        Opaque {
            origin: Dialect::Gemini,
            provider: Some("google".into()),
            model: Some("gemini-3-pro".into()),
            kind: OpaqueKind::Signature,
            state: "c2ln?".into(),
        }
    }

    #[test]
    fn both_forms_come_back() {
        assert_eq!(open(&seal(&[state()])), Some(vec![state()]));
        let sealed = seal_base64(&[state(), state()]);
        assert_eq!(open(&sealed), Some(vec![state(), state()]));
        // The Google SDK re-encodes the field with the other alphabet.
        let again = sealed.replace('+', "-").replace('/', "_");
        assert_eq!(open(&again), Some(vec![state(), state()]));
        assert_eq!(open(&seal(&[])), Some(Vec::new()));
    }

    #[test]
    fn damage_and_strangers_are_refused() {
        let sealed = seal(&[state()]);
        for cut in [6, 12, sealed.len() / 2, sealed.len() - 1] {
            assert_eq!(open(&sealed[..cut]), None, "cut at {cut}");
        }
        assert_eq!(open("EqQBCgIYAh"), None);
        assert!(is_envelope(&sealed) && !is_envelope("EqQBCgIYAh"));
    }
}
