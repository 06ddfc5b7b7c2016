//! Values out of a tree that was read plainly, straight into the types they are for.

use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::load::yaml::scalar::{self, Scalar};
use crate::load::yaml::tree::{Kind, NodeId, Tree};

/// A node, as what `serde` reads values from: with the same outcome as the JSON value of the same text.
#[derive(Clone, Copy, Debug)]
pub(in crate::load) struct Node<'de> {
    tree: &'de Tree,
    id: NodeId,
}

/// What a node is.
#[derive(Clone, Copy, Debug)]
pub(in crate::load) enum Meaning<'de> {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// An integer, from `i64::MIN` to `u64::MAX`.
    Integer(i128),
    /// A finite number.
    Float(f64),
    /// A text.
    Text(&'de str),
    /// A list.
    List(&'de [NodeId]),
    /// A mapping: keys and values in order.
    Mapping(&'de [[NodeId; 2]]),
    /// What is never read plainly.
    Unclear,
}

impl<'de> Node<'de> {
    /// Returns the root of a tree.
    pub(in crate::load) fn root(tree: &'de Tree) -> Option<Self> {
        tree.root().map(|id| Self { tree, id })
    }

    /// Returns another node of the same tree.
    pub(in crate::load) fn of(self, id: NodeId) -> Self {
        Self { id, ..self }
    }

    /// Returns what this one is.
    pub(in crate::load) fn meaning(self) -> Meaning<'de> {
        match self.tree.kind(self.id) {
            Kind::Scalar { text, is_plain: false } => Meaning::Text(text),
            Kind::Scalar { text, is_plain: true } => match scalar::read(text) {
                Ok(Scalar::Null) => Meaning::Null,
                Ok(Scalar::Bool(is_true)) => Meaning::Bool(is_true),
                Ok(Scalar::Integer(number)) => Meaning::Integer(number),
                Ok(Scalar::Float(number)) => Meaning::Float(number),
                Ok(Scalar::Text) => Meaning::Text(text),
                Err(_) => Meaning::Unclear,
            },
            Kind::Sequence(items) => Meaning::List(items),
            Kind::Mapping(entries) => Meaning::Mapping(entries),
            Kind::Alias => Meaning::Unclear,
        }
    }

    /// Whether one of a mapping's entries has a key.
    pub(in crate::load) fn has(self, entries: &[[NodeId; 2]], key: &str) -> bool {
        entries.iter().any(|[own, _]| self.tree.is_key(*own, key))
    }

    /// Returns the text of a key.
    pub(in crate::load) fn key(self, key: NodeId) -> Option<&'de str> {
        self.tree.key_text(key)
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.meaning() {
            Meaning::Null => visitor.visit_unit(),
            Meaning::Bool(is_true) => visitor.visit_bool(is_true),
            Meaning::Integer(number) => match (u64::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => Err(Error::custom("a number out of range")),
            },
            Meaning::Float(number) => visitor.visit_f64(number),
            Meaning::Text(text) => visitor.visit_borrowed_str(text),
            Meaning::List(items) => visitor.visit_seq(Items { of: self, left: items }),
            Meaning::Mapping(entries) => visitor.visit_map(Entries { of: self, left: entries, value: None }),
            Meaning::Unclear => Err(Error::custom("not written plainly")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if matches!(self.meaning(), Meaning::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.meaning() {
            Meaning::Text(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            // No type of ours has such an enum: what the other reading makes of it holds.
            _ => Err(Error::invalid_type(Unexpected::Other("no text"), &visitor)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'de> {
    of: Node<'de>,
    left: &'de [NodeId],
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((item, left)) = self.left.split_first() else { return Ok(None) };
        self.left = left;
        seed.deserialize(self.of.of(*item)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Entries<'de> {
    of: Node<'de>,
    left: &'de [[NodeId; 2]],
    value: Option<NodeId>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(([key, value], left)) = self.left.split_first() else { return Ok(None) };
        self.left = left;
        self.value = Some(*value);
        let key = self.of.key(*key).ok_or_else(|| Error::custom("a key that is none"))?;
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("a value without its key"))?;
        seed.deserialize(self.of.of(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}
