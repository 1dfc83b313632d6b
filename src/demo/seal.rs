//! Opaque reasoning state: a token that only this upstream makes and that it recognises when it comes back unmodified.
//! It is a checksum, not a secret: it must catch a hub that alters state, never protect anything.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};

const MARK: &str = "demo-state";
/// Clients re-encode state, with and without padding.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
const LENIENT: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG);

/// FNV-1a, 64 bit: stable over builds and machines, unlike the standard library's hasher.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The state that goes with a reasoning text, in standard base64.
pub(super) fn seal(kind: &str, text: &str) -> String {
    let bound = hash(text.as_bytes());
    STANDARD.encode(format!(
        "{MARK}:{kind}:{bound:016x}:{:016x}",
        check(kind, bound)
    ))
}

/// Whether a token is one of ours for this kind of state, in either base64 alphabet.
pub(super) fn genuine(kind: &str, token: &str) -> bool {
    open(kind, token).is_some()
}

/// Whether a token is ours and belongs to this very text.
pub(super) fn fits(kind: &str, token: &str, text: &str) -> bool {
    open(kind, token) == Some(hash(text.as_bytes()))
}

fn open(kind: &str, token: &str) -> Option<u64> {
    let standard = token.replace('-', "+").replace('_', "/");
    let plain = String::from_utf8(LENIENT.decode(standard).ok()?).ok()?;
    let rest = plain.strip_prefix(MARK)?.strip_prefix(':')?;
    let (bound, sum) = rest
        .strip_prefix(kind)?
        .strip_prefix(':')?
        .split_once(':')?;
    let bound = u64::from_str_radix(bound, 16).ok()?;
    (u64::from_str_radix(sum, 16).ok()? == check(kind, bound)).then_some(bound)
}

fn check(kind: &str, bound: u64) -> u64 {
    hash(format!("{MARK}|{kind}|{bound}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{fits, genuine, seal};

    #[test]
    fn accepts_its_own_and_nothing_else() {
        let token = seal("thinking", "a plan");
        assert!(fits("thinking", &token, "a plan"));
        assert!(!fits("thinking", &token, "another plan"));
        assert!(genuine(
            "thinking",
            &token.replace('+', "-").replace('/', "_").replace('=', "")
        ));
        assert!(!genuine("thought", &token));
        assert!(!genuine("thinking", "c29tZXRoaW5nIGVsc2U="));
        assert!(!genuine("thinking", &token[4..]));
    }
}
