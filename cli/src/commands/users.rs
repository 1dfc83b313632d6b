//! `users`: people who administer the hub or have keys of it.

use clap::{Args, Subcommand};
use serde_json::json;

use super::sessions::SESSIONS;
use crate::endpoints;
use crate::entry::items;
use crate::failure::Ended;
use crate::input;
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Does, Names, Plain, Resource};
use crate::session::Session;

/// People.
pub(crate) const USERS: Resource = Resource {
    noun: "user",
    path: "/api/users",
    label: Some("email"),
    layout: Layout {
        things: "users",
        key: "id",
        columns: &[
            column("E-MAIL", "email"),
            column("NAME", "name"),
            column("ROLE", "role"),
            column("ENABLED", "enabled").show(Show::Yes),
            column("LAST LOG-IN", "last_login_at").show(Show::Moment),
            column("MUST CHANGE", "must_change_password")
                .show(Show::Yes)
                .wide(),
            column("CREATED", "created_at").show(Show::Moment).wide(),
            column("ID", "id").wide(),
        ],
    },
    members: &["email", "name", "role", "enabled"],
    tells: &[
        "id",
        "must_change_password",
        "last_login_at",
        "version",
        "created_at",
        "updated_at",
    ],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
    ],
};

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Plain(Plain),
    /// Add somebody; without a password, one is made and shown once.
    Create(Create),
    /// Change somebody.
    Update {
        /// Their address.
        email: String,
        #[command(flatten)]
        change: Change,
    },
    /// Give somebody another role.
    SetRole {
        /// Their address.
        email: String,
        /// admin, operator, viewer or member.
        role: String,
    },
    /// Give somebody another password; without one, one is made and shown once.
    ResetPassword {
        /// Their address.
        email: String,
        #[command(flatten)]
        password: Password,
        /// They may keep it.
        #[arg(long)]
        keep: bool,
    },
    /// Choose another password of one's own.
    Password {
        /// Read the current password, and the new one below it, from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Let somebody log in again.
    Enable(Names),
    /// Keep somebody from logging in, and their client keys from being used, until they are enabled again.
    Disable(Names),
    /// Where somebody is logged in; with --end, log them out everywhere.
    Sessions {
        /// Their address.
        email: String,
        /// Log them out everywhere.
        #[arg(long)]
        end: bool,
    },
    /// What the keys that somebody makes may do at most; with --set or -f, change it.
    KeyBounds {
        /// Their address.
        email: String,
        #[command(flatten)]
        change: Change,
    },
}

/// Somebody new.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// What they log in with.
    email: String,
    /// What to call them.
    #[arg(long)]
    name: Option<String>,
    /// admin, operator, viewer or member.
    #[arg(long, default_value = "member")]
    role: String,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    change: Change,
}

/// The member with a password that the hub made, which it tells once.
const SECRET: &str = "password";

/// A password, by every way that does not show it.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct Password {
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Read the password from a file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,
    /// Ask for the password.
    #[arg(long)]
    ask_password: bool,
}

impl Password {
    fn given(&self, session: &Session) -> Ended<Option<String>> {
        match (&self.password_file, self.password_stdin, self.ask_password) {
            (Some(path), _, _) => input::secret(path).map(Some),
            (None, true, _) => input::secret("-").map(Some),
            (None, false, true) => input::chosen(session, "Password", "--password-stdin").map(Some),
            (None, false, false) => Ok(None),
        }
    }
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Plain(verb) => USERS.plain(session, verb).await,
        Verb::Create(create) => create.run(session).await,
        Verb::Update { email, change } => USERS.update(session, email, change).await,
        Verb::SetRole { email, role } => {
            let taken = USERS.get(session, email).await?;
            let key = taken.body["id"].as_str().unwrap_or_default();
            let call = endpoints::USER_ROLE
                .call(&[key])
                .body(json!({"role": role}))
                .if_match(taken.etag);
            match session.write(&call).await? {
                Some(answer) => USERS.written(session, &answer.body, &format!("is {role} now")),
                None => Ok(()),
            }
        }
        Verb::ResetPassword {
            email,
            password,
            keep,
        } => reset(session, email, password.given(session)?, !keep).await,
        Verb::Password { password_stdin } => choose(session, *password_stdin).await,
        Verb::Enable(names) => USERS.switched(session, names, true).await,
        Verb::Disable(names) => USERS.switched(session, names, false).await,
        Verb::Sessions { email, end } => sessions(session, email, *end).await,
        Verb::KeyBounds { email, change } => key_bounds(session, email, change).await,
    }
}

