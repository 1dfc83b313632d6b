//! Logging in and out, and what people do about their own access.

use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::Admin;
use super::people::{self, Person};
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::sessions::{self, Opened, Refreshed};
use super::token;
use super::users::{Made, NewPerson, register};
use super::visitor::Visitor;
use crate::config::Secret;
use crate::control::{Actor, AuditEntry};
use crate::store::entities::user;
use crate::store::now_ms;

/// Who logs in.
#[derive(Object)]
struct Login {
    /// The address.
    #[oai(validator(min_length = 1, max_length = 254))]
    email: String,
    /// The password.
    #[oai(validator(max_length = 1024))]
    password: String,
}

/// What carries a session on.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Refresh {
    /// The refresh token; absent where the browser keeps it as a cookie.
    #[oai(validator(max_length = 512))]
    refresh_token: Option<String>,
}

/// A new password.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct NewPassword {
    /// The one in force.
    #[oai(validator(max_length = 1024))]
    current_password: String,
    /// The one to be.
    #[oai(validator(max_length = 1024))]
    new_password: String,
}

/// A session that has just been opened or carried on.
#[derive(Object)]
pub(super) struct Entry {
    /// Send it as a bearer token with every call.
    access_token: String,
    /// `Bearer`
    token_type: String,
    /// Seconds for which it works.
    expires_in: i64,
    /// Exchange it at `/api/auth/refresh` for the next pair; it works once. Browsers keep it as a cookie.
    refresh_token: String,
    /// Seconds for which it works.
    refresh_expires_in: i64,
    /// Who logged in.
    user: Person,
}

#[derive(ApiResponse)]
enum Entered {
    /// Come in.
    #[oai(status = 200)]
    Ok(Json<Entry>, #[oai(header = "Set-Cookie")] String),
}

/// It is done.
#[derive(ApiResponse)]
pub(super) enum Done {
    /// It is done.
    #[oai(status = 204)]
    Done,
}

#[derive(ApiResponse)]
enum LoggedOut {
    /// The session has ended.
    #[oai(status = 204)]
    Done(#[oai(header = "Set-Cookie")] String),
}

/// A session of somebody.
#[derive(Clone, Debug, Object)]
pub(super) struct SessionView {
    /// Its identifier.
    id: String,
    /// The program it was opened with.
    client: String,
    /// Where from.
    address: String,
    /// Milliseconds since 1970.
    created_at: i64,
    /// When it was last carried on; milliseconds since 1970.
    used_at: i64,
    /// Milliseconds since 1970.
    expires_at: i64,
    /// Whether it is the one of this very call.
    current: bool,
}

impl SessionView {
    pub(super) fn of(row: crate::store::entities::session::Model, who: &Identity) -> Self {
        Self {
            current: row.id == who.session_id,
            id: row.id,
            client: row.client,
            address: row.address,
            created_at: row.created_at,
            used_at: row.used_at,
            expires_at: row.expires_at,
        }
    }
}

/// The resource.
pub(super) struct Auth(pub(super) Admin);

#[OpenApi(prefix_path = "/api/auth")]
impl Auth {
    /// Log in
    #[oai(path = "/login", method = "post", operation_id = "auth_login")]
    async fn login(&self, visitor: Visitor, body: Json<Login>) -> Answer<Entered> {
        let email = body.email.trim().to_lowercase();
        let attempt = self
            .0
            .throttle
            .begin(&email, visitor.address, now_ms())
            .map_err(locked)?;
        let found = people::by_email(self.0.control.store().read(), &email).await?;
        let kept = found.as_ref().map(|user| user.password.clone());
        let password = Secret::new(body.0.password);
        let matches = self.0.passwords.matches(&password, kept).await?;
        let is_welcome = |user: &user::Model| user.enabled && Role::parse(&user.role).is_some();
        match found {
            Some(user) if matches && is_welcome(&user) => {
                self.0.throttle.succeeded(&attempt);
                self.let_in(user, &visitor).await
            }
            found => {
                self.note_refusal(found.as_ref(), &visitor).await?;
                // The same words whether there is such a person or not.
                Err(Problem::unauthorized(
                    "the address or the password is wrong",
                ))
            }
        }
    }

