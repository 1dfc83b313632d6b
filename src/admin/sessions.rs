//! Log-ins that last: opened by a password, carried on by refresh tokens that work once, ended by anybody who may.
//!
//! Of a refresh token only a keyed digest is kept. A token also proves by itself that this hub made it, so that
//! the use of an old one, which only a copy can explain, is told from rubbish and ends the session.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Set,
};

use crate::config::Secret;
use crate::store::entities::session::{ActiveModel, Column, Entity, Model};
use crate::store::{Purpose, StoreError, Vault, is_id, new_id, now_ms, random};

/// How long a session lives without being used, in milliseconds.
pub(super) const LIFETIME: i64 = 30 * 24 * 60 * 60 * 1000;
/// Two tabs of a browser may refresh at the same time: for this long the token before is merely refused.
const OVERLAP: i64 = 10_000;
/// Sessions of one person; the oldest makes room.
const MOST: u64 = 50;

const PREFIX: &str = "sr.";

/// Where somebody logs in from.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// The user agent.
    pub client: String,
    /// The address.
    pub address: String,
}

/// A session and the one token that carries it on.
#[derive(Debug)]
pub(super) struct Opened {
    pub row: Model,
    pub refresh: Secret,
}

/// What became of a refresh token.
#[derive(Debug)]
pub(super) enum Refreshed {
    /// It worked, and this is the next one.
    Next(Opened),
    /// It is none of ours, or its session has ended.
    Unknown,
    /// Somebody else used it a moment ago.
    Overtaken,
    /// It was used long ago: there are two who have it, so the session is over for both.
    Stolen(Model),
}

/// Opens a session.
pub(super) async fn open(
    work: &impl ConnectionTrait,
    vault: &Vault,
    user_id: &str,
    origin: &Origin,
) -> Result<Opened, StoreError> {
    let (id, now) = (new_id(), now_ms());
    let refresh = new_token(vault, &id);
    let row = ActiveModel {
        id: Set(id),
        user_id: Set(user_id.to_owned()),
        digest: Set(vault.digest(Purpose::Refresh, refresh.expose())),
        previous_digest: Set(None),
        client: Set(shortened(&origin.client, 255)),
        address: Set(shortened(&origin.address, 64)),
        created_at: Set(now),
        used_at: Set(now),
        expires_at: Set(now + LIFETIME),
        revoked_at: Set(None),
    };
    let row = row.insert(work).await?;
    tidy(work, user_id, now).await?;
    Ok(Opened { row, refresh })
}

/// Removes sessions that ended long ago, and the oldest of too many.
async fn tidy(work: &impl ConnectionTrait, user_id: &str, now: i64) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::ExpiresAt.lt(now - LIFETIME))
        .exec(work)
        .await?;
    let kept: Option<String> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user_id))
        .order_by_desc(Column::Id)
        .offset(MOST)
        .limit(1)
        .into_tuple()
        .one(work)
        .await?;
    if let Some(oldest) = kept {
        Entity::delete_many()
            .filter(Column::UserId.eq(user_id))
            .filter(Column::Id.lte(oldest))
            .exec(work)
            .await?;
    }
    Ok(())
}

