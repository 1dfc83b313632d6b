//! `login`, `logout`, `whoami`.

use clap::Args;
use serde_json::{Value, json};

use crate::arguments::Global;
use crate::client::{Call, Client, Credential, Reach, enter, exchange, login};
use crate::endpoints;
use crate::failure::{Ended, Failure, Kind};
use crate::input;
use crate::moment;
use crate::output::{Layout, Show, column};
use crate::profile::{Login as Kept, Profile};
use crate::session::Session;

/// A person, as the hub tells.
const PERSON: Layout = Layout {
    things: "people",
    key: "email",
    columns: &[
        column("E-MAIL", "email"),
        column("NAME", "name"),
        column("ROLE", "role").show(Show::State),
        column("HUB", "hub"),
        column("PROFILE", "profile"),
    ],
};

/// Logs in.
#[derive(Args, Debug)]
pub(crate) struct Login {
    /// Who logs in; asked for where it is not given.
    #[arg(
        long,
        short,
        value_name = "ADDRESS",
        env = "BRIDGE_EMAIL",
        hide_env_values = true
    )]
    email: Option<String>,
    /// Read the password from standard input.
    #[arg(long, conflicts_with_all = ["password_file", "token_stdin"])]
    password_stdin: bool,
    /// Read the password from a file.
    #[arg(long, value_name = "FILE", conflicts_with = "token_stdin")]
    password_file: Option<String>,
    /// Read a session token or a refresh token from standard input, in the place of a password.
    #[arg(long)]
    token_stdin: bool,
}

impl Login {
    /// Logs in and remembers it.
    pub(crate) async fn run(&self, global: &Global) -> Ended {
        // The name may be of a profile that does not exist yet.
        let named = Global {
            url: global.url.clone().or_else(|| known_url(global)),
            ..global.clone()
        };
        let session = Session::open(&named)?;
        let (kept, email) = if self.token_stdin {
            by_token(&session, input::secret("-")?).await?
        } else {
            self.by_password(&session).await?
        };
        let profile = Profile {
            url: session.client.url().to_owned(),
            email: Some(email.clone()),
            client_key: None,
            login: Some(kept),
        };
        let name = session.profile.clone();
        session.store.change(|profiles| {
            let mut profile = profile;
            // Who logs in to the same hub again goes on with the same client key.
            if let Some(old) = profiles.profiles.remove(&name)
                && old.url == profile.url
            {
                profile.client_key = old.client_key;
            }
            profiles.profiles.insert(name.clone(), profile);
            if profiles.current.is_none() || global.profile.is_some() {
                profiles.current = Some(name.clone());
            }
        })?;
        let url = session.client.url();
        session
            .console
            .note(&format!("logged in to {url} as {email} (profile `{name}`)"));
        if global.token.is_some() {
            session
                .console
                .warn("BRIDGE_TOKEN is set and goes before the log-in: unset it to be who has just logged in");
        }
        Ok(())
    }

    async fn by_password(&self, session: &Session) -> Ended<(Kept, String)> {
        let email = match &self.email {
            Some(email) => email.clone(),
            None => input::line(session, "E-mail", "--email")?,
        };
        let password = match (&self.password_file, self.password_stdin) {
            (Some(path), _) => input::secret(path)?,
            (None, true) => input::secret("-")?,
            (None, false) => {
                input::asked(session, "Password", "--password-stdin or --password-file")?
            }
        };
        let call = endpoints::LOGIN
            .call(&[])
            .body(json!({"email": email, "password": password}));
        let entry = match enter(&session.client, call).await {
            Ok(entry) => entry,
            // There is nothing to log in to first.
            Err(failure) if failure.kind() == Kind::Denied => {
                return Err(failure.next("look at the address and the password"));
            }
            Err(failure) => return Err(failure),
        };
        if entry["user"]["must_change_password"] == json!(true) {
            session
                .console
                .warn("another password must be chosen first: bridge-admin users password");
        }
        let email = entry["user"]["email"].as_str().unwrap_or(&email).to_owned();
        Ok((login(&entry), email))
    }
}

