//! Query strings: pairs, percent signs, and what must not be sent on or logged.

use std::borrow::Cow;

/// The pairs of a query string, decoded.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
}

/// The value of a parameter.
pub(super) fn get<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
    pairs(query?)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

/// True for parameters that carry a key.
pub(super) fn is_credential(name: &str) -> bool {
    matches!(name, "key" | "api_key" | "access_token")
}

/// The parameters that may go to an upstream of the same dialect, as they were written: neither
/// credentials nor the framing, which is the hub's business.
pub(super) fn forwardable(query: Option<&str>) -> String {
    let kept: Vec<&str> = query
        .unwrap_or("")
        .split('&')
        .filter(|pair| {
            let name = decode(pair.split_once('=').map_or(*pair, |(name, _)| name));
            !pair.is_empty() && !is_credential(&name) && name != "alt" && name != "$alt"
        })
        .collect();
    kept.join("&")
}

/// Undoes percent signs; what is not UTF-8 afterwards stays as it was written.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    percent_decode(&text.replace('+', " ")).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Undoes percent signs in a path; `None` when the result is not UTF-8 or a sign is damaged.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        if byte == b'%' {
            let high = char::from(*bytes.get(i + 1)?).to_digit(16)?;
            let low = char::from(*bytes.get(i + 2)?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
            i += 3;
        } else {
            out.push(byte);
            i += 1;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_here() {
        assert_eq!(
            forwardable(Some(
                "beta=true&key=s3&k%65y=s3&alt=sse&fields=a%2Fb&api_key=x"
            )),
            "beta=true&fields=a%2Fb"
        );
        assert_eq!(forwardable(None), "");
    }

    #[test]
    fn percent_signs() {
        assert_eq!(percent_decode("a%2Fb%20c").as_deref(), Some("a/b c"));
        assert_eq!(percent_decode("a%2"), None);
        assert_eq!(percent_decode("%ff"), None);
        assert_eq!(get(Some("a=1&b=x+y"), "b").as_deref(), Some("x y"));
    }
}
