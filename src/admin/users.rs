//! People, as administrators see and change them.
//!
//! Nobody changes what they themselves may do, nobody gives more than they have, and one administrator who can
//! log in always stays.

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::auth::{Done, SessionView, note_password};
use super::page::{Page, Range, holding};
use super::password::generated;
use super::people::{self, Newcomer, Person, shown};
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::version::{expect, tag};
use super::{Admin, sessions};
use crate::control::{AuditEntry, Change};
use crate::store::definitions::advance;
use crate::store::entities::user::{Column, Entity, Model};
use crate::store::entities::{client_key, preference, session};
use crate::store::{conversation_switches, conversations};

/// Somebody new.
#[derive(Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct NewPerson {
    /// What they log in with.
    #[oai(validator(min_length = 3, max_length = 254))]
    email: String,
    /// What to call them.
    #[oai(default, validator(max_length = 128))]
    name: String,
    /// `admin`, `operator`, `viewer` or `member`; `user` is an older word for `member`.
    #[oai(default = "least")]
    role: String,
    /// Their password. Absent, one is made, shown once, and must be changed at the first log-in.
    #[oai(validator(max_length = 1024))]
    password: Option<String>,
    /// Whether they must choose another password first; absent, whoever got a made one must.
    must_change_password: Option<bool>,
    /// Whether they may log in.
    #[oai(default = "super::definition::yes")]
    enabled: bool,
}

/// What is changed of somebody.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ChangedPerson {
    /// What they log in with.
    #[oai(validator(min_length = 3, max_length = 254))]
    email: String,
    /// What to call them.
    #[oai(default, validator(max_length = 128))]
    name: String,
    /// `admin`, `operator`, `viewer` or `member`.
    role: String,
    /// Whether they may log in.
    #[oai(default = "super::definition::yes")]
    enabled: bool,
}

/// A role for somebody.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct NewRole {
    /// `admin`, `operator`, `viewer` or `member`.
    role: String,
}

/// A new password for somebody.
#[derive(Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
struct PasswordReset {
    /// Absent, one is made and shown once.
    #[oai(validator(max_length = 1024))]
    password: Option<String>,
    /// Whether they must choose another one first.
    #[oai(default = "super::definition::yes")]
    must_change_password: bool,
}

/// Somebody, and the password that was made for them.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct PersonMade {
    #[oai(flatten)]
    person: Person,
    /// The password that was made; it is not shown again.
    password: Option<String>,
}

/// Somebody new.
#[derive(ApiResponse)]
pub(super) enum Made {
    /// Newly made.
    #[oai(status = 201)]
    Created(Json<PersonMade>, #[oai(header = "ETag")] String),
}

#[derive(ApiResponse)]
enum OnePerson {
    /// As they are.
    #[oai(status = 200)]
    Ok(Json<Person>, #[oai(header = "ETag")] String),
}

/// The resource.
pub(super) struct Users(pub(super) Admin);

#[OpenApi(prefix_path = "/api/users")]
impl Users {
    /// List users
    #[oai(path = "/", method = "get", operation_id = "users_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        /// A part of the address or the name.
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<Person>>> {
        session.at_least(Role::Operator)?;
        let range = Range::of(cursor.0, limit.0)?;
        let mut query = Entity::find()
            .order_by_asc(Column::Id)
            .limit(range.limit + 1);
        if let Some(after) = &range.after {
            query = query.filter(Column::Id.gt(after.as_str()));
        }
        if let Some(search) = search.0.filter(|search| !search.is_empty()) {
            let either = Condition::any()
                .add(Column::Email.like(holding(&search.to_lowercase())))
                .add(Column::Name.like(holding(&search)));
            query = query.filter(either);
        }
        let rows = query.all(self.0.control.store().read()).await?;
        Ok(Json(range.page(rows, |row| row.id.clone(), Person::from)))
    }

    /// Make a user
    #[oai(path = "/", method = "post", operation_id = "users_create")]
    async fn create(&self, session: Session, body: Json<NewPerson>) -> Answer<Made> {
        let who = session.at_least(Role::Admin)?;
        register(&self.0, who, body.0).await
    }

    /// Read a user
    #[oai(path = "/:id", method = "get", operation_id = "users_get")]
    async fn get(&self, session: Session, id: Path<String>) -> Answer<OnePerson> {
        session.at_least(Role::Operator)?;
        let row = people::by_id(self.0.control.store().read(), &id).await?;
        Ok(one(row))
    }

