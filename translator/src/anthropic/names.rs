//! Names and ids on the wire: legal, unique, and the same in every turn.

use std::borrow::Cow;
use std::collections::HashMap;

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
                let shared = namespace.is_some()
                    && tools.iter().filter(|other| other.name == tool.name).count() > 1;
                (
                    &*tool.name,
                    namespace,
                    wire_name(&tool.name, namespace.filter(|_| shared), max),
                )
            })
            .collect();
        Self { tools, max }
    }

    /// The wire name of a tool, declared or not.
    pub(super) fn wire(&self, name: &'r str, namespace: Option<&str>) -> Cow<'r, str> {
        let found = self.tools.iter().find(|(other, group, _)| {
            *other == name && (namespace.is_none() || *group == namespace)
        });
        found.map_or_else(
            || wire_name(name, None, self.max),
            |(_, _, wire)| wire.clone(),
        )
    }
}

fn wire_name<'r>(name: &'r str, namespace: Option<&str>, max: usize) -> Cow<'r, str> {
    match namespace {
        None => tool_name(name, Charset::Word, max),
        Some(namespace) => {
            Cow::Owned(tool_name(&format!("{namespace}__{name}"), Charset::Word, max).into_owned())
        }
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