impl Create {
    async fn run(&self, session: &Session) -> Ended {
        let draft = USERS
            .begin(&self.change, Some(&self.email))?
            .with("name", self.name.as_deref())
            .with("role", Some(self.role.as_str()))
            .with("password", self.password.given(session)?)
            .changed(&self.change);
        USERS.create_secret(session, draft, SECRET).await
    }
}

async fn reset(
    session: &Session,
    email: &str,
    password: Option<String>,
    must_change: bool,
) -> Ended {
    session.confirm(&format!("give `{email}` another password"))?;
    let key = USERS.key(session, email).await?;
    let mut body = json!({"must_change_password": must_change});
    if let Some(password) = password {
        body["password"] = json!(password);
    }
    let call = endpoints::USER_PASSWORD.call(&[&key]).body(body);
    USERS
        .write_secret(session, &call, "has another password", SECRET)
        .await
}

async fn choose(session: &Session, is_piped: bool) -> Ended {
    let (current, new) = if is_piped {
        let text = input::text("-")?;
        let mut lines = text.lines().map(str::to_owned);
        (
            lines.next().unwrap_or_default(),
            lines.next().unwrap_or_default(),
        )
    } else {
        let current = input::asked(session, "Current password", "--password-stdin")?;
        (
            current,
            input::chosen(session, "New password", "--password-stdin")?,
        )
    };
    let body = json!({"current_password": current, "new_password": new});
    if session
        .write(&endpoints::PASSWORD.call(&[]).body(body))
        .await?
        .is_some()
    {
        session.console.note("the password is changed");
    }
    Ok(())
}

async fn sessions(session: &Session, email: &str, end: bool) -> Ended {
    let key = USERS.key(session, email).await?;
    if !end {
        let list = session
            .read(&endpoints::USER_SESSIONS.call(&[&key]))
            .await?
            .body;
        return session.console.list(&SESSIONS, items(&list));
    }
    session.confirm(&format!("log `{email}` out everywhere"))?;
    if session
        .write(&endpoints::USER_SESSIONS_END.call(&[&key]))
        .await?
        .is_some()
    {
        session
            .console
            .note(&format!("`{email}` is logged out everywhere"));
    }
    Ok(())
}

async fn key_bounds(session: &Session, email: &str, change: &Change) -> Ended {
    const BOUNDS: Layout = Layout {
        things: "bounds",
        key: "max_keys",
        columns: &[column("MAX KEYS", "max_keys"), column("LIMITS", "limits")],
    };
    let key = USERS.key(session, email).await?;
    if change.is_none() {
        let bounds = session
            .read(&endpoints::USER_BOUNDS.call(&[&key]))
            .await?
            .body;
        return session.console.one(&BOUNDS, &bounds);
    }
    let now = match &change.file {
        Some(path) => input::document(path)?,
        None => {
            session
                .read(&endpoints::USER_BOUNDS.call(&[&key]))
                .await?
                .body
        }
    };
    let call = endpoints::USER_BOUNDS_SET
        .call(&[&key])
        .body(change.on(now));
    match session.write(&call).await? {
        Some(answer) => session.console.one(&BOUNDS, &answer.body),
        None => Ok(()),
    }
}
