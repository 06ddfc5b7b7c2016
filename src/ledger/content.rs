//! What a campaign says, as one canonical document: compared by digest, shown as a diff.

use std::fmt;
use std::sync::OnceLock;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::Campaign;
use crate::ledger::content_encode::Words;

/// SHA-256 over a [`Content`], written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentDigest(String);

impl fmt::Display for ContentDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Everything of a campaign that reaches a phone or decides when: all but its targets, and what their rows say of
/// them. By which call it is sent is no part of it.
///
/// The keys are the words of the YAML, in a fixed order; what is absent is left out, so that a new option
/// does not change the content of campaigns that do not use it.
///
/// Kept as the text that records have: a ledger of ten thousand campaigns is folded without a look into any of them.
#[derive(Clone, Debug)]
pub struct Content {
    text: Box<RawValue>,
    /// Read when it is first asked for.
    map: OnceLock<Box<Map<String, Value>>>,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.text.get() == other.text.get() || self.as_map() == other.as_map()
    }
}

impl Eq for Content {}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

/// Reads it from whatever holds values, where there may be no text to keep.
impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Map::<String, Value>::deserialize(deserializer)?;
        serde_json::value::to_raw_value(&map).map(Self::new).map_err(D::Error::custom)
    }
}

impl ContentDigest {
    /// Returns the digest of a campaign's content, which is never made for it.
    ///
    /// # Panics
    ///
    /// Never: a content is made of texts, numbers and maps with text keys.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        Self::of_words(&Words::of(campaign))
    }

    fn of_words(words: &impl Serialize) -> Self {
        let text = serde_json::to_vec(words).expect("a content is made of what JSON can hold");
        Self(format!("sha256:{}", hex::encode(Sha256::digest(text))))
    }
}

impl Content {
    /// Returns the content of a campaign.
    ///
    /// # Panics
    ///
    /// Never: a content is made of texts, numbers and maps with text keys.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        let text = serde_json::value::to_raw_value(&Words::of(campaign));
        Self::new(text.expect("a content is made of what JSON can hold"))
    }

    /// Takes the text of a record, which must be of an object.
    pub(super) fn recorded(text: &RawValue) -> Option<Self> {
        let is_readable = serde_json::from_str::<Readable>(text.get()).is_ok();
        (is_readable && text.get().starts_with('{')).then(|| Self::new(text.to_owned()))
    }

    fn new(text: Box<RawValue>) -> Self {
        Self { text, map: OnceLock::new() }
    }

    /// Returns the digest that two equal contents share.
    ///
    /// # Panics
    ///
    /// Never: a content is made of texts, numbers and maps with text keys.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        ContentDigest::of_words(self.as_map())
    }

    /// Returns the document.
    ///
    /// # Panics
    ///
    /// Never: a content is one JSON object.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        self.map.get_or_init(|| Box::new(self.read()))
    }

    /// Returns the document itself.
    ///
    /// # Panics
    ///
    /// Never: a content is one JSON object.
    #[must_use]
    pub fn into_map(mut self) -> Map<String, Value> {
        self.map.take().map_or_else(|| self.read(), |map| *map)
    }

    fn read(&self) -> Map<String, Value> {
        serde_json::from_str(self.text.get()).expect("a content is one JSON object")
    }
}

/// A value that can be read: of a text it is proven without anything being kept.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_text_that_cannot_be_read_is_no_content() {
        let is_taken = |text: &str| {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            let content = Content::recorded(&raw);
            content.is_some_and(|content| {
                *content.as_map() == serde_json::from_str::<Map<String, Value>>(text).unwrap()
            })
        };
        assert!(is_taken(r#"{"a":[1,-2,3.5,null,true,{"b":"\u00e4\n"}]}"#));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        for text in ["[]", "1", r#"{"a":"\ud800"}"#, &deep] {
            assert!(!is_taken(text), "{text}");
        }
    }
}
