//! `setup`: sends a client to the hub, by showing what to set or by writing the client's own files.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::endpoints;
use crate::failure::{Ended, Failure};
use crate::input::{self, ApiKey};
use crate::output::{rescued, tell};
use crate::session::Session;
use crate::setup::change::{Change, read};
use crate::setup::client::{Client, Target, Wish};
use crate::setup::{Syntax, replacement};

/// What stands for a key that nobody gave.
const BLANK: &str = "YOUR-CLIENT-KEY";

/// Which client, and what it is to be set to.
#[derive(Args, Debug)]
#[command(
    after_help = "Without --write it only shows what to set. With it the change is shown first, a copy of each file \
                  stays beside it, and --undo goes back to the newest copies.\n\nExamples:\n  \
                  bridge-admin setup claude-code --write --create-key\n  \
                  eval \"$(bridge-admin setup env --api-key-file key.txt)\"\n  \
                  bridge-admin setup codex --undo"
)]
pub(crate) struct Setup {
    /// The client.
    #[arg(value_enum)]
    client: Client,
    /// Write the client's files.
    #[arg(long)]
    write: bool,
    /// Go back to how the files were before they were last written.
    #[arg(long, conflicts_with_all = ["write", "create_key", "model", "small_model"])]
    undo: bool,
    /// The model to ask for [default: as it is].
    #[arg(long, short)]
    model: Option<String>,
    /// The model for small things, where the client knows such.
    #[arg(long, value_name = "MODEL")]
    small_model: Option<String>,
    /// Where the client keeps its settings [default: where it looks by itself].
    #[arg(long, value_name = "FOLDER")]
    folder: Option<String>,
    /// Which shell the variables are for.
    #[arg(long, value_enum, default_value_t)]
    shell: Shell,
    /// Make a client key of this name at the hub [name: the client's].
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "",
        conflicts_with_all = ["api_key", "api_key_file", "api_key_stdin"])]
    create_key: Option<String>,
    #[command(flatten)]
    key: ApiKey,
}

/// A way to write variables.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Shell {
    /// bash, zsh and their like.
    #[default]
    Sh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// Lines of a `.env` file.
    Dotenv,
}

