//! Settings that an operator makes while the hub runs, several at once.

use serde_json::{Value, json};

use super::Admin;
use super::person::Identity;
use super::problem::{Answer, Problem};
use crate::config::Kind;
use crate::control::AuditEntry;
use crate::store::StoreError;
use crate::store::definitions::{insert, named, replace};
use crate::store::entities::definition::Model;

/// Puts settings in force together. Those that a file or the environment gives are theirs to change.
pub(super) async fn put_all(admin: &Admin, who: &Identity, values: &[(&str, Value)]) -> Answer<()> {
    let files = admin.control.files();
    let change = admin.control.begin(who.actor()).await?;
    for (name, value) in values {
        let document = json!({"value": value});
        let before = match named(change.work(), Kind::Setting, name).await {
            Ok(row) => Some(row),
            Err(StoreError::Missing) => None,
            Err(error) => return Err(error.into()),
        };
        let old: Option<Value> = before
            .as_ref()
            .and_then(|row| serde_json::from_str(&row.document).ok());
        if old.as_ref() == Some(&document) {
            continue;
        }
        if files.given.contains(name) {
            return Err(Problem::conflict(
                "owned_by_file",
                format!("{name} is set by a file or the environment; change it there"),
            ));
        }
        let row = match &before {
            Some(row) => {
                let next = Model {
                    document: document.to_string(),
                    ..row.clone()
                };
                replace(change.work(), &next).await?
            }
            None => insert(change.work(), Kind::Setting, name, 0, true, &document).await?,
        };
        change
            .note(AuditEntry {
                action: if before.is_some() { "update" } else { "create" },
                kind: Kind::Setting.as_str(),
                id: &row.id,
                name,
                before: old.as_ref(),
                after: Some(&document),
            })
            .await?;
    }
    change.commit().await?;
    Ok(())
}