/// Exchanges a refresh token for the next one.
pub(super) async fn refresh(
    work: &impl ConnectionTrait,
    vault: &Vault,
    token: &str,
) -> Result<Refreshed, StoreError> {
    let Some(id) = session_of(vault, token) else {
        return Ok(Refreshed::Unknown);
    };
    let now = now_ms();
    let Some(row) = Entity::find_by_id(id).one(work).await? else {
        return Ok(Refreshed::Unknown);
    };
    if row.revoked_at.is_some() || row.expires_at <= now {
        return Ok(Refreshed::Unknown);
    }
    let shown = vault.digest(Purpose::Refresh, token);
    let next = new_token(vault, &row.id);
    let digest = vault.digest(Purpose::Refresh, next.expose());
    let exchanged = Entity::update_many()
        .col_expr(Column::Digest, digest.as_str().into())
        .col_expr(Column::PreviousDigest, shown.as_str().into())
        .col_expr(Column::UsedAt, now.into())
        .col_expr(Column::ExpiresAt, (now + LIFETIME).into())
        .filter(Column::Id.eq(&row.id))
        // Of two who show the same token at once, one is exchanged.
        .filter(Column::Digest.eq(&shown))
        .exec(work)
        .await?;
    if exchanged.rows_affected == 1 {
        let row = Model {
            digest,
            previous_digest: Some(shown),
            used_at: now,
            expires_at: now + LIFETIME,
            ..row
        };
        return Ok(Refreshed::Next(Opened { row, refresh: next }));
    }
    let row = Entity::find_by_id(&row.id).one(work).await?.unwrap_or(row);
    if row.previous_digest.as_ref() == Some(&shown) && now - row.used_at <= OVERLAP {
        return Ok(Refreshed::Overtaken);
    }
    end(work, &row.id).await?;
    Ok(Refreshed::Stolen(row))
}

/// Ends a session.
pub(super) async fn end(work: &impl ConnectionTrait, id: &str) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::RevokedAt, now_ms().into())
        .filter(Column::Id.eq(id))
        .filter(Column::RevokedAt.is_null())
        .exec(work)
        .await?;
    Ok(())
}

/// Ends all sessions of a person but one, and says how many.
pub(super) async fn end_all(
    work: &impl ConnectionTrait,
    user_id: &str,
    but: Option<&str>,
) -> Result<u64, StoreError> {
    let mut query = Entity::update_many()
        .col_expr(Column::RevokedAt, now_ms().into())
        .filter(Column::UserId.eq(user_id))
        .filter(Column::RevokedAt.is_null());
    if let Some(but) = but {
        query = query.filter(Column::Id.ne(but));
    }
    Ok(query.exec(work).await?.rows_affected)
}

/// The sessions of a person that have not ended, the newest first.
pub(super) async fn of_user(
    database: &impl ConnectionTrait,
    user_id: &str,
) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now_ms()))
        .order_by_desc(Column::Id)
        .all(database)
        .await?)
}

/// One session of a person that has not ended.
pub(super) async fn one_of_user(
    database: &impl ConnectionTrait,
    user_id: &str,
    id: &str,
) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find_by_id(id)
        .filter(Column::UserId.eq(user_id))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now_ms()))
        .one(database)
        .await?)
}

/// `sr.SESSION.RANDOM.PROOF`
fn new_token(vault: &Vault, session_id: &str) -> Secret {
    let nonce = BASE64.encode(*random());
    let proof = proof(vault, session_id, &nonce);
    Secret::new(format!("{PREFIX}{session_id}.{nonce}.{proof}"))
}

fn proof(vault: &Vault, session_id: &str, nonce: &str) -> String {
    vault.digest(Purpose::Refresh, &format!("made {session_id} {nonce}"))
}

/// The session of a token that this hub made.
fn session_of<'t>(vault: &Vault, token: &'t str) -> Option<&'t str> {
    let mut parts = token.strip_prefix(PREFIX)?.split('.');
    let (id, nonce, shown) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !is_id(id) || nonce.len() > 64 {
        return None;
    }
    let proof = proof(vault, id, nonce);
    verify_slices_are_equal(proof.as_bytes(), shown.as_bytes())
        .is_ok()
        .then_some(id)
}

/// At most so many characters, and none that controls a terminal.
fn shortened(text: &str, most: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_of_this_hub_name_a_session() {
        let vault = Vault::fresh();
        let id = new_id();
        let token = new_token(&vault, &id);
        assert_eq!(session_of(&vault, token.expose()), Some(id.as_str()));
        assert_eq!(session_of(&Vault::fresh(), token.expose()), None);
        let other = token.expose().replace(&id, &new_id());
        for bad in [
            "",
            "sr.",
            "sr...",
            "sk-123",
            &other,
            &format!("{}.", token.expose()),
        ] {
            assert_eq!(session_of(&vault, bad), None, "{bad}");
        }
    }
}
