//! Files and environment to [`Settings`]: plain data in which every value knows where it was written.
//!
//! Order, strongest first: command line, environment, `.env`, `app.yml`, `provider.json`. All errors are
//! told at once, each with file, line and what to do. It must never open a socket or know what a request is.

mod client_entry;
mod credential;
mod definition;
mod demo;
mod describe;
mod document;
mod environment;
mod error;
mod file;
mod interpolation;
mod legacy;
mod legacy_entry;
mod limits;
mod live;
mod loading;
mod model_entry;
mod node;
mod place;
mod pool_entry;
mod priority;
mod provider_entry;
mod route_entry;
mod secret;
mod settings;
mod trusted_proxies;
mod vendor;
mod vendor_preset;
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use vendor::is_vendor;

pub use credential::{Credential, DigestKey};
pub use definition::{DefinedSecret, Definition, Kind};
pub use describe::describe;
pub use document::LIVE;
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors};
pub use limits::{BadLimit, KeyLimits, parse_usd};
pub use live::LiveSetting;
pub use loading::{LoadOptions, load};
pub use place::Place;
pub use priority::PRIORITIES;
pub use secret::{Secret, mask};
pub use settings::{
    ClientKeySettings, KeyWeights, MatchSettings, ModelLists, PoolSettings, ProviderSettings,
    RouteSettings, Settings, TargetSettings,
};
pub use trusted_proxies::TrustedProxies;
pub use vendor_preset::{VendorPreset, vendor_presets};
pub use watch::{Watcher, watch};
