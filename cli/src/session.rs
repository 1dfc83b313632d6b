//! What every command works with: the way to the hub, the console, and what was said about writing and asking. Knows no
//! single command.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::Global;
use crate::client::{Answer, Call, Client, Credential, Reach};
use crate::failure::{Ended, Failure};
use crate::output::{Console, Format};
use crate::profile::{Profile, Store, USUAL};
use crate::secret;

/// Where a hub is when nobody says.
pub(crate) const USUAL_URL: &str = "http://127.0.0.1:8000";

/// What every command works with.
pub(crate) struct Session {
    /// The way to the hub.
    pub(crate) client: Client,
    /// How things are shown.
    pub(crate) console: Console,
    /// Where profiles are kept.
    pub(crate) store: Store,
    /// The profile in use.
    pub(crate) profile: String,
    /// How long an answer may take.
    timeout: Duration,
    /// Whether destructive acts need no further word.
    is_sure: bool,
    /// Whether somebody can be asked.
    can_ask: bool,
    /// Whether writes are shown instead of sent.
    is_dry: bool,
}

impl Session {
    /// With the settings of flags, environment and profile, in this order.
    pub(crate) fn open(global: &Global) -> Ended<Self> {
        let store = Store::of_environment()?;
        let profiles = store.read()?;
        let name = global.profile.clone().or(profiles.current);
        let name = name.unwrap_or_else(|| USUAL.to_owned());
        let profile = profiles.profiles.get(&name).cloned();
        // Who names a profile means one that is there; a log-in may make one, and needs its name only then.
        if profile.is_none() && global.profile.is_some() && global.url.is_none() {
            return Err(
                Failure::usage(format!("there is no profile `{name}`")).next(format!(
                    "make it: bridge-admin login --profile {name} --url http://…"
                )),
            );
        }
        let profile = profile.unwrap_or_default();
        let url = global
            .url
            .as_deref()
            .or(Some(profile.url.as_str()).filter(|url| !url.is_empty()));
        let url = url.unwrap_or(USUAL_URL).trim_end_matches('/').to_owned();
        let credential = credential(global, &store, &name, profile, &url);
        let reach = Reach {
            url,
            timeout: global.timeout,
            is_verbose: global.verbose,
        };
        Ok(Self {
            client: Client::new(reach, credential)?,
            console: console(global),
            store,
            profile: name,
            timeout: global.timeout,
            is_sure: global.yes,
            can_ask: !global.no_input
                && std::io::stdin().is_terminal()
                && std::io::stderr().is_terminal(),
            is_dry: global.dry_run,
        })
    }

    /// Reads something.
    pub(crate) async fn read(&self, call: &Call) -> Ended<Answer> {
        self.client.send(call).await
    }

    /// Writes something, or shows what would be sent.
    pub(crate) async fn write(&self, call: &Call) -> Ended<Option<Answer>> {
        if self.is_dry {
            self.rehearse(call)?;
            return Ok(None);
        }
        self.client.send(call).await.map(Some)
    }

    /// Whether writes are shown instead of sent.
    pub(crate) fn is_dry(&self) -> bool {
        self.is_dry
    }

    /// How long an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether somebody can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.can_ask
    }

    fn rehearse(&self, call: &Call) -> Ended {
        self.console
            .note("nothing was sent (--dry-run); this would be:");
        let mut shown = json!({"method": call.method, "path": call.path});
        if !call.query.is_empty() {
            let query = call
                .query
                .iter()
                .map(|(name, value)| (name.clone(), json!(secret::masked_text(name, value))));
            shown["query"] = Value::Object(query.collect());
        }
        if let Some(etag) = &call.if_match {
            shown["if_match"] = json!(etag);
        }
        if let Some(body) = &call.body {
            shown["body"] = secret::masked(body);
        }
        self.console.raw(&shown)
    }

    /// Asks before something is destroyed.
    pub(crate) fn confirm(&self, act: &str) -> Ended {
        if self.is_sure || self.is_dry {
            return Ok(());
        }
        if !self.can_ask {
            return Err(Failure::usage(format!("this would {act}"))
                .next("add --yes to do it without being asked"));
        }
        let asked = inquire::Confirm::new(&format!("Really {act}?"))
            .with_default(false)
            .prompt();
        match asked.map_err(crate::input::unasked)? {
            true => Ok(()),
            false => Err(Failure::failed("nothing was done")),
        }
    }

    /// Shows something once, or again and again until it is interrupted.
    pub(crate) async fn watch(
        &self,
        every: Option<Duration>,
        show: impl AsyncFn() -> Ended,
    ) -> Ended {
        let Some(every) = every else {
            return show().await;
        };
        loop {
            if crate::output::is_watched() && self.console.format.is_for_people() {
                crate::output::write("\u{1b}[H\u{1b}[2J")?;
            }
            let shown = async {
                show().await?;
                tokio::time::sleep(every).await;
                Ok::<(), Failure>(())
            };
            // Who has once listened for Ctrl-C must go on: it does not end the process by itself any more.
            tokio::select! {
                ended = shown => ended?,
                _ = tokio::signal::ctrl_c() => return Err(Failure::interrupted()),
            }
        }
    }
}

/// How things are shown.
pub(crate) fn console(global: &Global) -> Console {
    Console {
        format: global.output,
        columns: global.columns.clone(),
        has_headers: !global.no_headers,
        is_quiet: global.quiet,
        has_colour: global.color.holds() && matches!(global.output, Format::Table | Format::Wide),
    }
}

/// A token of a profile goes to the hub of that profile and to no other.
fn credential(
    global: &Global,
    store: &Store,
    name: &str,
    profile: Profile,
    url: &str,
) -> Credential {
    if let Some(token) = &global.token {
        return Credential::Token(token.clone());
    }
    match profile.login {
        Some(login) if profile.url.trim_end_matches('/') == url => Credential::Profile {
            store: store.clone(),
            name: name.to_owned(),
            login: std::sync::Mutex::new(login),
        },
        _ => Credential::None,
    }
}
