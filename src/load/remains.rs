//! What is sound of declarations that were left out because of a mistake of shape, so that one run also reports what else is
//! wrong with them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::load::shape::Shape;

/// Declarations without the keys in which the mistakes are. What is required and is not there is empty: it stands for nothing
/// that was written.
#[derive(Debug)]
pub struct Remains<T> {
    pub(super) model: T,
    /// By section and name.
    pub(super) sound_keys: BTreeMap<[String; 2], Vec<String>>,
    /// The keys that have a mistake of shape, by section and name.
    pub(super) mistaken_keys: BTreeMap<[String; 2], Vec<String>>,
}

impl<T> Remains<T> {
    /// Returns the declarations.
    pub fn model(&self) -> &T {
        &self.model
    }

    /// Returns the keys of a declaration that have no mistake of shape.
    pub fn sound_keys(&self, section: &str, name: &str) -> &[String] {
        let path = [section.to_owned(), name.to_owned()];
        self.sound_keys.get(&path).map_or(&[], Vec::as_slice)
    }

    /// Returns the keys of a declaration that have a mistake of shape: an unknown one is its own.
    pub fn mistaken_keys(&self, section: &str, name: &str) -> &[String] {
        let path = [section.to_owned(), name.to_owned()];
        self.mistaken_keys.get(&path).map_or(&[], Vec::as_slice)
    }
}

/// Takes what is sound out of a file's value, of which these paths have mistakes.
pub(super) fn of<T: DeserializeOwned>(
    value: &Value,
    shape: &Shape,
    mistaken: &[Vec<String>],
) -> Option<Remains<T>> {
    let (mut sections, mut sound_keys, mut mistaken_keys) = (Map::new(), BTreeMap::new(), BTreeMap::new());
    for path in mistaken {
        let [section, name, ..] = path.as_slice() else { continue };
        let declaration = [section.clone(), name.clone()];
        let Some(Value::Object(written)) = value.get(section).and_then(|section| section.get(name)) else {
            continue;
        };
        if sound_keys.contains_key(&declaration) {
            continue;
        }
        let of_it = || mistaken.iter().filter(|path| path.starts_with(&declaration));
        let is_sound = |key: &str| !of_it().any(|path| path.get(2).is_some_and(|mistaken| mistaken == key));
        let mut rest: Map<String, Value> =
            written.clone().into_iter().filter(|(key, _)| is_sound(key)).collect();
        let keys: Vec<String> = rest.keys().cloned().collect();
        for key in shape.required(section) {
            rest.entry(key).or_insert_with(|| Value::String(String::new()));
        }
        let rest = Value::Object(Map::from_iter([(name.clone(), Value::Object(rest))]));
        // What cannot be read even so, such as a strategy that does not say which, is not judged.
        let alone = Value::Object(Map::from_iter([(section.clone(), rest.clone())]));
        if T::deserialize(&alone).is_ok()
            && let Value::Object(rest) = rest
        {
            let section = sections.entry(section).or_insert_with(|| Value::Object(Map::new()));
            section.as_object_mut().expect("a section is a mapping").extend(rest);
            let wrong = of_it().filter_map(|path| path.get(2).cloned()).collect();
            mistaken_keys.insert(declaration.clone(), wrong);
            sound_keys.insert(declaration, keys);
        }
    }
    let model = T::deserialize(&Value::Object(sections)).ok().filter(|_| !sound_keys.is_empty())?;
    Some(Remains { model, sound_keys, mistaken_keys })
}
