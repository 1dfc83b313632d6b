//! Client keys of the database, as settings. A key that does not work for whatever reason is left out here, so that
//! nothing behind can let it in; a row that cannot be read allows nothing.

use std::collections::HashSet;

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use crate::config::{ClientKeySettings, Credential, Place};
use crate::store::entities::client_key::{Column, Entity, Model};
use crate::store::entities::user;
use crate::store::{StoreError, now_ms};

/// What a key of the database is called where it is wrong.
pub(super) const KIND: &str = "client_key";

/// All keys that work: enabled, not ended, and of people who are enabled.
pub(super) async fn in_force(
    database: &impl ConnectionTrait,
) -> Result<Vec<ClientKeySettings>, StoreError> {
    let owners: Vec<String> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::Enabled.eq(true))
        .into_tuple()
        .all(database)
        .await?;
    let owners: HashSet<String> = owners.into_iter().collect();
    let rows = Entity::find()
        .filter(Column::Enabled.eq(true))
        .order_by_asc(Column::Id)
        .all(database)
        .await?;
    let now = now_ms();
    Ok(rows
        .into_iter()
        .filter(|row| owners.contains(&row.owner_id))
        .filter(|row| row.expires_at.is_none_or(|end| now < end))
        .filter_map(settings)
        .collect())
}

fn settings(row: Model) -> Option<ClientKeySettings> {
    let Some(digest) = bytes(&row.digest) else {
        tracing::warn!(
            key = row.id,
            "left out: the digest of a client key is damaged"
        );
        return None;
    };
    let limits = match serde_json::from_str(&row.limits) {
        Ok(limits) => limits,
        Err(error) => {
            tracing::warn!(key = row.id, %error, "left out: the limits of a client key are damaged");
            return None;
        }
    };
    let mut digests = vec![digest];
    // Without a time the one before has ended.
    if row.previous_until.is_some() {
        digests.extend(row.previous_digest.as_deref().and_then(bytes));
    }
    let place = Place::defined(KIND, &row.id);
    Some(ClientKeySettings {
        id: Some(row.id),
        previous_until_ms: row.previous_until,
        tags: serde_json::from_str(&row.tags).unwrap_or_default(),
        limits,
        owner: Some(row.owner_id),
        expires_at_ms: row.expires_at,
        ..ClientKeySettings::new(&row.name, Credential::Digests(digests), place)
    })
}

/// The bytes of 64 hexadecimal digits.
fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_they_are_written() {
        let written = format!("00ff{}", "1f".repeat(30));
        let read = bytes(&written).expect("64 digits");
        assert_eq!((read[0], read[1], read[31]), (0, 255, 0x1f));
        for bad in [
            "",
            "00",
            &"g".repeat(64),
            &"0".repeat(65),
            &"+f".repeat(32),
            &"é".repeat(32),
        ] {
            assert!(bytes(bad).is_none(), "{bad}");
        }
    }
}