    /// Exchange a refresh token for the next pair of tokens
    #[oai(path = "/refresh", method = "post", operation_id = "auth_refresh")]
    async fn refresh(&self, visitor: Visitor, body: Json<Refresh>) -> Answer<Entered> {
        let ended = || Problem::unauthorized("the session has ended; log in again");
        let token = visitor.refresh_token(body.0.refresh_token)?;
        let control = &self.0.control;
        let change = control.begin(Actor::default()).await?;
        let vault = control.store().vault();
        match sessions::refresh(change.work(), vault, token.expose()).await? {
            Refreshed::Next(opened) => {
                let user = people::by_id(change.work(), &opened.row.user_id)
                    .await
                    .ok()
                    .filter(|user| user.enabled)
                    .ok_or_else(ended)?;
                change.commit_quietly().await?;
                Ok(self.entry(user, &opened, &visitor))
            }
            Refreshed::Unknown => Err(ended()),
            Refreshed::Overtaken => Err(Problem::conflict(
                "refreshed_meanwhile",
                "this token was exchanged a moment ago; use the one that came back",
            )),
            Refreshed::Stolen(row) => {
                let words = "a refresh token was used twice";
                change
                    .note(AuditEntry {
                        action: "revoke",
                        kind: "session",
                        id: &row.id,
                        name: words,
                        before: None,
                        after: None,
                    })
                    .await?;
                change.commit_quietly().await?;
                tracing::warn!(session = row.id, "{words}; the session was ended");
                Err(ended())
            }
        }
    }

    /// Log out
    #[oai(path = "/logout", method = "post", operation_id = "auth_logout")]
    async fn logout(&self, session: Session, visitor: Visitor) -> Answer<LoggedOut> {
        let who = session.anybody();
        self.end_session(who, &who.session_id, "logout").await?;
        Ok(LoggedOut::Done(visitor.forget()))
    }

    /// Who am I
    #[oai(path = "/me", method = "get", operation_id = "auth_me")]
    async fn me(&self, session: Session) -> Answer<Json<Person>> {
        let who = session.anybody();
        let row = people::by_id(self.0.control.store().read(), &who.user_id).await?;
        Ok(Json(row.into()))
    }

    /// Choose another password
    ///
    /// All other sessions end.
    #[oai(path = "/password", method = "post", operation_id = "auth_password")]
    async fn password(&self, session: Session, body: Json<NewPassword>) -> Answer<Done> {
        let who = session.anybody();
        let address = who
            .address
            .as_ref()
            .and_then(|address| address.parse().ok());
        // Whoever found an open browser must not find the password too.
        let attempt = self
            .0
            .throttle
            .begin(&who.email, address, now_ms())
            .map_err(locked)?;
        let user = people::by_id(self.0.control.store().read(), &who.user_id).await?;
        let current = Secret::new(body.0.current_password);
        let kept = Some(user.password.clone());
        if !self.0.passwords.matches(&current, kept).await? {
            return Err(Problem::invalid(
                "current_password",
                "the current password is wrong",
                "write the one you logged in with",
            ));
        }
        self.0.throttle.succeeded(&attempt);
        let new = people::strong("new_password", &body.0.new_password, &user.email)?;
        if new == current {
            return Err(Problem::invalid(
                "new_password",
                "the new password is the old one",
                "choose another one",
            ));
        }
        let hash = self.0.passwords.hash(&new).await?;
        let change = self.0.control.begin(who.actor()).await?;
        let saved = people::save(
            change.work(),
            user::Model {
                password: hash,
                must_change_password: false,
                ..user.clone()
            },
        )
        .await?;
        sessions::end_all(change.work(), &who.user_id, Some(&who.session_id)).await?;
        note_password(&change, &saved).await?;
        change.commit_quietly().await?;
        Ok(Done::Done)
    }

    /// Make a user
    ///
    /// The same as `POST /api/users`.
    #[oai(path = "/register", method = "post", operation_id = "auth_register")]
    async fn register(&self, session: Session, body: Json<NewPerson>) -> Answer<Made> {
        let who = session.at_least(Role::Admin)?;
        register(&self.0, who, body.0).await
    }

    /// List one's own sessions
    #[oai(
        path = "/sessions",
        method = "get",
        operation_id = "auth_sessions_list"
    )]
    async fn sessions(&self, session: Session) -> Answer<Json<Vec<SessionView>>> {
        let who = session.anybody();
        let rows = sessions::of_user(self.0.control.store().read(), &who.user_id).await?;
        let views = rows.into_iter().map(|row| SessionView::of(row, who));
        Ok(Json(views.collect()))
    }

