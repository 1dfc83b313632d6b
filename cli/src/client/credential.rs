//! Who calls: a token that was given, or the log-in of a profile, which is renewed when it has ended. Two processes
//! with one profile do not get in each other's way: a refresh token works once, so they take turns.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Call, Client};
use crate::endpoints;
use crate::failure::{Ended, Failure, Kind};
use crate::moment::now_ms;
use crate::profile::{Login, Store};

/// A token that ends sooner than this is renewed before it is used.
const MARGIN_MS: i64 = 15_000;

/// Who calls.
pub(crate) enum Credential {
    /// Nobody.
    None,
    /// The bearer of this token.
    Token(String),
    /// Who logged in under this profile.
    Profile {
        /// Where profiles are kept.
        store: Store,
        /// The name of the profile.
        name: String,
        /// As it was last seen.
        login: Mutex<Login>,
    },
}

impl Credential {
    /// Whether another token can be had when the hub refuses this one.
    pub(super) fn can_renew(&self) -> bool {
        match self {
            Self::Profile { .. } => self
                .login()
                .is_some_and(|login| login.refresh_token.is_some()),
            Self::None | Self::Token(_) => false,
        }
    }

    /// The token for the next call.
    pub(super) async fn token(&self, client: &Client) -> Ended<Option<String>> {
        match self {
            Self::None => Err(nobody()),
            Self::Token(token) => Ok(Some(token.clone())),
            Self::Profile { .. } => {
                let ends = self.login().map_or(0, |login| login.expires_at);
                if ends < now_ms() + MARGIN_MS && self.can_renew() {
                    self.renew(client, false).await?;
                }
                Ok(self.login().map(|login| login.access_token))
            }
        }
    }

    fn login(&self) -> Option<Login> {
        match self {
            Self::Profile { login, .. } => {
                Some(login.lock().unwrap_or_else(PoisonError::into_inner).clone())
            }
            Self::None | Self::Token(_) => None,
        }
    }

    /// Gets another token, unless another process has got one meanwhile.
    pub(super) async fn renew(&self, client: &Client, was_refused: bool) -> Ended<()> {
        let Self::Profile { store, name, login } = self else {
            return Err(nobody());
        };
        let locking = store.clone();
        let lock = tokio::task::spawn_blocking(move || locking.lock()).await;
        let _lock = lock.map_err(|error| Failure::failed(error.to_string()))??;
        let mut profiles = store.read()?;
        let kept = profiles
            .profiles
            .get_mut(name)
            .and_then(|profile| profile.login.as_mut());
        let kept = kept.ok_or_else(nobody)?;
        let mine = self.login().map(|login| login.access_token);
        let is_fresh =
            mine.as_ref() != Some(&kept.access_token) && kept.expires_at >= now_ms() + MARGIN_MS;
        if !is_fresh {
            let refresh = kept.refresh_token.clone().ok_or_else(nobody)?;
            match exchange(client, &refresh).await {
                Ok(fresh) => *kept = fresh,
                Err(failure) if failure.kind() == Kind::Denied => return Err(nobody()),
                // The token that is there may hold a little longer.
                Err(_) if !was_refused && kept.expires_at > now_ms() => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
        *login.lock().unwrap_or_else(PoisonError::into_inner) = kept.clone();
        if !is_fresh {
            store.write(&profiles)?;
        }
        Ok(())
    }
}

/// A refresh token for a log-in.
pub(crate) async fn exchange(client: &Client, refresh_token: &str) -> Ended<Login> {
    let call = endpoints::REFRESH
        .call(&[])
        .body(json!({"refresh_token": refresh_token}));
    let answer = enter(client, call).await?;
    Ok(login(&answer))
}

/// Logs in, or goes on: who it is, and the log-in.
pub(crate) async fn enter(client: &Client, call: Call) -> Ended<Value> {
    Ok(Box::pin(client.send(&call.open())).await?.body)
}

/// The log-in out of the hub's answer.
pub(crate) fn login(entry: &Value) -> Login {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let seconds = entry["expires_in"].as_i64().unwrap_or_default();
    Login {
        access_token: text("access_token").unwrap_or_default(),
        expires_at: now_ms() + seconds.saturating_mul(1000),
        refresh_token: text("refresh_token"),
    }
}

fn nobody() -> Failure {
    Failure::new(Kind::Denied, "nobody is logged in")
        .next("log in with `bridge-admin login`, or set BRIDGE_TOKEN")
}
