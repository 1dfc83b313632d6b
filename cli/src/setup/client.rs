//! The clients: where each keeps its settings, and which of them send it to a hub. Knows no file's content.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Setting, Syntax};
use crate::failure::{Ended, Failure};

/// The name that clients give the hub in their own settings.
const NAME: &str = "llm-bridge";
/// The variable that holds the client key where a client wants the name of one.
const VARIABLE: &str = "LLM_BRIDGE_KEY";

/// A client.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Client {
    /// Claude Code: `~/.claude/settings.json`.
    ClaudeCode,
    /// Codex: `~/.codex/config.toml` and `.env` beside it.
    Codex,
    /// Gemini CLI: `~/.gemini/settings.json` and `.env` beside it.
    GeminiCli,
    /// Qwen Code: `~/.qwen/settings.json` and `.env` beside it.
    QwenCode,
    /// Environment variables, for everything else.
    Env,
}

/// What a client is to be set to.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The hub's address.
    pub(crate) url: String,
    /// The client key; as it is where there is none.
    pub(crate) key: Option<String>,
    /// The model to ask for.
    pub(crate) model: Option<String>,
    /// The model for small things.
    pub(crate) small_model: Option<String>,
}

/// A file, and what is to be set in it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How it is written.
    pub(crate) syntax: Syntax,
    /// What is to be set.
    pub(crate) settings: Vec<Setting>,
    /// The ways to the key in it, where it holds the key.
    pub(crate) keys: Vec<Vec<&'static str>>,
}

impl Target {
    /// The keys that stand in a file.
    pub(crate) fn kept_keys(&self, text: &str) -> Vec<String> {
        let secrets = self.settings.iter().filter(|setting| setting.is_secret);
        let ways = secrets.map(|setting| &setting.path).chain(&self.keys);
        ways.filter_map(|path| self.syntax.get(text, path))
            .filter(|key| !key.is_empty())
            .collect()
    }

    /// Whether the client finds its key in a file, everywhere it looks for it.
    pub(crate) fn has_key(&self, text: &str) -> bool {
        let is_there = |path: &Vec<&str>| {
            let key = self.syntax.get(text, path);
            key.is_some_and(|key| !key.is_empty())
        };
        !self.keys.is_empty() && self.keys.iter().all(is_there)
    }
}

impl Client {
    /// The name as it stands on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
            Self::QwenCode => "qwen-code",
            Self::Env => "env",
        }
    }

    /// The folder where it keeps its settings.
    pub(crate) fn folder(self) -> Ended<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let own = match self {
            Self::ClaudeCode => variable("CLAUDE_CONFIG_DIR"),
            Self::Codex => variable("CODEX_HOME"),
            Self::Env => Some(".".into()),
            Self::GeminiCli | Self::QwenCode => None,
        };
        if let Some(folder) = own {
            return Ok(folder.into());
        }
        let home = variable("HOME").or_else(|| variable("USERPROFILE"));
        let home = home.ok_or_else(|| {
            Failure::failed("there is no home folder")
                .next("set HOME, or name the folder: --folder")
        })?;
        let folder = match self {
            Self::ClaudeCode => ".claude",
            Self::Codex => ".codex",
            Self::GeminiCli => ".gemini",
            Self::QwenCode | Self::Env => ".qwen",
        };
        Ok(Path::new(&home).join(folder))
    }

    /// What is to be set, and where.
    pub(crate) fn targets(self, folder: &Path, wish: &Wish) -> Vec<Target> {
        match self {
            Self::ClaudeCode => claude_code(folder, wish),
            Self::Codex => codex(folder, wish),
            Self::GeminiCli => gemini_cli(folder, wish),
            Self::QwenCode => qwen_code(folder, wish),
            Self::Env => environment(folder, wish),
        }
    }

    /// What somebody has to know beside it.
    pub(crate) fn remarks(self, wish: &Wish) -> Vec<&'static str> {
        match self {
            Self::ClaudeCode => vec![
                "an `apiKeyHelper` in any of Claude Code's settings would still win over this key",
            ],
            Self::Codex if wish.model.is_none() => vec![
                "Codex keeps its model: where the hub has none of that name, give one with --model",
            ],
            Self::GeminiCli => vec![
                "Gemini CLI reads its .env in trusted folders alone, and asks for GEMINI_API_KEY in others: trust the \
                 folder when it asks, or without a terminal give --skip-trust",
                "Gemini CLI asks for gemini-3.5-flash-lite and gemini-3.8-flash besides: a route or a preferred \
                 provider should know these names",
            ],
            Self::Codex | Self::QwenCode | Self::Env => Vec::new(),
        }
    }
}

