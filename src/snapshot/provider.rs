//! A provider as the data plane sees it: where it is, what it speaks, which keys it takes.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use translator::Dialect;
use translator::capability::Capability;
use translator::profile::{self, Profile};

use super::{BaseUrl, Endpoint, KeyPool, Mode, ProxyAddress, Role, Source};

/// An enabled provider.
#[derive(Debug)]
pub struct Provider {
    /// Unique name, as used in `provider/model`.
    pub name: Arc<str>,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is.
    pub base: BaseUrl,
    /// Which kind of server it is, as the configuration or its address says.
    pub profile: Option<&'static Profile>,
    /// The `api-version` of addresses that need one.
    pub api_version: Option<Arc<str>>,
    /// The keys it is called with.
    pub pool: Arc<KeyPool>,
    /// Time to the end of a whole answer; idle time on a stream.
    pub timeout: Duration,
    /// Further attempts on the same target after a timeout or connection error.
    pub max_retries: u32,
    /// Headers added to every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Upper bound on `max_tokens` for this provider.
    pub max_tokens_limit: Option<u64>,
    /// Members of the body that it refuses; they are left out.
    pub omit_params: Vec<Arc<str>>,
    /// It answers in streams alone; the hub gathers where a client wants the whole.
    pub always_stream: bool,
    /// Whether loopback and private addresses may be dialled.
    pub allow_private_network: bool,
    /// Smaller is tried first.
    pub priority: i64,
    /// Models for the `opus` role.
    pub big: Vec<Arc<str>>,
    /// Models for the `sonnet` role.
    pub middle: Vec<Arc<str>>,
    /// Models for the `haiku` role.
    pub small: Vec<Arc<str>>,
    /// Models it serves beyond the three role lists.
    pub other: Vec<Arc<str>>,
    /// Overrides the hub's mode.
    pub mode: Option<Mode>,
    /// Most requests in flight at once.
    pub max_concurrency: Option<usize>,
    /// The proxy to reach it through.
    pub proxy: Option<ProxyAddress>,
    /// Share of traffic under the weighted strategy.
    pub weight: u32,
    /// Where it was defined.
    pub source: Source,
}

impl Provider {
    /// What a model takes at this provider.
    #[must_use]
    pub fn capability(&self, model: &str) -> &'static Capability {
        profile::of(self.profile, self.dialect, model)
    }

    /// The path and query for a call.
    #[must_use]
    pub fn path(&self, endpoint: Endpoint, model: &str) -> String {
        let address = self.profile.map(|profile| &profile.address);
        let deployments =
            address.and_then(|address| Some((address, address.deployments.as_deref()?)));
        let Some((address, deployments)) = deployments else {
            return self.base.path(self.dialect, endpoint, model);
        };
        let version = self
            .api_version
            .as_deref()
            .or(address.api_version.as_deref());
        self.base
            .deployment_path(deployments, version, self.dialect, endpoint, model)
            .unwrap_or_else(|| self.base.path(self.dialect, endpoint, model))
    }

    /// The models listed for a role.
    #[must_use]
    pub fn role_models(&self, role: Role) -> &[Arc<str>] {
        match role {
            Role::Big => &self.big,
            Role::Middle => &self.middle,
            Role::Small => &self.small,
        }
    }

    /// All models it lists; a name may come twice if two lists have it.
    pub fn models(&self) -> impl Iterator<Item = &Arc<str>> {
        self.big
            .iter()
            .chain(&self.middle)
            .chain(&self.small)
            .chain(&self.other)
    }

    /// The listed spelling of a model, if it lists it.
    #[must_use]
    pub fn lists(&self, model: &str) -> Option<&Arc<str>> {
        self.models().find(|listed| ***listed == *model)
    }
}
