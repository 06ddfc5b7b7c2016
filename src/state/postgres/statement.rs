//! One statement with its values. It goes unnamed and in one round trip, so that a pooler may hand it to any connection.

use tokio_postgres::types::{ToSql, Type};

type Value = Box<dyn ToSql + Sync + Send>;

/// A statement, and what stands for `$1`, `$2`, …
pub(super) struct Statement {
    pub(super) text: String,
    values: Vec<(Value, Type)>,
}

impl Statement {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    pub(super) fn text(self, value: impl Into<String>) -> Self {
        let value: String = value.into();
        self.with(value, Type::TEXT)
    }

    pub(super) fn optional_text(self, value: Option<String>) -> Self {
        self.with(value, Type::TEXT)
    }

    pub(super) fn number(self, value: i64) -> Self {
        self.with(value, Type::INT8)
    }

    pub(super) fn bytes(self, value: Vec<u8>) -> Self {
        self.with(value, Type::BYTEA)
    }

    pub(super) fn row_of_bytes(self, values: Vec<Vec<u8>>) -> Self {
        self.with(values, Type::BYTEA_ARRAY)
    }

    fn with(mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> Self {
        self.values.push((Box::new(value), kind));
        self
    }

    pub(super) fn values(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.values.iter().map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect()
    }
}