impl Setup {
    /// Shows it, does it, or takes it back.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        if self.undo {
            return self.undo(session);
        }
        let mut wish = Wish {
            url: session.client.url().to_owned(),
            key: self.key.given(session)?,
            model: self.model.clone(),
            small_model: self.small_model.clone(),
        };
        match self.write {
            true => self.write(session, wish).await,
            false if self.create_key.is_none() => self.show(session, &wish),
            false => {
                // What cannot be shown is no reason to make a key.
                wish.key = Some(BLANK.to_owned());
                self.text(&self.targets(&wish)?)?;
                let key = self.created(session).await?;
                wish.key = Some(key.clone());
                self.show(session, &wish)
                    .map_err(|failure| self.lost(&key, failure))
            }
        }
    }

    fn targets(&self, wish: &Wish) -> Ended<Vec<Target>> {
        let folder = match &self.folder {
            Some(folder) => folder.into(),
            None => self.client.folder()?,
        };
        Ok(self.client.targets(&folder, wish))
    }

    /// What to set, for somebody to do it.
    fn show(&self, session: &Session, wish: &Wish) -> Ended {
        let mut wish = wish.clone();
        wish.key.get_or_insert_with(|| BLANK.to_owned());
        let targets = self.targets(&wish)?;
        if !session.console.format.is_for_people() {
            return session.console.raw(&document(self.client, &targets));
        }
        session.console.text(&self.text(&targets)?)?;
        self.remark(session, &wish);
        if wish.key.as_deref() == Some(BLANK) {
            session
                .console
                .note("give a key with --api-key-file, or have one made with --create-key");
        }
        Ok(())
    }

    /// What to set, as it stands in the client's files or in a shell.
    fn text(&self, targets: &[Target]) -> Ended<String> {
        let texts = targets.iter().map(|target| {
            if self.client == Client::Env {
                return lines(self.shell, target);
            }
            let text = target.syntax.set("", &target.settings)?;
            let path = target.path.display();
            Ok(format!("# {path}\n{}\n", text.trim_end()))
        });
        texts.collect()
    }

    async fn write(&self, session: &Session, mut wish: Wish) -> Ended {
        let is_missing = wish.key.is_none() && self.create_key.is_none() && !self.has_key(&wish)?;
        if is_missing && !session.is_dry() {
            let flag = "--create-key, --api-key-stdin or --api-key-file";
            wish.key = Some(input::asked(session, "Client key", flag)?);
        }
        // The change is shown before a key is made for it: whoever says no leaves nothing behind.
        let mut shown = wish.clone();
        if self.create_key.is_some() || (is_missing && wish.key.is_none()) {
            shown.key = Some(BLANK.to_owned());
        }
        let changes = self.changes(&shown)?;
        if changes.is_empty() {
            session.console.note("everything is set already");
            return Ok(());
        }
        for change in &changes {
            tell(change.diff().trim_end());
        }
        if session.is_dry() {
            session.console.note("nothing was written (--dry-run)");
            return Ok(());
        }
        session.confirm("change these files")?;
        let mut made = None;
        if self.create_key.is_some() {
            // The hub tells a key once: it is made when there is a place for it.
            replacement::rehearse(&changes)?;
            made = Some(self.created(session).await?);
            wish.key.clone_from(&made);
        }
        let written = self.changes(&wish).and_then(|changes| {
            let copies = replacement::replace(&changes)?;
            Ok(changes.into_iter().zip(copies))
        });
        let written = written.map_err(|failure| match &made {
            Some(key) => self.lost(key, failure),
            None => failure,
        })?;
        for (change, copy) in written {
            let (path, copy) = (change.path.display(), copy.display());
            session
                .console
                .note(&format!("{path} is written; as it was: {copy}"));
        }
        self.remark(session, &wish);
        let name = self.client.name();
        session
            .console
            .note(&format!("take it back: bridge-admin setup {name} --undo"));
        Ok(())
    }

    fn remark(&self, session: &Session, wish: &Wish) {
        for remark in self.client.remarks(wish) {
            session.console.note(&format!("mind: {remark}"));
        }
    }

    fn changes(&self, wish: &Wish) -> Ended<Vec<Change>> {
        let changes: Ended<Vec<Change>> = self.targets(wish)?.iter().map(Change::of).collect();
        Ok(changes?.into_iter().filter(Change::is_change).collect())
    }

    /// Whether the client has a key already.
    fn has_key(&self, wish: &Wish) -> Ended<bool> {
        for target in self.targets(wish)? {
            let text = read(&target.path)?.unwrap_or_default();
            if target.has_key(&text) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A new client key. Where files are written, it is shown nowhere but there.
    async fn created(&self, session: &Session) -> Ended<String> {
        let name = self.key_name();
        let call = endpoints::CLIENT_KEY_MAKE
            .call(&[])
            .body(json!({"name": name}));
        let Some(answer) = session.write(&call).await? else {
            return Ok(BLANK.to_owned());
        };
        let key = answer.body["key"].as_str().map(str::to_owned);
        let key = key.ok_or_else(|| Failure::failed("the hub made a key and did not tell it"))?;
        session
            .console
            .note(&format!("client key `{name}` is made at the hub"));
        Ok(key)
    }

    fn key_name(&self) -> &str {
        let wanted = self.create_key.as_deref().unwrap_or_default();
        match wanted {
            "" => self.client.name(),
            wanted => wanted,
        }
    }

    /// A key was made and is not where it belongs: it is told, for the hub does not tell it again.
    fn lost(&self, key: &str, failure: Failure) -> Failure {
        if key == BLANK {
            return failure;
        }
        let name = self.key_name();
        rescued("client key", key, failure).next(format!(
            "client key `{name}` is made and stands in no file: mend the cause and give it with --api-key-stdin, or \
             remove it with `bridge-admin api-keys delete`"
        ))
    }

    fn undo(&self, session: &Session) -> Ended {
        let wish = Wish {
            url: session.client.url().to_owned(),
            key: None,
            model: None,
            small_model: None,
        };
        let mut steps = Vec::new();
        for target in self.targets(&wish)? {
            if let Some(copy) = replacement::newest(&target.path)? {
                let now = read(&target.path)?;
                let path = target.path.clone();
                let change = Change::between(path, now, copy.text.clone()).hiding(&target);
                steps.push((change, copy));
            }
        }
        // Files that were not written the last time stay as they are.
        let last = steps.iter().map(|(_, copy)| copy.at.clone()).max();
        steps.retain(|(_, copy)| Some(&copy.at) == last.as_ref());
        if steps.is_empty() {
            return Err(Failure::new(
                crate::failure::Kind::NotFound,
                "there is nothing to go back to",
            ));
        }
        for (change, _) in &steps {
            tell(change.diff().trim_end());
        }
        if session.is_dry() {
            session.console.note("nothing was written (--dry-run)");
            return Ok(());
        }
        session.confirm("go back to this")?;
        for (change, copy) in &steps {
            replacement::put_back(&change.path, copy)?;
            let path = change.path.display();
            session.console.note(&format!("{path} is as it was"));
        }
        Ok(())
    }
}

/// Variables as a shell reads them.
fn lines(shell: Shell, target: &Target) -> Ended<String> {
    let line: fn(&str, &str) -> String = match shell {
        Shell::Sh => |name, value| format!("export {name}='{}'", value.replace('\'', "'\\''")),
        Shell::Fish => |name, value| {
            let value = value.replace('\\', "\\\\").replace('\'', "\\'");
            format!("set -gx {name} '{value}'")
        },
        Shell::Powershell => |name, value| format!("$env:{name} = '{}'", value.replace('\'', "''")),
        Shell::Dotenv => return target.syntax.set("", &target.settings),
    };
    let lines = target
        .settings
        .iter()
        .map(|setting| line(&setting.path.join("_"), &setting.value) + "\n");
    Ok(lines.collect())
}

/// What to set, for programs.
fn document(client: Client, targets: &[Target]) -> Value {
    let files = targets.iter().map(|target| {
        let settings = target
            .settings
            .iter()
            .map(|setting| (setting.path.join("."), json!(setting.value)));
        let syntax = match target.syntax {
            Syntax::Json => "json",
            Syntax::Toml => "toml",
            Syntax::Dotenv => "dotenv",
        };
        json!({
            "path": target.path.display().to_string(),
            "syntax": syntax,
            "settings": settings.collect::<serde_json::Map<_, _>>(),
        })
    });
    json!({"client": client.name(), "files": files.collect::<Vec<_>>()})
}
