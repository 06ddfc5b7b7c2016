//! Proves that rows that are read again are those that were read before.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::{RowValues, TargetIdRef};

/// A checkpoint stands behind so many rows: as many are held back until they are proven, and 8 bytes kept for them.
const ROWS_EACH: usize = 256;

/// What rows were read, in their order: ids and values. Eight bytes for each 256 of them, cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSeal(Arc<[u64]>);

/// Makes a [`RowSeal`] of rows that pass by.
#[derive(Clone, Debug, Default)]
pub struct Sealing {
    /// Goes on from checkpoint to checkpoint: each stands for all rows before it.
    hasher: Sha256,
    rows: usize,
    checkpoints: Vec<u64>,
}

impl Sealing {
    /// Takes the next row. Returns whether a checkpoint stands behind it.
    pub fn add(&mut self, id: TargetIdRef<'_>, values: &RowValues) -> bool {
        for text in std::iter::once(id.as_str()).chain(values.iter()) {
            self.hasher.update((text.len() as u64).to_be_bytes());
            self.hasher.update(text);
        }
        self.rows += 1;
        let is_full = self.rows == ROWS_EACH;
        if is_full {
            self.checkpoint();
        }
        is_full
    }

    /// Ends with a checkpoint behind the last row.
    #[must_use]
    pub fn finish(mut self) -> RowSeal {
        self.checkpoint();
        RowSeal(self.checkpoints.into())
    }

    fn checkpoint(&mut self) {
        self.rows = 0;
        let digest = self.hasher.clone().finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        self.checkpoints.push(u64::from_be_bytes(first));
    }
}

/// Holds rows that pass by against the seal of those that passed before.
#[derive(Clone, Debug)]
pub struct Unsealing {
    sealing: Sealing,
    seal: RowSeal,
}

impl Unsealing {
    /// Begins at the first row.
    #[must_use]
    pub fn new(seal: RowSeal) -> Self {
        Self { sealing: Sealing::default(), seal }
    }

    /// Takes the next row. Returns nothing while it waits for its checkpoint, then whether all rows up to it are
    /// those that were sealed.
    pub fn add(&mut self, id: TargetIdRef<'_>, values: &RowValues) -> Option<bool> {
        self.sealing.add(id, values).then(|| self.is_proven())
    }

    /// Returns whether there were as many rows as were sealed, and the last of them are the same.
    pub fn finish(&mut self) -> bool {
        self.sealing.checkpoint();
        self.is_proven() && self.sealing.checkpoints.len() == self.seal.0.len()
    }

    fn is_proven(&self) -> bool {
        let made = &self.sealing.checkpoints;
        made.last().is_some() && made.last() == self.seal.0.get(made.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads rows again under the seal of others; returns how many were proven, and whether the end was.
    fn proven(sealed: &[(String, String)], read: &[(String, String)]) -> (usize, bool) {
        let mut sealing = Sealing::default();
        for (id, value) in sealed {
            sealing.add(TargetIdRef::new(id).unwrap(), &values(value));
        }
        let mut unsealing = Unsealing::new(sealing.finish());
        let mut proven = 0;
        for (place, (id, value)) in read.iter().enumerate() {
            match unsealing.add(TargetIdRef::new(id).unwrap(), &values(value)) {
                None => {}
                Some(true) => proven = place + 1,
                Some(false) => return (proven, false),
            }
        }
        (proven, unsealing.finish())
    }

    fn values(value: &str) -> RowValues {
        let mut values = RowValues::default();
        values.push(value);
        values
    }

    fn rows(count: usize) -> Vec<(String, String)> {
        (0..count).map(|number| (format!("u{number}"), format!("v{number}"))).collect()
    }

    #[test]
    fn the_same_rows_are_proven_to_their_end() {
        for count in [0, 1, ROWS_EACH - 1, ROWS_EACH, ROWS_EACH + 1, ROWS_EACH * 3] {
            assert_eq!(proven(&rows(count), &rows(count)), (count / ROWS_EACH * ROWS_EACH, true), "{count}");
        }
    }

    #[test]
    fn any_other_rows_are_not() {
        let sealed = rows(ROWS_EACH * 2);
        let mut changed = sealed.clone();
        changed[ROWS_EACH].1 = "other".to_owned();
        assert_eq!(proven(&sealed, &changed), (ROWS_EACH, false));
        let mut swapped = sealed.clone();
        swapped.swap(0, 1);
        assert_eq!(proven(&sealed, &swapped), (0, false));
        // What ends one text and begins the next is told apart.
        let mut shifted = sealed.clone();
        shifted[0] = ("u0v".to_owned(), "0".to_owned());
        assert_eq!(proven(&sealed, &shifted), (0, false));
        assert_eq!(proven(&sealed, &sealed[..ROWS_EACH]), (ROWS_EACH, false));
        assert_eq!(proven(&sealed, &rows(ROWS_EACH * 2 + 1)), (ROWS_EACH * 2, false));
    }
}
