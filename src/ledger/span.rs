//! Where a request stands in a distributed trace, in the notation of W3C Trace Context. Knows nothing of who
//! collects traces.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries a place in a trace.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request's place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanContext {
    /// The trace, never zero.
    pub trace: u128,
    /// The client's own span, where it told of one.
    pub parent: Option<u64>,
    /// The request's span, never zero.
    pub span: u64,
    /// Whether anybody wants to see it.
    pub sampled: bool,
}

impl SpanContext {
    /// The place that a client told, or the beginning of a trace. Of several headers none can be believed.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut told = headers.get_all(&TRACEPARENT).iter();
        let parent = match (told.next(), told.next()) {
            (Some(one), None) => one.to_str().ok().and_then(parse),
            _ => None,
        };
        let (trace, parent, sampled) = match parent {
            Some((trace, parent, sampled)) => (trace, Some(parent), sampled),
            None => (fastrand::u128(1..), None, true),
        };
        Self {
            trace,
            parent,
            span: fresh(),
            sampled,
        }
    }

    /// What an upstream is told, whose call is the span `span`.
    #[must_use]
    pub fn traceparent(&self, span: u64) -> HeaderValue {
        let mut text = String::with_capacity(55);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "00-{:032x}-{span:016x}-{:02x}",
            self.trace,
            u8::from(self.sampled)
        );
        HeaderValue::from_str(&text).expect("hexadecimal digits and dashes")
    }
}

/// The name of a new span.
#[must_use]
pub fn fresh() -> u64 {
    fastrand::u64(1..)
}

/// Reads `version-trace-parent-flags`. A later version may say more behind it.
fn parse(text: &str) -> Option<(u128, u64, bool)> {
    let (version, rest) = text.trim().split_once('-')?;
    let mut parts = rest.split('-');
    let (trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let more = parts.next().is_some();
    if version == "ff" || (version == "00" && more) {
        return None;
    }
    hexadecimal(version, 2)?;
    let trace = hexadecimal(trace, 32).filter(|trace| *trace != 0)?;
    let parent = hexadecimal(parent, 16).filter(|parent| *parent != 0)?;
    let flags = hexadecimal(flags, 2)?;
    Some((trace, u64::try_from(parent).ok()?, flags & 1 == 1))
}

/// Lower-case digits of a fixed number: nothing else is legal there.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let legal = text.len() == digits
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    legal.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn of(values: &[&str]) -> SpanContext {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).expect("legal"));
        }
        SpanContext::of(&headers)
    }

    #[test]
    fn the_clients_place_is_taken_up() {
        let told = of(&[&format!("00-{TRACE}-b7ad6b7169203331-01")]);
        assert_eq!(told.trace, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(told.parent, Some(0xb7ad_6b71_6920_3331));
        assert!(told.sampled && told.span != 0);
        let value = told.traceparent(7);
        assert_eq!(value, &*format!("00-{TRACE}-0000000000000007-01"));
        let unwanted = of(&[&format!("00-{TRACE}-b7ad6b7169203331-02")]);
        assert!(!unwanted.sampled);
        assert_eq!(
            unwanted.traceparent(1),
            &*format!("00-{TRACE}-0000000000000001-00")
        );
        let later = of(&[&format!("cc-{TRACE}-b7ad6b7169203331-01-what-comes")]);
        assert_eq!(later.parent, Some(0xb7ad_6b71_6920_3331));
    }

    #[test]
    fn what_is_no_place_begins_a_trace() {
        let good = format!("00-{TRACE}-b7ad6b7169203331-01");
        for values in [
            vec![],
            vec!["00"],
            vec!["00-00000000000000000000000000000000-b7ad6b7169203331-01"],
            vec!["00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"],
            vec!["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"],
            vec!["ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            vec!["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"],
            vec!["00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            vec![&*good, &*good],
        ] {
            let begun = of(&values);
            assert!(begun.parent.is_none() && begun.sampled, "{values:?}");
            assert_ne!(begun.trace, 0, "{values:?}");
        }
    }
}
