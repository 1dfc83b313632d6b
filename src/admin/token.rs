//! Access tokens: short-lived proof of a session, signed for this hub's admin API alone.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::config::Secret;
use crate::store::{Purpose, Vault, now_ms};

/// Seconds that a token is good for; after that the session gives a new one.
pub(super) const LIFETIME: i64 = 15 * 60;
const AUDIENCE: &str = "llm-bridge-admin";

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// For whom it is meant.
    pub aud: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

/// Signs and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    sign: EncodingKey,
    check: DecodingKey,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Signs with `JWT_SECRET_KEY` where it is given, else with a key of the vault.
    #[must_use]
    pub fn new(vault: &Vault, given: Option<&Secret>) -> Self {
        // Also a given secret is derived from, so that it signs nothing but these tokens.
        let key = match given {
            Some(secret) => vault.digest(Purpose::Access, secret.expose()).into_bytes(),
            None => vault.key(Purpose::Access).to_vec(),
        };
        Self {
            sign: EncodingKey::from_secret(&key),
            check: DecodingKey::from_secret(&key),
        }
    }

    /// A token for a session.
    #[must_use]
    pub fn issue(&self, user_id: &str, session_id: &str) -> String {
        let now = now_ms() / 1000;
        let claims = Claims {
            sub: user_id.to_owned(),
            sid: session_id.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now,
            exp: now + LIFETIME,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .expect("claims of text and numbers are JSON")
    }

    /// What a token says, if it is one of ours and has not ended.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.leeway = 5;
        decode::<Claims>(token, &self.check, &validation)
            .ok()
            .map(|token| token.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tokens_count() {
        let vault = Vault::fresh();
        let tokens = Tokens::new(&vault, None);
        let token = tokens.issue("u", "s");
        assert_eq!(
            tokens.read(&token).map(|claims| claims.sid).as_deref(),
            Some("s")
        );
        assert!(Tokens::new(&Vault::fresh(), None).read(&token).is_none());
        assert!(
            Tokens::new(&vault, Some(&Secret::new("x")))
                .read(&token)
                .is_none()
        );
        assert!(tokens.read("").is_none() && tokens.read("sk-123").is_none());
        let none = Header::new(Algorithm::HS512);
        let other = encode(&none, &tokens.read(&token), &tokens.sign).expect("JSON");
        assert!(tokens.read(&other).is_none(), "another algorithm");
    }
}
