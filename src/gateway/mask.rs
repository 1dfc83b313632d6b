//! Takes the hub's own key out of what an upstream says.

use bytes::Bytes;
use http::HeaderValue;

/// Shorter texts than this are no key.
const SHORTEST: usize = 8;

/// The body with every occurrence of the key in `credential` (`Bearer KEY` or `KEY`) starred out.
pub(super) fn mask(body: Bytes, credential: &HeaderValue) -> Bytes {
    let bytes = credential.as_bytes();
    let secret = bytes.rsplit(|b| *b == b' ').next().unwrap_or(bytes);
    if secret.len() < SHORTEST || memchr::memmem::find(&body, secret).is_none() {
        return body;
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = &body[..];
    while let Some(at) = memchr::memmem::find(rest, secret) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"***");
        rest = &rest[at + secret.len()..];
    }
    out.extend_from_slice(rest);
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_starred_out() {
        let credential = HeaderValue::from_static("Bearer sk-secret-123");
        let body = Bytes::from_static(b"bad key sk-secret-123, really sk-secret-123.");
        assert_eq!(&mask(body, &credential)[..], b"bad key ***, really ***.");
        assert_eq!(&mask(Bytes::from_static(b"none"), &credential)[..], b"none");
    }
}
