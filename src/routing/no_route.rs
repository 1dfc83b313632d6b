//! Why a request has nowhere to go, and how to mend it.

use std::fmt;

use translator::Dialect;

/// No target can serve a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing explains the model name.
    UnknownModel {
        /// The name as given, shortened if it is absurd.
        model: String,
        /// Known names like it.
        closest: Vec<String>,
    },
    /// The name stands for a model that nothing serves.
    Unserved {
        /// The name as given.
        model: String,
        /// What an alias or a role makes of it.
        target: String,
    },
    /// The client key may not have the model.
    NotAllowed {
        /// The model asked for.
        model: String,
        /// The provider that was refused, where one was the matter.
        provider: Option<String>,
    },
    /// The client key may not choose a provider.
    PinNotAllowed,
    /// No enabled provider has the name in `x-bridge-provider`.
    UnknownPin {
        /// The name given.
        provider: String,
        /// Known names like it.
        closest: Vec<String>,
    },
    /// Direct mode, and no provider of the model speaks the caller's dialect.
    NotDirect {
        /// The model asked for.
        model: String,
        /// The caller's dialect.
        ingress: Dialect,
    },
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModel { model, closest } => {
                write!(f, "no provider serves model `{model}`")?;
                suggest(f, closest, "list it under a provider, write `provider/model`, or set PREFERRED_PROVIDER")
            }
            Self::Unserved { model, target } => write!(
                f,
                "`{model}` stands for `{target}`, and no enabled provider serves that; enable one, or let `{model}` stand for another model"
            ),
            Self::NotAllowed { model, provider: Some(provider) } => write!(
                f,
                "this client key may not use provider `{provider}`, which serves model `{model}`; ask for a key that allows it"
            ),
            Self::NotAllowed { model, provider: None } => {
                write!(f, "this client key may not use model `{model}`; ask for a key that allows it")
            }
            Self::PinNotAllowed => {
                f.write_str("this client key may not choose a provider; leave out the header `x-bridge-provider`")
            }
            Self::UnknownPin { provider, closest } => {
                write!(f, "`x-bridge-provider` names `{provider}`, which is not an enabled provider")?;
                suggest(f, closest, "leave the header out or name an enabled provider")
            }
            Self::NotDirect { model, ingress } => write!(
                f,
                "direct mode does not translate, and no provider of model `{model}` speaks {}; use MODE: transformer",
                ingress.as_str()
            ),
        }
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, closest: &[String], otherwise: &str) -> fmt::Result {
    match closest {
        [] => write!(f, "; {otherwise}"),
        names => write!(f, "; did you mean `{}`?", names.join("`, `")),
    }
}

impl std::error::Error for NoRoute {}

/// A caller's name fit for an answer: short, and without control characters.
pub(super) fn presentable(name: &str) -> String {
    const MOST: usize = 128;
    let mut text: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    if name.chars().nth(MOST).is_some() {
        text.push_str("...");
    }
    text
}
