//! Text that is never printed.

use std::fmt;

use sha2::{Digest, Sha256};

/// A credential. `Debug` and `Display` mask it; only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a credential in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The credential itself, to put on the wire and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Stable and safe to show.
    #[must_use]
    pub fn masked(&self) -> String {
        mask(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// First four characters, last four, and a short hash: enough to know a key again, too little to use it.
/// Of a short secret only the hash is shown.
#[must_use]
pub fn mask(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    let hash = format!("{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]);
    let plain = secret.len() >= 16 && secret.bytes().all(|b| b.is_ascii_graphic());
    if plain {
        format!("{}...{}#{hash}", &secret[..4], &secret[secret.len() - 4..])
    } else {
        format!("...#{hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_the_secret() {
        let text = "sk-canary-0123456789-end1";
        let secret = Secret::new(text);
        for shown in [
            format!("{secret}"),
            format!("{secret:?}"),
            format!("{:?}", vec![Some(secret.clone())]),
        ] {
            assert!(shown.contains("sk-c...end1#"), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
        assert_eq!(secret.expose(), text);
        assert!(!mask("short").contains("short"));
        assert_ne!(
            mask("sk-aaaaaaaaaaaaaaa1xxxx"),
            mask("sk-aaaaaaaaaaaaaaa2xxxx")
        );
    }
}