/// The address of a profile that is there, or the usual one for a profile that is not.
fn known_url(global: &Global) -> Option<String> {
    let name = global.profile.as_deref()?;
    let profiles = crate::profile::Store::of_environment().and_then(|store| store.read());
    let known = profiles
        .ok()?
        .profiles
        .get(name)
        .map(|profile| profile.url.clone());
    Some(known.unwrap_or_else(|| crate::session::USUAL_URL.to_owned()))
}

/// A refresh token is exchanged; a session token is used until it ends.
async fn by_token(session: &Session, token: String) -> Ended<(Kept, String)> {
    let kept = if token.starts_with("sr.") {
        exchange(&session.client, &token).await?
    } else {
        Kept {
            access_token: token,
            // The hub says when it has ended.
            expires_at: i64::MAX,
            refresh_token: None,
        }
    };
    let reach = Reach {
        url: session.client.url().to_owned(),
        timeout: session.timeout(),
        is_verbose: false,
    };
    let client = Client::new(reach, Credential::Token(kept.access_token.clone()))?;
    let person = client.send(&endpoints::ME.call(&[])).await?.body;
    let email = person["email"].as_str().unwrap_or_default().to_owned();
    Ok((kept, email))
}

/// Ends the session at the hub and forgets it here.
pub(crate) async fn logout(session: &Session) -> Ended {
    if session.client.has_given_token() {
        return end_given(session).await;
    }
    let told = session.write(&endpoints::LOGOUT.call(&[])).await;
    match told {
        Ok(None) => return Ok(()),
        Ok(Some(_)) => {}
        Err(failure) if is_over(&failure) => {}
        Err(failure) => {
            session.console.warn(&format!(
                "the session goes on at the hub until it ends by itself: {failure}"
            ));
        }
    }
    let name = &session.profile;
    let was_in = session.store.change(|profiles| {
        let profile = profiles.profiles.get_mut(name);
        profile.is_some_and(|profile| profile.login.take().is_some())
    })?;
    match was_in {
        true => session
            .console
            .note(&format!("logged out (profile `{name}`)")),
        false => session
            .console
            .note(&format!("nobody was logged in (profile `{name}`)")),
    }
    Ok(())
}

/// Ends the session of the token in the environment. The token itself stays where it is, and so does the log-in of
/// the profile: it is another session.
async fn end_given(session: &Session) -> Ended {
    let ended = match session.write(&endpoints::LOGOUT.call(&[])).await {
        Ok(None) => return Ok(()),
        Ok(Some(_)) => "is ended at the hub",
        Err(failure) if is_over(&failure) => "was over at the hub already",
        Err(failure) => {
            return Err(failure.next(
                "nothing was ended: the token in BRIDGE_TOKEN works until its session ends by itself",
            ));
        }
    };
    session.console.warn(&format!(
        "the session of the token in BRIDGE_TOKEN {ended}; the variable is still set, which only its shell can \
         change: unset BRIDGE_TOKEN"
    ));
    let name = &session.profile;
    let profiles = session.store.read()?;
    if profiles
        .profiles
        .get(name)
        .is_some_and(|profile| profile.login.is_some())
    {
        session.console.warn(&format!(
            "the log-in of profile `{name}` stays as it is: end it with `bridge-admin logout` where BRIDGE_TOKEN is \
             not set"
        ));
    }
    Ok(())
}

/// Whether the hub knows of no such session any more.
fn is_over(failure: &Failure) -> bool {
    failure.kind() == Kind::Denied && failure.status() != Some(403)
}

/// Says who one is.
pub(crate) async fn whoami(session: &Session) -> Ended {
    let call: Call = endpoints::ME.call(&[]);
    let mut person = session.read(&call).await?.body;
    if !person.is_object() {
        return Err(Failure::failed("the hub did not say who this is"));
    }
    person["hub"] = Value::from(session.client.url());
    person["profile"] = Value::from(session.profile.as_str());
    moment::spell(&mut person);
    match session.console.format.is_for_people() && session.console.columns.is_empty() {
        true => session.console.list(&PERSON, &[person]),
        false => session.console.one(&PERSON, &person),
    }
}
