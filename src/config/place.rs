//! Where a value was written, down to the line.
//!
//! Parsed values carry no positions. A place keeps the text and the path of the value, and finds the
//! line only when somebody asks: it reads the text again and stops, with an error that carries the
//! parser's position, at the value meant.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

/// A file's name and text.
pub(super) struct SourceText {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) json: bool,
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may hold secrets.
        f.debug_tuple("SourceText").field(&self.name).finish()
    }
}

/// Where a value was written.
#[derive(Clone, Debug, Default)]
pub struct Place(Origin);

#[derive(Clone, Debug, Default)]
enum Origin {
    #[default]
    Unknown,
    Variable(String, Vec<Step>),
    File(Arc<SourceText>, Vec<Step>),
    /// A file, and a line that is already known.
    Line(String, usize),
    /// What is kept in the database: its kind, its name, and the way to the value.
    Defined(&'static str, String, Vec<Step>),
}

impl Place {
    /// An environment variable.
    #[must_use]
    pub fn variable(name: &str) -> Self {
        Self(Origin::Variable(name.to_owned(), Vec::new()))
    }

    /// A line of a file.
    #[must_use]
    pub fn line_of(file: &str, line: usize) -> Self {
        Self(Origin::Line(file.to_owned(), line))
    }

    /// Something that is kept in the database.
    #[must_use]
    pub fn defined(kind: &'static str, name: &str) -> Self {
        Self(Origin::Defined(kind, name.to_owned(), Vec::new()))
    }

    /// Kind and name, where it is something that is kept in the database.
    #[must_use]
    pub fn definition(&self) -> Option<(&'static str, &str)> {
        match &self.0 {
            Origin::Defined(kind, name, _) => Some((kind, name)),
            _ => None,
        }
    }

    /// The way to the value within what holds it, such as `match.model[0]`.
    #[must_use]
    pub fn path(&self) -> String {
        let steps = match &self.0 {
            Origin::Variable(_, steps) | Origin::File(_, steps) | Origin::Defined(_, _, steps) => {
                steps
            }
            Origin::Unknown | Origin::Line(..) => return String::new(),
        };
        let mut path = String::new();
        for step in steps {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", key]),
                Step::Item(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    pub(super) fn file(source: Arc<SourceText>) -> Self {
        Self(Origin::File(source, Vec::new()))
    }

    /// The member `key` of the map at this place.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    pub(super) fn item(&self, index: usize) -> Self {
        self.step(Step::Item(index))
    }

    fn step(&self, step: Step) -> Self {
        let mut place = self.clone();
        if let Origin::Variable(_, path) | Origin::File(_, path) | Origin::Defined(_, _, path) =
            &mut place.0
        {
            path.push(step);
        }
        place
    }

    /// Whether text there is meant as it stands: only files may refer to variables.
    #[must_use]
    pub const fn is_literal(&self) -> bool {
        matches!(self.0, Origin::Variable(..) | Origin::Defined(..))
    }

    /// Whether it is the environment and not a file.
    #[must_use]
    pub const fn is_variable(&self) -> bool {
        matches!(self.0, Origin::Variable(..))
    }

    /// The line, where the value stands in a file; of its nearest parent if it came by a merge key.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match &self.0 {
            Origin::File(source, path) => (0..=path.len())
                .rev()
                .find_map(|length| locate(source, &path[..length])),
            Origin::Line(_, line) => Some(*line),
            Origin::Unknown | Origin::Variable(..) | Origin::Defined(..) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Origin::Unknown => f.write_str("configuration"),
            Origin::Variable(name, _) => write!(f, "environment variable {name}"),
            Origin::Line(name, line) => write!(f, "{name}:{line}"),
            Origin::Defined(kind, name, _) => write!(f, "{kind} `{name}`"),
            Origin::File(source, _) => match self.line() {
                Some(line) => write!(f, "{}:{line}", source.name),
                None => f.write_str(&source.name),
            },
        }
    }
}

fn locate(source: &SourceText, path: &[Step]) -> Option<usize> {
    if source.json {
        let mut deserializer = serde_json::Deserializer::from_str(&source.text);
        Locate { path }
            .deserialize(&mut deserializer)
            .err()
            .filter(|error| error.to_string().starts_with(FOUND))
            .map(|e| e.line())
    } else {
        let deserializer = serde_yaml::Deserializer::from_str(&source.text);
        let error = Locate { path }.deserialize(deserializer).err()?;
        error
            .to_string()
            .contains(FOUND)
            .then(|| error.location().map(|location| location.line()))?
    }
}

/// The text of the error that means success.
const FOUND: &str = "value found";

/// Walks to the value at `path` and fails there. The last key fails on the key itself, since that is the
/// line people look for.
struct Locate<'p> {
    path: &'p [Step],
}

impl<'de> DeserializeSeed<'de> for Locate<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Locate<'_> {
    fn scalar<E: Error>(&self) -> Result<(), E> {
        if self.path.is_empty() {
            Err(E::custom(FOUND))
        } else {
            Ok(())
        }
    }
}

impl<'de> Visitor<'de> for Locate<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Step::Item(wanted), rest)) = self.path.split_first() else {
            return self.scalar();
        };
        for _ in 0..*wanted {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        items.next_element_seed(Locate { path: rest })?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.path.split_first() else {
            return self.scalar();
        };
        while let Some(found) = map.next_key_seed(KeyIs {
            wanted,
            fail: rest.is_empty(),
        })? {
            if found {
                map.next_value_seed(Locate { path: rest })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Compares a key, and fails on it when it is the end of the path.
struct KeyIs<'p> {
    wanted: &'p str,
    fail: bool,
}

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl KeyIs<'_> {
    fn compare<E: Error>(&self, key: &str) -> Result<bool, E> {
        match key == self.wanted {
            true if self.fail => Err(E::custom(FOUND)),
            same => Ok(same),
        }
    }
}

impl<'de> Visitor<'de> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        self.compare(key)
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<bool, E> {
        self.compare(&key.to_string())
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<bool, E> {
        self.compare(&key.to_string())
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<bool, E> {
        self.compare(&key.to_string())
    }

    fn visit_f64<E: Error>(self, key: f64) -> Result<bool, E> {
        self.compare(&key.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        self.compare("null")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str, json: bool) -> Place {
        Place::file(Arc::new(SourceText {
            name: "f".to_owned(),
            text: text.to_owned(),
            json,
        }))
    }

    #[test]
    fn lines_are_found_in_both_formats() {
        let yaml = source(
            "# c\nA: 1\nB:\n  - x: 1\n\n    y: [1,\n      2]\n  - {x: 2,\n     z: 3}\n",
            false,
        );
        let b = yaml.key("B");
        for (place, line) in [
            (yaml.key("A"), 2),
            (b.clone(), 3),
            (b.item(0), 4),
            (b.item(0).key("y"), 6),
            (b.item(0).key("y").item(1), 7),
            (b.item(1).key("z"), 9),
            (b.item(1).key("absent"), 8),
        ] {
            assert_eq!(place.line(), Some(line), "{place:?}");
        }
        let json = source("{\n \"a\": {\n  \"b\": [1,\n   2]}}", true);
        assert_eq!(json.key("a").key("b").line(), Some(3));
        assert_eq!(json.key("a").key("b").item(1).line(), Some(4));
        assert_eq!(json.key("a").to_string(), "f:2");
    }
}
