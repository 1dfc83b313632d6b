//! Making and changing: a document from a file, single members from the command line, and a version that keeps two
//! people from undoing each other's work.

use clap::Args;
use serde_json::{Map, Value};

use super::Resource;
use crate::client::{Answer, Call};
use crate::failure::{Ended, Failure, Kind};
use crate::input;
use crate::session::Session;

/// Members that were given on the command line.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Change {
    /// The whole, in YAML or JSON; `-` reads standard input.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: Option<String>,
    /// A member and its value in YAML, such as `priority=5`, `limits.rpm=60`, `models.big=[a, b]`.
    #[arg(long = "set", value_name = "MEMBER=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, Value)>,
    /// A member to leave out.
    #[arg(long = "unset", value_name = "MEMBER")]
    pub(crate) unset: Vec<String>,
}

impl Change {
    /// Whether nothing is to change.
    pub(crate) fn is_none(&self) -> bool {
        self.file.is_none() && self.set.is_empty() && self.unset.is_empty()
    }

    /// A document with these members in it.
    pub(crate) fn on(&self, body: Value) -> Value {
        Draft { body, etag: None }.changed(self).body
    }
}

fn assignment(text: &str) -> Result<(String, Value), String> {
    let (member, value) = text.split_once('=').ok_or("write it like member=value")?;
    if member.is_empty() {
        return Err("a member has a name".to_owned());
    }
    Ok((member.to_owned(), parse_value(value)))
}

/// A value as it is written on a command line: YAML, and where it is none, the text itself.
pub(crate) fn parse_value(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// A document that is being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    body: Value,
    etag: Option<String>,
}

impl Draft {
    /// With a member, where there is a value.
    #[must_use]
    pub(crate) fn with(mut self, member: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            set(&mut self.body, member, value.into());
        }
        self
    }

    /// With a list, where it has something.
    #[must_use]
    pub(crate) fn with_list(self, member: &str, list: &[String]) -> Self {
        let list = (!list.is_empty()).then(|| list.to_vec());
        self.with(member, list)
    }

    /// With what was given on the command line.
    #[must_use]
    pub(crate) fn changed(mut self, change: &Change) -> Self {
        for (member, value) in &change.set {
            let mut value =
                serde_json::json!({ member.rsplit('.').next().unwrap_or(member): value });
            crate::moment::count(&mut value);
            let value = value
                .as_object_mut()
                .and_then(|members| members.values_mut().next())
                .map(Value::take);
            set(&mut self.body, member, value.unwrap_or_default());
        }
        for member in &change.unset {
            unset(&mut self.body, member);
        }
        self
    }

    /// The whole as it stands.
    pub(super) fn body(&self) -> &Value {
        &self.body
    }

    /// Another whole in its place, of the same version.
    pub(super) fn rewritten(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// A member as it stands.
    pub(crate) fn get(&self, member: &str) -> &Value {
        &self.body[member]
    }
}

impl Resource {
    /// The beginning of a new one: the file, where there is one, and its name.
    pub(crate) fn begin(&self, change: &Change, name: Option<&str>) -> Ended<Draft> {
        let body = match &change.file {
            Some(path) => self.writable(input::document(path)?)?,
            None => Value::Object(Map::new()),
        };
        let label = self.label.unwrap_or(self.layout.key);
        Ok(Draft { body, etag: None }.with(label, name))
    }

    /// Makes a new one.
    pub(crate) async fn create(&self, session: &Session, draft: Draft) -> Ended<Option<Answer>> {
        let answer = session.write(&self.creation(draft)).await?;
        if let Some(answer) = &answer {
            self.written(session, &answer.body, "created")?;
        }
        Ok(answer)
    }

    /// Makes a new one, with a secret in this member that the hub tells once.
    pub(crate) async fn create_secret(
        &self,
        session: &Session,
        draft: Draft,
        secret: &str,
    ) -> Ended {
        let call = self.creation(draft);
        self.write_secret(session, &call, "created", secret).await
    }

    /// Writes something, with a secret in this member that the hub tells once.
    pub(crate) async fn write_secret(
        &self,
        session: &Session,
        call: &Call,
        done: &str,
        secret: &str,
    ) -> Ended {
        let Some(Answer { body, .. }) = session.write(call).await? else {
            return Ok(());
        };
        let whole = || self.written(session, &body, done);
        session.console.once(&body, secret, whole)
    }

    fn creation(&self, draft: Draft) -> Call {
        Call::new("POST", self.path).body(draft.body)
    }

