//! The first start: an administrator and a client key for a database without people.
//!
//! Without `ADMIN_PASSWORD` the password is random; there is none that anybody could know. What is returned
//! here is told once and kept nowhere.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait as _, EntityTrait as _, PaginatorTrait as _, Set};
use serde_json::json;

use super::client_key_rows::{Fresh, shown as shown_key};
use super::password::{Passwords, check_strength, generated};
use super::people::{self, Newcomer, shown};
use super::person::Role;
use super::problem::Problem;
use crate::config::{Secret, Settings};
use crate::control::{Actor, AuditEntry, ChangeError, Control};
use crate::store::entities::{client_key, user};
use crate::store::{StoreError, definitions, new_id, now_ms};

/// The address when nobody says.
const EMAIL: &str = "admin@localhost";

/// What is told once.
#[derive(Debug)]
pub struct Welcome {
    /// The administrator's address.
    pub email: String,
    /// The password, if it was made here.
    pub password: Option<Secret>,
    /// A key for clients.
    pub client_key: Secret,
}

impl Welcome {
    /// The words for the terminal, secrets included.
    #[must_use]
    pub fn words(&self) -> String {
        let password = match &self.password {
            Some(password) => format!(
                "{}   (to be changed at the first log-in)",
                password.expose()
            ),
            None => "the one in ADMIN_PASSWORD".to_owned(),
        };
        format!(
            "\n  The first start made an administrator and a client key. This is shown once.\n\n    e-mail      {}\n    password    {password}\n    client key  {}\n\n",
            self.email,
            self.client_key.expose()
        )
    }
}

/// Makes the first administrator if there is nobody yet.
///
/// # Errors
/// When `ADMIN_EMAIL` or `ADMIN_PASSWORD` cannot be used, or the database is away.
pub async fn first_start(control: &Arc<Control>) -> Result<Option<Welcome>, StoreError> {
    if user::Entity::find().count(control.store().read()).await? > 0 {
        return Ok(None);
    }
    let (email, given) = wanted(&control.files())?;
    let password = given.clone().unwrap_or_else(generated);
    let refused = |_| StoreError::Administrator("the password cannot be hashed".to_owned());
    let hash = Passwords::default()
        .hash(&password)
        .await
        .map_err(refused)?;
    let actor = Actor {
        name: "system".to_owned(),
        ..Actor::default()
    };
    let change = control.begin(actor).await?;
    // Taken first: of several hubs that start at once, one makes it and the others see it.
    definitions::advance(change.work()).await?;
    if user::Entity::find().count(change.work()).await? > 0 {
        return Ok(None);
    }
    let admin = Newcomer {
        email: email.clone(),
        name: "Administrator".to_owned(),
        role: Role::Admin,
        password: hash,
        enabled: true,
        must_change_password: given.is_none(),
    };
    let admin = people::insert(change.work(), admin).await?;
    let (row, client_key) = first_key(&admin, Fresh::new(change.vault()));
    let key = row.insert(change.work()).await?;
    for (kind, id, name, after) in [
        ("user", &admin.id, &admin.email, shown(&admin)),
        ("client_key", &key.id, &key.name, shown_key(&key)),
    ] {
        let entry = AuditEntry {
            action: "create",
            kind,
            id,
            name,
            before: None,
            after: Some(&after),
        };
        change.note(entry).await?;
    }
    change.commit().await.map_err(|error| match error {
        ChangeError::Store(error) => error,
        ChangeError::Invalid(errors) => StoreError::Configuration(errors),
    })?;
    Ok(Some(Welcome {
        email,
        password: given.is_none().then_some(password),
        client_key,
    }))
}

/// The address and the password that files and environment name.
fn wanted(files: &Settings) -> Result<(String, Option<Secret>), StoreError> {
    let email = files.admin_email.as_deref().unwrap_or(EMAIL);
    let email = people::address(email).map_err(|_: Problem| {
        StoreError::Administrator("ADMIN_EMAIL is not an e-mail address".to_owned())
    })?;
    if let Some(password) = &files.admin_password {
        check_strength(password.expose(), &email).map_err(|weak| {
            StoreError::Administrator(format!(
                "ADMIN_PASSWORD is too weak: {weak} (or leave it out, and a random one is made and shown)"
            ))
        })?;
    }
    Ok((email, files.admin_password.clone()))
}

fn first_key(owner: &user::Model, fresh: Fresh) -> (client_key::ActiveModel, Secret) {
    let now = now_ms();
    let row = client_key::ActiveModel {
        id: Set(new_id()),
        name: Set("first key".to_owned()),
        owner_id: Set(owner.id.clone()),
        prefix: Set(fresh.prefix),
        digest: Set(fresh.digest),
        previous_digest: Set(None),
        previous_until: Set(None),
        enabled: Set(true),
        limits: Set(json!({}).to_string()),
        ceiling: Set(None),
        tags: Set(json!([]).to_string()),
        expires_at: Set(None),
        last_used_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    (row, fresh.secret)
}
