//! Keeping secrets: sealing what must come back, and digesting what must only be known again.
//!
//! One random root key seals everything in the database, through one derived key per purpose. The root itself
//! is in the database too, wrapped under the operator's key, so that changing the operator's key wraps
//! one value anew and nothing else. The context of a sealed value (its row) is part of the seal: moved
//! elsewhere it does not open.

use std::fmt;

use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::config::Secret;

const FORM: &str = "v1.";
const NONCE: usize = 24;

/// What a key is for. A value of one purpose is garbage for all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Credentials of providers.
    Upstream,
    /// Digests of client keys.
    ClientKey,
    /// Digests of refresh tokens.
    Refresh,
    /// Signatures of access tokens.
    Access,
    /// Bodies of captured requests.
    Capture,
    /// What people keep of their conversations.
    Conversation,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::ClientKey => "client-key",
            Self::Refresh => "refresh",
            Self::Access => "access",
            Self::Capture => "capture",
            Self::Conversation => "conversation",
        }
    }
}

/// A sealed value does not open: wrong key, wrong row, or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret does not open with this key")]
pub struct Unopened;

/// Seals and digests.
#[derive(Clone)]
pub struct Vault {
    root: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// A vault with a new random root.
    #[must_use]
    pub fn fresh() -> Self {
        Self { root: random() }
    }

    /// The root, wrapped under the operator's key.
    #[must_use]
    pub fn wrapped(&self, operator: &Secret) -> String {
        let key = derive(operator.expose().as_bytes(), "keyring");
        let text = Zeroizing::new(BASE64.encode(*self.root));
        seal(&key, "root", &text)
    }

    /// The vault of a wrapped root.
    ///
    /// # Errors
    /// When the operator's key is not the one it was wrapped with.
    pub fn unwrap(wrapped: &str, operator: &Secret) -> Result<Self, Unopened> {
        let key = derive(operator.expose().as_bytes(), "keyring");
        let text = Zeroizing::new(open(&key, "root", wrapped)?);
        let bytes = Zeroizing::new(BASE64.decode(&*text).map_err(|_| Unopened)?);
        let root = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| Unopened)?;
        Ok(Self {
            root: Zeroizing::new(root),
        })
    }

    /// The key of a purpose.
    #[must_use]
    pub fn key(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        derive(&*self.root, purpose.label())
    }

    /// Seals a text into its context.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &str, text: &str) -> String {
        seal(&self.key(purpose), context, text)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// When it was sealed for something else, elsewhere, or was changed.
    pub fn open(&self, purpose: Purpose, context: &str, sealed: &str) -> Result<Secret, Unopened> {
        open(&self.key(purpose), context, sealed).map(Secret::new)
    }

    /// A keyed digest in 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self, purpose: Purpose, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.key(purpose));
        hex(hmac::sign(&key, text.as_bytes()).as_ref())
    }
}

/// A random value for a key or a token.
#[must_use]
pub fn random() -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::fill(&mut *bytes).expect("the operating system has random numbers");
    bytes
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn derive(secret: &[u8], label: &str) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0_u8; 32]);
    let label = [label.as_bytes()];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"llm-bridge")
        .extract(secret)
        .expand(&label, hkdf::HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut *key))
        .expect("32 bytes are what this derivation gives");
    key
}

fn seal(key: &[u8; 32], context: &str, text: &str) -> String {
    let mut nonce = [0_u8; NONCE];
    nonce.copy_from_slice(&random()[..NONCE]);
    let payload = Payload {
        msg: text.as_bytes(),
        aad: context.as_bytes(),
    };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a text in memory is short enough to be sealed");
    let mut bytes = nonce.to_vec();
    bytes.extend(sealed);
    format!("{FORM}{}", BASE64.encode(bytes))
}

fn open(key: &[u8; 32], context: &str, sealed: &str) -> Result<String, Unopened> {
    let text = sealed.strip_prefix(FORM).ok_or(Unopened)?;
    let bytes = BASE64.decode(text).map_err(|_| Unopened)?;
    let (nonce, msg) = bytes.split_at_checked(NONCE).ok_or(Unopened)?;
    let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Unopened)?;
    let aad = context.as_bytes();
    let opened = XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(nonce), Payload { msg, aad })
        .map_err(|_| Unopened)?;
    String::from_utf8(opened).map_err(|_| Unopened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_in_its_row_only() {
        let vault = Vault::fresh();
        let sealed = vault.seal(Purpose::Upstream, "secrets/1", "sk-canary");
        assert!(!sealed.contains("canary"));
        let opened = vault.open(Purpose::Upstream, "secrets/1", &sealed);
        assert_eq!(opened.expect("opens").expose(), "sk-canary");
        for (purpose, context) in [
            (Purpose::Upstream, "secrets/2"),
            (Purpose::Capture, "secrets/1"),
        ] {
            assert_eq!(vault.open(purpose, context, &sealed), Err(Unopened));
        }
        assert_eq!(
            Vault::fresh().open(Purpose::Upstream, "secrets/1", &sealed),
            Err(Unopened)
        );
        let mut changed = sealed.into_bytes();
        let last = changed.len() - 3;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("still text");
        assert_eq!(
            vault.open(Purpose::Upstream, "secrets/1", &changed),
            Err(Unopened)
        );
    }

    #[test]
    fn the_root_survives_a_change_of_the_operators_key() {
        let vault = Vault::fresh();
        let (old, new) = (
            Secret::new("old operator key"),
            Secret::new("new operator key"),
        );
        let digest = vault.digest(Purpose::ClientKey, "sk-1");
        let moved = Vault::unwrap(&vault.wrapped(&old), &old).expect("the right key");
        let moved = Vault::unwrap(&moved.wrapped(&new), &new).expect("the right key");
        assert_eq!(moved.digest(Purpose::ClientKey, "sk-1"), digest);
        assert_ne!(moved.digest(Purpose::Refresh, "sk-1"), digest);
        assert!(Vault::unwrap(&vault.wrapped(&old), &new).is_err());
    }
}