    /// One that is there, to be changed: as the file has it, else as it is.
    pub(crate) async fn take(
        &self,
        session: &Session,
        name: &str,
        change: &Change,
    ) -> Ended<Draft> {
        let answer = self.get(session, name).await?;
        let label = self.label.unwrap_or(self.layout.key);
        let own = answer.body[label].clone();
        let body = match &change.file {
            Some(path) => self.writable(input::document(path)?)?,
            None => self.writable(answer.body)?,
        };
        let mut draft = Draft {
            body,
            etag: answer.etag,
        };
        // The hub's own name of it stands in the path alone.
        if draft.body[label].is_null() && self.members.contains(&label) {
            draft.body[label] = own;
        }
        Ok(draft)
    }

    /// Writes one that is there, unless somebody else has changed it since it was taken.
    pub(crate) async fn replace(
        &self,
        session: &Session,
        name: &str,
        draft: Draft,
    ) -> Ended<Option<Answer>> {
        let key = self.key(session, name).await?;
        let call = self
            .call("PUT", &key, "")
            .body(draft.body)
            .if_match(draft.etag);
        let answer = session.write(&call).await?;
        if let Some(answer) = &answer {
            self.written(session, &answer.body, "changed")?;
        }
        Ok(answer)
    }

    /// Makes one, or changes the one that is there.
    pub(crate) async fn assign(
        &self,
        session: &Session,
        name: &str,
        members: Vec<(&str, Value)>,
    ) -> Ended {
        let whole = Change::default();
        let on = |draft: Draft| {
            let mut draft = draft;
            for (member, value) in &members {
                set(&mut draft.body, member, value.clone());
            }
            draft
        };
        match self.take(session, name, &whole).await {
            Ok(draft) => self.replace(session, name, on(draft)).await.map(drop),
            Err(failure) if failure.kind() == Kind::NotFound => {
                let draft = self.begin(&whole, Some(name))?;
                self.create(session, on(draft)).await.map(drop)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Changes one as the command line says.
    pub(crate) async fn update(&self, session: &Session, name: &str, change: &Change) -> Ended {
        let draft = self.take(session, name, change).await?.changed(change);
        self.replace(session, name, draft).await.map(drop)
    }

    /// Only what can be written: what was shown can be edited and sent back.
    pub(super) fn writable(&self, document: Value) -> Ended<Value> {
        let Value::Object(members) = document else {
            return Err(Failure::usage(format!(
                "a {} is written as members with values",
                self.noun
            )));
        };
        let (own, foreign): (Map<_, _>, Map<_, _>) = members
            .into_iter()
            .partition(|(name, _)| self.members.contains(&name.as_str()));
        let unknown = foreign.keys().find(|name| !self.tells(name));
        match unknown {
            Some(name) => Err(
                Failure::usage(format!("a {} has no member `{name}`", self.noun))
                    .next(format!("it has {}", self.members.join(", "))),
            ),
            None => Ok(Value::Object(own)),
        }
    }

    /// Whether the hub tells this of it and takes it from nobody.
    fn tells(&self, member: &str) -> bool {
        self.tells.contains(&member)
    }
}

/// Sets what stands at a path with dots.
pub(crate) fn set(body: &mut Value, path: &str, value: Value) {
    let mut place = body;
    for member in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[member];
    }
    *place = value;
}

fn unset(body: &mut Value, path: &str) {
    let (folder, member) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = Some(body);
    for step in folder.split('.').filter(|step| !step.is_empty()) {
        place = place.and_then(|place| place.get_mut(step));
    }
    if let Some(members) = place.and_then(Value::as_object_mut) {
        members.remove(member);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_set_and_left_out_by_path() {
        let change = Change {
            set: [
                "limits.rpm=60",
                "models.big=[a, b]",
                "name=x y",
                "expires_at=2026-11-21",
            ]
            .map(|text| assignment(text).expect(text))
            .to_vec(),
            unset: vec!["limits.tpm".to_owned(), "no.such".to_owned()],
            ..Change::default()
        };
        let draft = Draft {
            body: json!({"limits": {"tpm": 5}}),
            etag: None,
        };
        let body = draft.changed(&change).body;
        let expected = json!({"limits": {"rpm": 60}, "models": {"big": ["a", "b"]}, "name": "x y",
            "expires_at": 1_795_219_200_000_i64});
        assert_eq!(body, expected);
        assert!(assignment("=1").is_err() && assignment("x").is_err());
    }
}