    /// Replace what is known of a user
    #[oai(path = "/:id", method = "put", operation_id = "users_update")]
    async fn update(
        &self,
        session: Session,
        id: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<ChangedPerson>,
    ) -> Answer<OnePerson> {
        let who = session.at_least(Role::Admin)?;
        let (email, role) = (people::address(&body.email)?, people::role(&body.role)?);
        let body = body.0;
        let row = self
            .change(who, &id, if_match.0.as_deref(), |before| Model {
                email,
                name: body.name.trim().to_owned(),
                role: role.as_str().to_owned(),
                enabled: body.enabled,
                ..before
            })
            .await?;
        Ok(one(row))
    }

    /// Give a user another role
    #[oai(path = "/:id/role", method = "put", operation_id = "users_set_role")]
    async fn set_role(
        &self,
        session: Session,
        id: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<NewRole>,
    ) -> Answer<OnePerson> {
        let who = session.at_least(Role::Admin)?;
        let role = people::role(&body.role)?;
        let row = self
            .change(who, &id, if_match.0.as_deref(), |before| Model {
                role: role.as_str().to_owned(),
                ..before
            })
            .await?;
        Ok(one(row))
    }

    /// Give a user another password
    ///
    /// All sessions of theirs end.
    #[oai(
        path = "/:id/password",
        method = "post",
        operation_id = "users_reset_password"
    )]
    async fn reset(
        &self,
        session: Session,
        id: Path<String>,
        body: Json<PasswordReset>,
    ) -> Answer<Json<PersonMade>> {
        let who = session.at_least(Role::Admin)?;
        not_oneself(
            who,
            &id,
            "your own password is changed at /api/auth/password",
        )?;
        let before = people::by_id(self.0.control.store().read(), &id).await?;
        let (password, made) = chosen(body.0.password, &before.email)?;
        let hash = self.0.passwords.hash(&password).await?;
        let change = self.0.control.begin(who.actor()).await?;
        let row = people::save(
            change.work(),
            Model {
                password: hash,
                must_change_password: body.0.must_change_password,
                ..before
            },
        )
        .await?;
        sessions::end_all(change.work(), &row.id, None).await?;
        note_password(&change, &row).await?;
        change.commit_quietly().await?;
        Ok(Json(PersonMade {
            person: row.into(),
            password: made,
        }))
    }

    /// Remove a user, with their sessions and client keys
    #[oai(path = "/:id", method = "delete", operation_id = "users_delete")]
    async fn delete(
        &self,
        session: Session,
        id: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Done> {
        let who = session.at_least(Role::Admin)?;
        not_oneself(who, &id, "nobody removes themselves")?;
        let change = self.0.control.begin(who.actor()).await?;
        // Taken first: it makes hubs that share the database take turns.
        advance(change.work()).await?;
        let before = people::by_id(change.work(), &id).await?;
        expect(if_match.0.as_deref(), before.version)?;
        people::keep_an_admin(change.work(), &before).await?;
        let keys = remove(&change, &before).await?;
        note(&change, "delete", Some(&before), None).await?;
        change.commit().await?;
        for key in keys {
            let gone = self.0.files.forget(&key).await;
            gone.map_err(|error| Problem::internal(&error))?;
        }
        Ok(Done::Done)
    }

    /// List the sessions of a user
    #[oai(
        path = "/:id/sessions",
        method = "get",
        operation_id = "users_sessions_list"
    )]
    async fn sessions(&self, session: Session, id: Path<String>) -> Answer<Json<Vec<SessionView>>> {
        let who = session.at_least(Role::Admin)?;
        let read = self.0.control.store().read();
        let row = people::by_id(read, &id).await?;
        let rows = sessions::of_user(read, &row.id).await?;
        let views = rows.into_iter().map(|row| SessionView::of(row, who));
        Ok(Json(views.collect()))
    }

    /// End all sessions of a user
    #[oai(
        path = "/:id/sessions",
        method = "delete",
        operation_id = "users_sessions_end"
    )]
    async fn end_sessions(&self, session: Session, id: Path<String>) -> Answer<Done> {
        let who = session.at_least(Role::Admin)?;
        let change = self.0.control.begin(who.actor()).await?;
        let row = people::by_id(change.work(), &id).await?;
        sessions::end_all(change.work(), &row.id, None).await?;
        note(&change, "revoke_sessions", Some(&row), Some(&row)).await?;
        change.commit_quietly().await?;
        Ok(Done::Done)
    }
}

