//! Tools that the client runs and whose calls have item types of their own. Says how such an item is a call
//! with arguments and how it is written again; knows nothing of turns and events.

/// One such tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vendor {
    /// The tool's type tag and the name that its calls have in the representation.
    pub(super) tag: &'static str,
    /// The type of the item that calls it.
    pub(super) call: &'static str,
    /// The type of the item that answers.
    pub(super) output: &'static str,
    /// The member of the call that holds the arguments.
    pub(super) member: &'static str,
    /// Item ids begin with this.
    pub(super) prefix: &'static str,
}

/// The table. The search for tools is among them when the client runs it.
pub(super) const VENDORS: [Vendor; 4] = [
    Vendor {
        tag: "tool_search",
        call: "tool_search_call",
        output: "tool_search_output",
        member: "arguments",
        prefix: "tsc_",
    },
    Vendor {
        tag: "apply_patch",
        call: "apply_patch_call",
        output: "apply_patch_call_output",
        member: "operation",
        prefix: "apc_",
    },
    Vendor {
        tag: "shell",
        call: "shell_call",
        output: "shell_call_output",
        member: "action",
        prefix: "sh_",
    },
    Vendor {
        tag: "local_shell",
        call: "local_shell_call",
        output: "local_shell_call_output",
        member: "action",
        prefix: "lsh_",
    },
];

/// The tool that an item of this type calls.
pub(super) fn by_call(kind: &str) -> Option<Vendor> {
    VENDORS.into_iter().find(|vendor| vendor.call == kind)
}

/// The tool that an item of this type answers for.
pub(super) fn by_output(kind: &str) -> Option<Vendor> {
    VENDORS.into_iter().find(|vendor| vendor.output == kind)
}

/// The tool of this name.
pub(super) fn by_tag(tag: &str) -> Option<Vendor> {
    VENDORS.into_iter().find(|vendor| vendor.tag == tag)
}