fn plain(path: &[&'static str], value: impl Into<String>) -> Setting {
    Setting {
        path: path.to_vec(),
        value: value.into(),
        is_secret: false,
    }
}

fn secret(path: &[&'static str], key: Option<&String>) -> Option<Setting> {
    Some(Setting {
        path: path.to_vec(),
        value: key?.clone(),
        is_secret: true,
    })
}

fn some(path: &[&'static str], value: Option<&String>) -> Option<Setting> {
    Some(plain(path, value?))
}

fn claude_code(folder: &Path, wish: &Wish) -> Vec<Target> {
    let settings = [
        Some(plain(&["env", "ANTHROPIC_BASE_URL"], &wish.url)),
        secret(&["env", "ANTHROPIC_AUTH_TOKEN"], wish.key.as_ref()),
        // A key of the vendor's, in this file or in the shell, would be sent beside the token and be looked at first.
        secret(&["env", "ANTHROPIC_API_KEY"], Some(&String::new())),
        some(&["env", "ANTHROPIC_MODEL"], wish.model.as_ref()),
        some(
            &["env", "ANTHROPIC_DEFAULT_HAIKU_MODEL"],
            wish.small_model.as_ref(),
        ),
    ];
    vec![Target {
        path: folder.join("settings.json"),
        syntax: Syntax::Json,
        settings: settings.into_iter().flatten().collect(),
        keys: vec![vec!["env", "ANTHROPIC_AUTH_TOKEN"]],
    }]
}

fn codex(folder: &Path, wish: &Wish) -> Vec<Target> {
    let own = |name: &'static str| ["model_providers", NAME, name];
    let settings = [
        some(&["model"], wish.model.as_ref()),
        Some(plain(&["model_provider"], NAME)),
        Some(plain(&own("name"), "LLM Bridge")),
        Some(plain(&own("base_url"), format!("{}/v1", wish.url))),
        Some(plain(&own("env_key"), VARIABLE)),
        Some(plain(&own("wire_api"), "responses")),
    ];
    let config = Target {
        path: folder.join("config.toml"),
        syntax: Syntax::Toml,
        settings: settings.into_iter().flatten().collect(),
        keys: Vec::new(),
    };
    vec![
        config,
        dotenv(
            folder,
            &[VARIABLE],
            secret(&[VARIABLE], wish.key.as_ref()).into_iter().collect(),
        ),
    ]
}

fn gemini_cli(folder: &Path, wish: &Wish) -> Vec<Target> {
    let variables = [
        Some(plain(&["GOOGLE_GEMINI_BASE_URL"], &wish.url)),
        secret(&["GEMINI_API_KEY"], wish.key.as_ref()),
    ];
    vec![
        chosen_way(folder, "gemini-api-key", wish),
        dotenv(
            folder,
            &["GEMINI_API_KEY"],
            variables.into_iter().flatten().collect(),
        ),
    ]
}

fn qwen_code(folder: &Path, wish: &Wish) -> Vec<Target> {
    let variables = [
        Some(plain(&["OPENAI_BASE_URL"], format!("{}/v1", wish.url))),
        secret(&["OPENAI_API_KEY"], wish.key.as_ref()),
        some(&["OPENAI_MODEL"], wish.model.as_ref()),
    ];
    vec![
        chosen_way(folder, "openai", wish),
        dotenv(
            folder,
            &["OPENAI_API_KEY"],
            variables.into_iter().flatten().collect(),
        ),
    ]
}

/// The settings of the two clients that are one another's relatives.
fn chosen_way(folder: &Path, kind: &str, wish: &Wish) -> Target {
    let settings = [
        Some(plain(&["security", "auth", "selectedType"], kind)),
        some(&["model", "name"], wish.model.as_ref()),
    ];
    Target {
        path: folder.join("settings.json"),
        syntax: Syntax::Json,
        settings: settings.into_iter().flatten().collect(),
        keys: Vec::new(),
    }
}

fn dotenv(folder: &Path, keys: &[&'static str], settings: Vec<Setting>) -> Target {
    Target {
        path: folder.join(".env"),
        syntax: Syntax::Dotenv,
        settings,
        keys: keys.iter().map(|key| vec![*key]).collect(),
    }
}

/// The variables that the vendors' own libraries read.
fn environment(folder: &Path, wish: &Wish) -> Vec<Target> {
    let key = wish.key.as_ref();
    let variables = [
        Some(plain(&["OPENAI_BASE_URL"], format!("{}/v1", wish.url))),
        secret(&["OPENAI_API_KEY"], key),
        some(&["OPENAI_MODEL"], wish.model.as_ref()),
        Some(plain(&["ANTHROPIC_BASE_URL"], &wish.url)),
        secret(&["ANTHROPIC_API_KEY"], key),
        some(&["ANTHROPIC_MODEL"], wish.model.as_ref()),
        some(
            &["ANTHROPIC_DEFAULT_HAIKU_MODEL"],
            wish.small_model.as_ref(),
        ),
        Some(plain(&["GOOGLE_GEMINI_BASE_URL"], &wish.url)),
        secret(&["GEMINI_API_KEY"], key),
    ];
    vec![dotenv(
        folder,
        &["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"],
        variables.into_iter().flatten().collect(),
    )]
}
