//! Vendors and servers to pick from when a provider is added: name, dialect, address, where the key usually is.

use translator::Dialect;
use translator::profile;

use super::vendor::VENDORS;

/// A vendor to pick.
#[derive(Clone, Copy, Debug)]
pub struct VendorPreset {
    /// The name to give the provider.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is; empty where only the operator knows.
    pub base_url: &'static str,
    /// The profile to name, where the address does not say it.
    pub profile: Option<&'static str>,
    /// The variable in which its key is usually kept.
    pub key_variable: Option<&'static str>,
    /// It is on this machine or network.
    pub is_private: bool,
    /// What to know before.
    pub note: &'static str,
}

/// Profile, variable of the key, note.
const NOTES: [(&str, Option<&str>, &str); 15] = [
    (
        "qwen",
        Some("DASHSCOPE_API_KEY"),
        "Outside mainland China the address begins with dashscope-intl.",
    ),
    (
        "modelscope",
        Some("MODELSCOPE_API_KEY"),
        "Model names have their owner in front, such as Qwen/Qwen3-235B-A22B-Instruct-2507.",
    ),
    ("aiping", Some("AIPING_API_KEY"), ""),
    ("deepseek", Some("DEEPSEEK_API_KEY"), ""),
    (
        "moonshot",
        Some("MOONSHOT_API_KEY"),
        "Outside mainland China the address is api.moonshot.ai.",
    ),
    (
        "zhipu",
        Some("ZHIPU_API_KEY"),
        "Outside mainland China the address is api.z.ai/api/paas/v4.",
    ),
    (
        "openrouter",
        Some("OPENROUTER_API_KEY"),
        "Model names have their vendor in front, such as anthropic/claude-sonnet-4.5.",
    ),
    ("groq", Some("GROQ_API_KEY"), ""),
    ("mistral", Some("MISTRAL_API_KEY"), ""),
    ("xai", Some("XAI_API_KEY"), ""),
    (
        "azure",
        Some("AZURE_OPENAI_API_KEY"),
        "Put the name of your resource in the address; models are the names of your deployments.",
    ),
    (
        "ollama",
        None,
        "Needs no key; runs on this machine, which an administrator must allow.",
    ),
    (
        "vllm",
        None,
        "The hub itself listens on port 8000 by default: give one of them another port.",
    ),
    (
        "llama.cpp",
        None,
        "Needs no key; runs on this machine, which an administrator must allow.",
    ),
    (
        "lm-studio",
        None,
        "Needs no key; runs on this machine, which an administrator must allow.",
    ),
];

/// All of them, the best known first.
#[must_use]
pub fn vendor_presets() -> Vec<VendorPreset> {
    let titles = ["OpenAI", "Anthropic", "Google Gemini"];
    let vendors = VENDORS
        .into_iter()
        .zip(titles)
        .map(|(vendor, title)| VendorPreset {
            name: vendor.name,
            title,
            dialect: vendor.dialect,
            base_url: vendor.base_url,
            profile: None,
            key_variable: Some(vendor.key),
            is_private: false,
            note: "",
        });
    let servers = NOTES.into_iter().filter_map(|(name, key_variable, note)| {
        let profile = profile::named(name)?;
        let is_private = profile.base_url.starts_with("http://127.");
        Some(VendorPreset {
            name: &profile.name,
            title: &profile.title,
            dialect: Dialect::OpenAiChat,
            base_url: &profile.base_url,
            // Recognised by its address, unless that is changed; then the name must say it.
            profile: (is_private || name == "azure").then_some(profile.name.as_str()),
            key_variable,
            is_private,
            note,
        })
    });
    let other = VendorPreset {
        name: "my-server",
        title: "Any OpenAI-compatible server",
        dialect: Dialect::OpenAiChat,
        base_url: "",
        profile: Some("generic"),
        key_variable: None,
        is_private: false,
        note: "Give its address as its own documentation has it, usually ending in /v1.",
    };
    vendors.chain(servers).chain([other]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_its_profile_and_address() {
        let all = vendor_presets();
        assert_eq!(all.len(), VENDORS.len() + NOTES.len() + 1);
        for preset in &all[..all.len() - 1] {
            assert!(
                crate::snapshot::BaseUrl::parse(preset.base_url).is_ok(),
                "{}",
                preset.name
            );
        }
    }
}
