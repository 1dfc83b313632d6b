//! What `opus`, `sonnet` and `haiku` stand for, and aliases.

use std::collections::HashMap;
use std::sync::Arc;

/// A size of model that clients ask for by a family name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `opus`
    Big,
    /// `sonnet`
    Middle,
    /// `haiku`
    Small,
}

impl Role {
    /// All roles, biggest first.
    pub const ALL: [Self; 3] = [Self::Big, Self::Middle, Self::Small];

    /// The family name that clients use.
    #[must_use]
    pub const fn family(self) -> &'static str {
        match self {
            Self::Big => "opus",
            Self::Middle => "sonnet",
            Self::Small => "haiku",
        }
    }

    /// The list or setting it maps to.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Big => "big",
            Self::Middle => "middle",
            Self::Small => "small",
        }
    }

    /// The role that a model name asks for, by substring in any case.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| {
            let family = role.family().as_bytes();
            model
                .as_bytes()
                .windows(family.len())
                .any(|window| window.eq_ignore_ascii_case(family))
        })
    }
}

/// Role settings and aliases; values are `provider/model` or a bare model.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// `BIG_MODEL`
    pub big: Option<Arc<str>>,
    /// `MIDDLE_MODEL`
    pub middle: Option<Arc<str>>,
    /// `SMALL_MODEL`
    pub small: Option<Arc<str>>,
    /// Other names for models.
    pub aliases: HashMap<Arc<str>, Arc<str>>,
}

impl Roles {
    /// What a name is an alias of, in any case.
    #[must_use]
    pub fn alias(&self, name: &str) -> Option<&Arc<str>> {
        if self.aliases.is_empty() {
            return None;
        }
        let folded = || {
            self.aliases
                .iter()
                .find(|(alias, _)| alias.eq_ignore_ascii_case(name))
        };
        self.aliases
            .get(name)
            .or_else(|| folded().map(|(_, model)| model))
    }

    /// The hub-wide setting for a role.
    #[must_use]
    pub fn get(&self, role: Role) -> Option<&Arc<str>> {
        match role {
            Role::Big => self.big.as_ref(),
            Role::Middle => self.middle.as_ref(),
            Role::Small => self.small.as_ref(),
        }
    }
}
