//! One row of an audience, as it passes by: an id, and the values that stand beside it.

use std::ops::Range;

use crate::domain::{TargetId, TargetIdRef};

/// One target, with what its row says of it. It lives until the next row is read.
#[derive(Clone, Copy, Debug)]
pub struct TargetRow<'row> {
    /// Its line in the file, from 1, and its place in a list or a Parquet file, which have no lines.
    pub line: u64,
    /// The id, borrowed from the row.
    pub id: TargetIdRef<'row>,
    /// One value for each column that was asked for, in that order.
    pub values: &'row RowValues,
}

/// One target that gets a push, and the values that are its own: what is kept of a row once it has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The id that the request names.
    pub id: TargetId,
    /// One value for each placeholder of the campaign's `values_from`, in the order of those.
    pub values: Vec<String>,
}

impl Addressee {
    /// Keeps a row whose values are those that the campaign takes.
    #[must_use]
    pub fn of(row: &TargetRow<'_>) -> Self {
        Self { id: row.id.to_owned(), values: row.values.iter().map(str::to_owned).collect() }
    }
}

/// The values of one row, none of them empty. A stream fills the same one again for each row.
#[derive(Clone, Debug, Default)]
pub struct RowValues {
    text: String,
    places: Vec<Range<usize>>,
}

impl RowValues {
    /// No values.
    pub const NONE: &'static Self = &Self { text: String::new(), places: Vec::new() };

    /// Forgets the values, and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    /// Becomes the same as `other`, in the memory that there is.
    pub fn copy(&mut self, other: &Self) {
        self.text.clone_from(&other.text);
        self.places.clone_from(&other.places);
    }

    /// Adds a value.
    pub fn push(&mut self, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.places.push(start..self.text.len());
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the value of the column that was asked for at `place`.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&str> {
        self.places.get(place).map(|place| &self.text[place.clone()])
    }

    /// Iterates in the order in which the columns were asked for.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.places.iter().map(|place| &self.text[place.clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_order_and_are_forgotten_together() {
        let mut values = RowValues::default();
        values.push("old");
        values.clear();
        values.push("你");
        values.push("b");
        assert_eq!(values.iter().collect::<Vec<_>>(), ["你", "b"]);
        assert_eq!((values.get(1), values.get(2), values.len()), (Some("b"), None, 2));
        assert!(RowValues::NONE.is_empty() && !values.is_empty());
    }
}