    /// End all of one's other sessions
    #[oai(
        path = "/sessions",
        method = "delete",
        operation_id = "auth_sessions_end"
    )]
    async fn end_sessions(&self, session: Session) -> Answer<Done> {
        let who = session.anybody();
        let change = self.0.control.begin(who.actor()).await?;
        sessions::end_all(change.work(), &who.user_id, Some(&who.session_id)).await?;
        change
            .note(AuditEntry {
                action: "revoke_others",
                kind: "session",
                id: &who.session_id,
                name: &who.email,
                before: None,
                after: None,
            })
            .await?;
        change.commit_quietly().await?;
        Ok(Done::Done)
    }

    /// End one of one's own sessions
    #[oai(
        path = "/sessions/:id",
        method = "delete",
        operation_id = "auth_session_end"
    )]
    async fn end_one(&self, session: Session, id: Path<String>) -> Answer<Done> {
        let who = session.anybody();
        self.end_session(who, &id, "revoke").await?;
        Ok(Done::Done)
    }
}

fn locked(seconds: u64) -> Problem {
    Problem::too_many(
        seconds,
        format!("too many failed log-ins; the next one is possible in {seconds} s"),
    )
}

/// Writes down that a password was changed, and nothing of it.
pub(super) async fn note_password(
    change: &crate::control::Change,
    user: &user::Model,
) -> Answer<()> {
    change
        .note(AuditEntry {
            action: "password",
            kind: "user",
            id: &user.id,
            name: &user.email,
            before: None,
            after: None,
        })
        .await?;
    Ok(())
}

impl Auth {
    async fn let_in(&self, user: user::Model, visitor: &Visitor) -> Answer<Entered> {
        let control = &self.0.control;
        let actor = Actor {
            id: Some(user.id.clone()),
            name: user.email.clone(),
            address: visitor.address_text(),
        };
        let change = control.begin(actor).await?;
        let vault = control.store().vault();
        let opened = sessions::open(change.work(), vault, &user.id, &visitor.origin()).await?;
        people::entered(change.work(), &user.id).await?;
        change
            .note(AuditEntry {
                action: "login",
                kind: "session",
                id: &opened.row.id,
                name: &user.email,
                before: None,
                after: None,
            })
            .await?;
        change.commit_quietly().await?;
        Ok(self.entry(user, &opened, visitor))
    }

    fn entry(&self, user: user::Model, opened: &Opened, visitor: &Visitor) -> Entered {
        let cookie = visitor.keep(&opened.refresh);
        let entry = Entry {
            access_token: self.0.tokens.issue(&user.id, &opened.row.id),
            token_type: "Bearer".to_owned(),
            expires_in: token::LIFETIME,
            refresh_token: opened.refresh.expose().to_owned(),
            refresh_expires_in: sessions::LIFETIME / 1000,
            user: user.into(),
        };
        Entered::Ok(Json(entry), cookie)
    }

    /// Of somebody unknown nothing is kept of what was typed: people type passwords into the wrong field.
    async fn note_refusal(&self, user: Option<&user::Model>, visitor: &Visitor) -> Answer<()> {
        let actor = Actor {
            id: None,
            name: "nobody".to_owned(),
            address: visitor.address_text(),
        };
        let change = self.0.control.begin(actor).await?;
        change
            .note(AuditEntry {
                action: "login_failed",
                kind: "session",
                id: user.map_or("", |user| &user.id),
                name: user.map_or("an unknown account", |user| &user.email),
                before: None,
                after: None,
            })
            .await?;
        change.commit_quietly().await?;
        Ok(())
    }

    async fn end_session(&self, who: &Identity, id: &str, action: &str) -> Answer<()> {
        let change = self.0.control.begin(who.actor()).await?;
        let row = sessions::one_of_user(change.work(), &who.user_id, id)
            .await?
            .ok_or_else(|| Problem::not_found("session"))?;
        sessions::end(change.work(), &row.id).await?;
        change
            .note(AuditEntry {
                action,
                kind: "session",
                id: &row.id,
                name: &who.email,
                before: None,
                after: None,
            })
            .await?;
        change.commit_quietly().await?;
        Ok(())
    }
}
