//! The vendors whose address needs not be written down.

use translator::Dialect;

/// A vendor that is known by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vendor {
    pub(super) name: &'static str,
    pub(super) dialect: Dialect,
    pub(super) base_url: &'static str,
    /// The variable or setting with a single key for it.
    pub(super) key: &'static str,
}

/// Those with a single-key form.
pub(super) const VENDORS: [Vendor; 3] = [
    Vendor {
        name: "openai",
        dialect: Dialect::OpenAiChat,
        base_url: "https://api.openai.com/v1",
        key: "OPENAI_API_KEY",
    },
    Vendor {
        name: "anthropic",
        dialect: Dialect::Anthropic,
        base_url: "https://api.anthropic.com",
        key: "ANTHROPIC_API_KEY",
    },
    Vendor {
        name: "gemini",
        dialect: Dialect::Gemini,
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        key: "GEMINI_API_KEY",
    },
];

/// Whether a name is a vendor's, so that it may be preferred before a key for it is there.
pub(crate) fn is_vendor(name: &str) -> bool {
    vendor(name).is_some()
}

/// A vendor by its name.
pub(super) fn vendor(name: &str) -> Option<Vendor> {
    VENDORS
        .into_iter()
        .find(|vendor| vendor.name.eq_ignore_ascii_case(name))
}
