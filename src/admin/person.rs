//! Who is logged in, and what their role lets them do.

use poem::Request;
use poem_openapi::auth::Bearer;
use poem_openapi::{Enum, SecurityScheme};

use super::problem::Problem;
use crate::control::Actor;

/// What somebody may do. Each role may do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
#[oai(rename_all = "lowercase")]
pub enum Role {
    /// Uses the hub: own keys, own requests, own conversations.
    Member,
    /// Sees everything but secrets, changes nothing.
    Viewer,
    /// Changes providers, pools, routes, presets and everybody's keys.
    Operator,
    /// Changes people and settings too.
    Admin,
}

impl Role {
    /// The name in rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of this name; `user` is what older set-ups call a member.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "member" | "user" => Some(Self::Member),
            "viewer" => Some(Self::Viewer),
            "operator" => Some(Self::Operator),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The user.
    pub user_id: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// The session they came with.
    pub session_id: String,
    /// They must choose another password before anything else.
    pub must_change_password: bool,
    /// Where the request came from.
    pub address: Option<String>,
}

// The guard in front of all handlers has looked at it; this only hands on what it found.
/// The access token that a log-in gives.
#[derive(SecurityScheme)]
#[oai(
    ty = "bearer",
    rename = "session",
    bearer_format = "JWT",
    checker = "found"
)]
pub(super) struct Session(Identity);

async fn found(request: &Request, _: Bearer) -> Option<Identity> {
    request.extensions().get::<Identity>().cloned()
}

impl Session {
    /// The person, whatever their role.
    pub(super) const fn anybody(&self) -> &Identity {
        &self.0
    }

    /// The person, if their role is enough.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn at_least(&self, role: Role) -> Result<&Identity, Problem> {
        if self.0.role >= role {
            Ok(&self.0)
        } else {
            Err(Problem::forbidden(format!(
                "this needs the role {}, yours is {}",
                role.as_str(),
                self.0.role.as_str()
            )))
        }
    }
}

impl Identity {
    /// As the one who changes something.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor {
            id: Some(self.user_id.clone()),
            name: self.email.clone(),
            address: self.address.clone(),
        }
    }
}