impl Users {
    /// Changes somebody, within what the caller may do.
    async fn change(
        &self,
        who: &Identity,
        id: &str,
        if_match: Option<&str>,
        change_row: impl FnOnce(Model) -> Model,
    ) -> Answer<Model> {
        let change = self.0.control.begin(who.actor()).await?;
        advance(change.work()).await?;
        let before = people::by_id(change.work(), id).await?;
        expect(if_match, before.version)?;
        let wanted = change_row(before.clone());
        let (is_other_role, is_disabled) = (
            Role::parse(&wanted.role) != Role::parse(&before.role),
            before.enabled && !wanted.enabled,
        );
        if is_other_role || is_disabled {
            not_oneself(
                who,
                id,
                "nobody changes their own role or disables themselves",
            )?;
            people::keep_an_admin(change.work(), &before).await?;
        }
        if is_other_role {
            may_grant(who, &wanted.role)?;
        }
        let after = people::save(change.work(), wanted).await?;
        if is_disabled {
            sessions::end_all(change.work(), id, None).await?;
        }
        note(&change, "update", Some(&before), Some(&after)).await?;
        // Keys of theirs may stop or start to work.
        change.commit().await?;
        Ok(after)
    }
}

/// Makes somebody new.
pub(super) async fn register(admin: &Admin, who: &Identity, new: NewPerson) -> Answer<Made> {
    let (email, role) = (people::address(&new.email)?, people::role(&new.role)?);
    may_grant(who, role.as_str())?;
    let (password, made) = chosen(new.password, &email)?;
    let newcomer = Newcomer {
        name: new.name.trim().to_owned(),
        email,
        role,
        password: admin.passwords.hash(&password).await?,
        enabled: new.enabled,
        must_change_password: new.must_change_password.unwrap_or(made.is_some()),
    };
    let change = admin.control.begin(who.actor()).await?;
    let row = people::insert(change.work(), newcomer).await?;
    note(&change, "create", None, Some(&row)).await?;
    change.commit_quietly().await?;
    let version = tag(row.version);
    let made = PersonMade {
        person: row.into(),
        password: made,
    };
    Ok(Made::Created(Json(made), version))
}

fn least() -> String {
    Role::Member.as_str().to_owned()
}

/// The password to set, and what to show of it: only one that was made here.
fn chosen(given: Option<String>, email: &str) -> Answer<(crate::config::Secret, Option<String>)> {
    match given {
        Some(given) => Ok((people::strong("password", &given, email)?, None)),
        None => {
            let made = generated();
            let shown = made.expose().to_owned();
            Ok((made, Some(shown)))
        }
    }
}

fn may_grant(who: &Identity, role: &str) -> Answer<()> {
    match Role::parse(role) {
        Some(role) if role <= who.role => Ok(()),
        _ => Err(Problem::forbidden("nobody gives more than they have")),
    }
}

fn not_oneself(who: &Identity, id: &str, words: &str) -> Answer<()> {
    if who.user_id == id {
        Err(Problem::forbidden(words))
    } else {
        Ok(())
    }
}

/// Removes somebody with all that is theirs in the database. Returns their client keys.
async fn remove(change: &Change, row: &Model) -> Answer<Vec<String>> {
    let work = change.work();
    let keys: Vec<String> = client_key::Entity::find()
        .select_only()
        .column(client_key::Column::Id)
        .filter(client_key::Column::OwnerId.eq(&row.id))
        .into_tuple()
        .all(work)
        .await?;
    conversation_switches::retire(work, &keys).await?;
    session::Entity::delete_many()
        .filter(session::Column::UserId.eq(&row.id))
        .exec(work)
        .await?;
    client_key::Entity::delete_many()
        .filter(client_key::Column::OwnerId.eq(&row.id))
        .exec(work)
        .await?;
    conversations::remove_of(work, &row.id).await?;
    preference::Entity::delete_by_id(&row.id).exec(work).await?;
    Entity::delete_by_id(&row.id).exec(work).await?;
    Ok(keys)
}

async fn note(
    change: &Change,
    action: &str,
    before: Option<&Model>,
    after: Option<&Model>,
) -> Answer<()> {
    let Some(subject) = after.or(before) else {
        return Ok(());
    };
    let (before, after) = (before.map(shown), after.map(shown));
    change
        .note(AuditEntry {
            action,
            kind: "user",
            id: &subject.id,
            name: &subject.email,
            before: before.as_ref(),
            after: after.as_ref(),
        })
        .await?;
    Ok(())
}

fn one(row: Model) -> OnePerson {
    let version = tag(row.version);
    OnePerson::Ok(Json(row.into()), version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_more_than_they_have() {
        let roles = [Role::Member, Role::Viewer, Role::Operator, Role::Admin];
        for (mine, role) in roles.into_iter().enumerate() {
            let who = Identity {
                user_id: "u".to_owned(),
                email: String::new(),
                role,
                session_id: String::new(),
                must_change_password: false,
                address: None,
            };
            for (given, wanted) in roles.into_iter().enumerate() {
                assert_eq!(may_grant(&who, wanted.as_str()).is_ok(), given <= mine);
            }
            assert!(may_grant(&who, "root").is_err());
        }
    }
}
