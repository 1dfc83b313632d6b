//! The vendors as other gateways call them: which provider each stands for. A table.

use translator::profile;

/// A vendor as other gateways call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vendor {
    /// The names, and the numbers of one-api and of new-api (0: has none).
    pub(super) names: &'static [&'static str],
    pub(super) one_api: u64,
    pub(super) new_api: u64,
    /// The name of the provider.
    pub(super) name: &'static str,
    /// The dialect, as `app.yml` names it.
    pub(super) api_format: &'static str,
    /// Its address; empty where the profile of that name knows it, or only the operator.
    base_url: &'static str,
    /// The variable that usually holds its key.
    pub(super) key: &'static str,
}

/// Those that can be carried over.
const VENDORS: &[Vendor] = &[
    vendor(
        &["openai", "text-completion-openai"],
        (1, 1),
        "openai",
        "openai",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
    ),
    vendor(
        &["azure", "azure_text"],
        (3, 3),
        "azure",
        "openai",
        "",
        "AZURE_API_KEY",
    ),
    vendor(
        &["anthropic"],
        (14, 14),
        "anthropic",
        "anthropic",
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
    ),
    vendor(
        &["gemini"],
        (24, 24),
        "gemini",
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
    ),
    vendor(
        &["openrouter"],
        (20, 20),
        "openrouter",
        "openai",
        "",
        "OPENROUTER_API_KEY",
    ),
    vendor(
        &["deepseek"],
        (36, 43),
        "deepseek",
        "openai",
        "",
        "DEEPSEEK_API_KEY",
    ),
    vendor(&["groq"], (29, 0), "groq", "openai", "", "GROQ_API_KEY"),
    vendor(
        &["mistral", "codestral"],
        (28, 42),
        "mistral",
        "openai",
        "",
        "MISTRAL_API_KEY",
    ),
    vendor(&["xai"], (45, 48), "xai", "openai", "", "XAI_API_KEY"),
    vendor(
        &["dashscope"],
        (17, 17),
        "qwen",
        "openai",
        "",
        "DASHSCOPE_API_KEY",
    ),
    vendor(
        &["moonshot"],
        (25, 25),
        "moonshot",
        "openai",
        "",
        "MOONSHOT_API_KEY",
    ),
    vendor(
        &["zai", "zhipu"],
        (16, 26),
        "zhipu",
        "openai",
        "",
        "ZAI_API_KEY",
    ),
    vendor(
        &["ollama", "ollama_chat"],
        (30, 4),
        "ollama",
        "openai",
        "",
        "OLLAMA_API_KEY",
    ),
    vendor(
        &["hosted_vllm", "vllm"],
        (0, 0),
        "vllm",
        "openai",
        "",
        "HOSTED_VLLM_API_KEY",
    ),
    vendor(
        &["lm_studio"],
        (0, 0),
        "lm-studio",
        "openai",
        "",
        "LM_STUDIO_API_KEY",
    ),
    vendor(
        &["together_ai"],
        (39, 0),
        "together",
        "openai",
        "https://api.together.xyz/v1",
        "TOGETHERAI_API_KEY",
    ),
    vendor(
        &["fireworks_ai"],
        (0, 0),
        "fireworks",
        "openai",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_AI_API_KEY",
    ),
    vendor(
        &["perplexity"],
        (0, 27),
        "perplexity",
        "openai",
        "https://api.perplexity.ai",
        "PERPLEXITYAI_API_KEY",
    ),
    vendor(
        &["nvidia_nim"],
        (0, 0),
        "nvidia",
        "openai",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_NIM_API_KEY",
    ),
    vendor(
        &["deepinfra"],
        (0, 0),
        "deepinfra",
        "openai",
        "https://api.deepinfra.com/v1/openai",
        "DEEPINFRA_API_KEY",
    ),
    vendor(
        &["cerebras"],
        (0, 0),
        "cerebras",
        "openai",
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
    ),
    vendor(
        &["siliconflow"],
        (44, 40),
        "siliconflow",
        "openai",
        "https://api.siliconflow.cn/v1",
        "SILICONFLOW_API_KEY",
    ),
    vendor(
        &["volcengine"],
        (40, 45),
        "volcengine",
        "openai",
        "https://ark.cn-beijing.volces.com/api/v3",
        "VOLCENGINE_API_KEY",
    ),
    vendor(
        &["minimax"],
        (27, 35),
        "minimax",
        "openai",
        "https://api.minimax.chat/v1",
        "MINIMAX_API_KEY",
    ),
    vendor(
        &["lingyiwanwu"],
        (31, 31),
        "lingyiwanwu",
        "openai",
        "https://api.lingyiwanwu.com/v1",
        "LINGYIWANWU_API_KEY",
    ),
    vendor(
        &["custom_openai", "openai_like", "litellm_proxy"],
        (8, 8),
        "custom",
        "openai",
        "",
        "OPENAI_API_KEY",
    ),
];

const fn vendor(
    names: &'static [&'static str],
    numbers: (u64, u64),
    name: &'static str,
    api_format: &'static str,
    base_url: &'static str,
    key: &'static str,
) -> Vendor {
    Vendor {
        names,
        one_api: numbers.0,
        new_api: numbers.1,
        name,
        api_format,
        base_url,
        key,
    }
}

impl Vendor {
    /// The address, where one is known.
    pub(super) fn base_url(&self) -> Option<&str> {
        if !self.base_url.is_empty() {
            return Some(self.base_url);
        }
        // Azure's has a blank in it that only the operator can fill.
        let usual = profile::named(self.name)?.usual_base_url()?;
        Some(usual).filter(|url| !url.contains("RESOURCE"))
    }
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Vendor> {
    VENDORS.iter()
}

/// By one of its names.
pub(super) fn named(name: &str) -> Option<&'static Vendor> {
    all().find(|vendor| vendor.names.contains(&name))
}

/// Whether an address is of this machine or of a private network, which the hub must be told to allow.
pub(super) fn is_private(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
        Ok(std::net::IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        // A name without a dot is one of a local network.
        Err(_) => !host.contains('.') && !host.is_empty(),
    }
}
