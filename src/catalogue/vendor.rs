//! Which vendor a configured provider is.

use std::sync::LazyLock;

use serde::Deserialize;

static VENDORS: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../catalogue/vendors.json"))
        .expect("a test reads the file that is part of the program")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    vendor: Option<String>,
    /// A host, or the end of one when it begins with `.` or `-`.
    hosts: Vec<String>,
    /// Names of profiles and providers.
    names: Vec<String>,
    #[serde(default)]
    prefixed: bool,
    #[serde(default)]
    unpriced: bool,
    hour_write: Option<f64>,
}

/// Whose models a provider serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A vendor of the catalogue.
    Vendor(&'static str),
    /// Several, at their own prices: names of models begin with the vendor.
    Prefixed,
    /// Nobody known; its prices are what the operator says.
    Unknown,
}

impl Identity {
    /// The identity of a provider: by its host, else by its profile, else by its name.
    #[must_use]
    pub fn of(host: &str, profile: Option<&str>, name: &str) -> Self {
        let host = host.to_ascii_lowercase();
        let by_host = VENDORS.iter().find(|entry| {
            entry.hosts.iter().any(|known| {
                host == *known || (known.starts_with(['.', '-']) && host.ends_with(known.as_str()))
            })
        });
        let named = |name: &str| {
            let name = name.to_ascii_lowercase();
            VENDORS.iter().find(|entry| entry.names.contains(&name))
        };
        let found = by_host
            .or_else(|| profile.and_then(named))
            .or_else(|| named(name));
        match found {
            Some(Entry { unpriced: true, .. }) | None => Self::Unknown,
            Some(Entry { prefixed: true, .. }) => Self::Prefixed,
            Some(entry) => entry.vendor.as_deref().map_or(Self::Unknown, Self::Vendor),
        }
    }

    /// The vendor that a name stands for.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static str> {
        match Self::of("", None, name) {
            Self::Vendor(vendor) => Some(vendor),
            Self::Prefixed | Self::Unknown => None,
        }
    }
}

/// What writing to a cache for an hour costs at a vendor, in prices of input.
pub(super) fn hour_write(vendor: &str) -> Option<f64> {
    VENDORS
        .iter()
        .find(|entry| entry.vendor.as_deref() == Some(vendor))?
        .hour_write
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_before_profile_before_name() {
        for (host, profile, name, wanted) in [
            (
                "api.anthropic.com",
                None,
                "mine",
                Identity::Vendor("anthropic"),
            ),
            (
                "dashscope-intl.aliyuncs.com",
                Some("qwen"),
                "qwen",
                Identity::Vendor("alibaba"),
            ),
            ("api.z.ai", Some("zhipu"), "glm", Identity::Vendor("zai")),
            (
                "proxy.example",
                Some("qwen"),
                "x",
                Identity::Vendor("alibaba-cn"),
            ),
            ("proxy.example", None, "OpenAI", Identity::Vendor("openai")),
            (
                "me.openai.azure.com",
                Some("azure"),
                "eu",
                Identity::Vendor("openai"),
            ),
            (
                "europe-west1-aiplatform.googleapis.com",
                None,
                "v",
                Identity::Vendor("google"),
            ),
            ("openrouter.ai", Some("openrouter"), "x", Identity::Prefixed),
            ("127.0.0.1", Some("ollama"), "anthropic", Identity::Unknown),
            ("llm.example", None, "house", Identity::Unknown),
        ] {
            assert_eq!(Identity::of(host, profile, name), wanted, "{host} {name}");
        }
    }
}
