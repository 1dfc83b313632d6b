//! Names and ids on the wire: legal, unique, and the same in every turn.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::group;
use crate::ident::{Charset, call_id, tool_name};
use crate::ir::Tool;

/// The wire names of a request's tools.
#[derive(Debug)]
pub(super) struct Names<'r> {
    tools: Vec<(&'r str, Option<&'r str>, Cow<'r, str>)>,
    max: usize,
}

impl<'r> Names<'r> {
    /// Gives each tool its name. A group's name goes in front only where the bare name is not enough.
    pub(super) fn of(tools: &'r [Tool<'_>], max: usize) -> Self {
        let tools = tools
            .iter()
            .map(|tool| {
                let namespace = tool.namespace.as_deref();
                let wire = match group::flat_name(tools, namespace, &tool.name) {
                    Cow::Borrowed(name) => tool_name(name, Charset::Word, max),
                    Cow::Owned(name) => {
                        Cow::Owned(tool_name(&name, Charset::Word, max).into_owned())
                    }
                };
                (&*tool.name, namespace, wire)
            })
            .collect();
        Self { tools, max }
    }

    /// The wire name of a tool, declared or not. Without a group, the first tool of the name in any group is
    /// meant where none stands outside of groups.
    pub(super) fn wire(&self, name: &'r str, namespace: Option<&str>) -> Cow<'r, str> {
        let mut named = self.tools.iter().filter(|(other, _, _)| *other == name);
        let exact = named.clone().find(|(_, group, _)| *group == namespace);
        exact
            .or_else(|| named.next().filter(|_| namespace.is_none()))
            .map_or_else(
                || tool_name(name, Charset::Word, self.max),
                |(_, _, wire)| wire.clone(),
            )
    }
}

/// The wire ids of calls. The service wants them unique in a request; some sources begin anew in each turn.
#[derive(Debug)]
pub(super) struct CallIds<'r> {
    seen: HashMap<&'r str, (u32, Cow<'r, str>)>,
    max: usize,
}

impl<'r> CallIds<'r> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            seen: HashMap::new(),
            max,
        }
    }

    /// The id of the next call.
    pub(super) fn call(&mut self, id: &'r str) -> Cow<'r, str> {
        let max = self.max;
        let entry = self
            .seen
            .entry(id)
            .and_modify(|(count, wire)| {
                *count += 1;
                *wire =
                    Cow::Owned(call_id(&format!("{id}#{count}"), Charset::Word, max).into_owned());
            })
            .or_insert_with(|| (1, call_id(id, Charset::Word, max)));
        entry.1.clone()
    }

    /// The id of the call that a result answers: the latest of that id.
    pub(super) fn result(&self, id: &'r str) -> Cow<'r, str> {
        self.seen.get(id).map_or_else(
            || call_id(id, Charset::Word, self.max),
            |(_, wire)| wire.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::ToolKind;

    fn tool(namespace: Option<&'static str>) -> Tool<'static> {
        Tool {
            name: "read".into(),
            namespace: namespace.map(Cow::Borrowed),
            description: None,
            kind: ToolKind::Function { schema: None },
            strict: None,
            cache: None,
            raw: None,
        }
    }

    #[test]
    fn a_bare_name_is_the_tool_outside_of_groups() {
        for tools in [
            [tool(Some("fs")), tool(None)],
            [tool(None), tool(Some("fs"))],
        ] {
            let names = Names::of(&tools, 64);
            assert_eq!(names.wire("read", None), "read");
            assert_eq!(names.wire("read", Some("fs")), "fs__read");
        }
        let grouped = [tool(Some("fs")), tool(Some("db"))];
        assert_eq!(Names::of(&grouped, 64).wire("read", None), "fs__read");
    }
}
