//! Names of grouped tools for upstreams that know no groups. What a wire takes as a name is not known here.

use std::borrow::Cow;

use crate::ident;
use crate::ir::Tool;

/// The name of a tool without its group: the bare one where no other tool has it, else with the group in front.
/// Where another tool is called just so, a hash of both tells them apart: two tools never share a name.
pub(crate) fn flat_name<'n>(
    tools: &[Tool<'_>],
    namespace: Option<&str>,
    name: &'n str,
) -> Cow<'n, str> {
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else {
        return Cow::Borrowed(name);
    };
    if tools.iter().filter(|tool| tool.name == name).count() < 2 {
        return Cow::Borrowed(name);
    }
    let full = format!("{namespace}__{name}");
    let is_taken = tools.iter().any(|tool| {
        tool.name == full
            || tool.namespace.as_deref().is_some_and(|group| {
                (group != namespace || tool.name != name) && joins_to(group, &tool.name, &full)
            })
    });
    if is_taken {
        let hash = ident::hash_hex(&format!("{namespace}\n{name}"), 8);
        return Cow::Owned(format!("{full}_{hash}"));
    }
    Cow::Owned(full)
}

fn joins_to(group: &str, name: &str, full: &str) -> bool {
    full.strip_prefix(group)
        .and_then(|rest| rest.strip_prefix("__"))
        == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::ToolKind;

    fn tool(namespace: Option<&'static str>, name: &'static str) -> Tool<'static> {
        Tool {
            name: name.into(),
            namespace: namespace.map(Cow::Borrowed),
            description: None,
            kind: ToolKind::Function { schema: None },
            strict: None,
            cache: None,
            raw: None,
        }
    }

    #[test]
    fn two_tools_never_share_a_name() {
        let tools = [
            tool(Some("fs"), "read"),
            tool(Some("a"), "b__c"),
            tool(Some("a__b"), "c"),
            tool(Some("fs"), "write"),
            tool(None, "b__c"),
            tool(None, "c"),
            tool(None, "read"),
            tool(None, "fs__read"),
        ];
        let names: Vec<String> = tools
            .iter()
            .map(|tool| flat_name(&tools, tool.namespace.as_deref(), &tool.name).into_owned())
            .collect();
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), tools.len(), "{names:?}");
        assert_eq!(names[3..], ["write", "b__c", "c", "read", "fs__read"]);
        assert!(names[0].starts_with("fs__read_"), "{names:?}");
        assert_eq!(flat_name(&tools[6..], Some("fs"), "read"), "read");
        assert_eq!(
            flat_name(
                &[tool(Some("fs"), "read"), tool(None, "read")],
                Some("fs"),
                "read"
            ),
            "fs__read"
        );
    }
}
