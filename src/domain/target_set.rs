//! Sets of target hashes, up to many millions: 16 bytes a target, sorted in pieces that fit a processor's cache.

use std::iter::Peekable;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::TargetHash;

/// A set of more targets than this is kept in a bucket for each first byte: each is sorted where it fits the cache,
/// and none has to be copied into one long row.
const ONE_BUCKET_MAX: usize = 1 << 16;

/// Buckets of a large set: one for each first byte of a hash.
const BUCKETS: usize = 256;

/// A set of targets: sorted, unique, cheap to clone. 16 bytes a target.
#[derive(Clone, Debug, Default)]
pub struct TargetSet(Arc<Buckets>);

#[derive(Clone, Debug, Default)]
struct Buckets {
    /// In order, each sorted and unique: none, one, or [`BUCKETS`].
    rows: Vec<Vec<TargetHash>>,
    /// How many targets stand before each row.
    starts: Vec<usize>,
    len: usize,
}

impl Buckets {
    fn new(rows: Vec<Vec<TargetHash>>) -> Self {
        let mut len = 0;
        let mut starts = Vec::with_capacity(rows.len());
        for row in &rows {
            starts.push(len);
            len += row.len();
        }
        Self { rows, starts, len }
    }

    fn row_of(&self, hash: &TargetHash) -> Option<usize> {
        match self.rows.len() {
            0 => None,
            1 => Some(0),
            _ => Some(usize::from(hash.0[0])),
        }
    }
}

/// Gathers targets in any order, repeats included.
#[derive(Debug, Default)]
pub struct TargetSetBuilder {
    rows: Vec<Vec<TargetHash>>,
    len: usize,
}

/// Makes room in a row of a large set, a quarter more: all rows fill at the same time, and twice as much room would stand
/// empty in each of them at once.
#[cold]
fn grow(row: &mut Vec<TargetHash>) {
    row.reserve_exact(row.len() / 4 + 1);
}

impl TargetSetBuilder {
    /// Takes a target.
    #[inline]
    pub fn push(&mut self, hash: TargetHash) {
        match self.rows.len() {
            0 => self.rows.push(vec![hash]),
            1 if self.len == ONE_BUCKET_MAX => {
                let gathered = self.rows.pop().unwrap_or_default();
                self.rows = (0..BUCKETS).map(|_| Vec::with_capacity(2 * ONE_BUCKET_MAX / BUCKETS)).collect();
                for earlier in gathered {
                    self.rows[usize::from(earlier.0[0])].push(earlier);
                }
                self.rows[usize::from(hash.0[0])].push(hash);
            }
            1 => self.rows[0].push(hash),
            _ => {
                let row = &mut self.rows[usize::from(hash.0[0])];
                if row.len() == row.capacity() {
                    grow(row);
                }
                row.push(hash);
            }
        }
        self.len += 1;
    }

    /// Makes room for `total` targets once it is known to be a large set, without touching that memory. More may come.
    pub fn expect(&mut self, total: usize) {
        if self.rows.len() > 1 {
            // Hashes spread evenly: six standard deviations of a row's size are hardly ever passed.
            let mean = total / BUCKETS;
            let each = mean + 6 * mean.isqrt();
            for row in &mut self.rows {
                row.reserve_exact(each.saturating_sub(row.len()));
            }
        }
    }

    /// Returns how many were taken, repeats included.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.len as u64
    }

    /// Sorts and de-duplicates what was taken.
    #[must_use]
    pub fn finish(mut self) -> TargetSet {
        for row in &mut self.rows {
            row.sort_unstable_by_key(|hash| u128::from_be_bytes(hash.0));
            row.dedup();
        }
        TargetSet(Arc::new(Buckets::new(self.rows)))
    }
}

impl TargetSet {
    /// Sorts and de-duplicates `hashes`.
    #[must_use]
    pub fn new(hashes: Vec<TargetHash>) -> Self {
        if hashes.len() <= ONE_BUCKET_MAX {
            let len = hashes.len();
            return TargetSetBuilder { rows: vec![hashes], len }.finish();
        }
        hashes.into_iter().collect()
    }

    /// Returns the number of targets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the place of `hash` in the sorted order, if it is in the set.
    #[must_use]
    pub fn position(&self, hash: &TargetHash) -> Option<usize> {
        let row = self.0.row_of(hash)?;
        let place = self.0.rows[row]
            .binary_search_by_key(&u128::from_be_bytes(hash.0), |other| u128::from_be_bytes(other.0));
        place.ok().map(|place| self.0.starts[row] + place)
    }

    /// Whether `hash` is in the set.
    #[must_use]
    pub fn contains(&self, hash: &TargetHash) -> bool {
        self.position(hash).is_some()
    }

    /// Iterates in sorted order.
    pub fn iter(&self) -> impl Iterator<Item = &TargetHash> {
        self.0.rows.iter().flatten()
    }

    /// Returns what is in `self` and not in `other`; shares `self`'s memory where `other` takes nothing away.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        if other.is_empty() || self.is_empty() {
            return self.clone();
        }
        let theirs = other.iter().map(|hash| Ok::<_, std::convert::Infallible>(*hash));
        let Ok(kept) = self.clone().without(theirs);
        kept
    }

    /// Returns what is in `self` and not in `others`, which come sorted, and are read once. Takes no more memory where
    /// `self` is the only one to share it.
    ///
    /// # Errors
    ///
    /// Passes on the first error of `others`.
    pub fn without<E>(self, others: impl IntoIterator<Item = Result<TargetHash, E>>) -> Result<Self, E> {
        let mut others = Others { rest: others.into_iter().peekable() };
        // Nothing is copied before something is to be taken away.
        let mut first_taken = None;
        'rows: for (place, row) in self.0.rows.iter().enumerate() {
            for (within, hash) in row.iter().enumerate() {
                if others.has(hash)? {
                    first_taken = Some((place, within));
                    break 'rows;
                }
            }
        }
        let Some((place, within)) = first_taken else { return Ok(self) };
        let mut buckets = Arc::unwrap_or_clone(self.0);
        let mut failed = None;
        for (row, skipped) in
            buckets.rows[place..].iter_mut().zip(std::iter::once(within).chain(std::iter::repeat(0)))
        {
            let mut seen = 0;
            row.retain(|hash| {
                seen += 1;
                // Those before the first are known to stay, and the first one to go.
                if seen <= skipped || failed.is_some() {
                    return true;
                }
                match others.has(hash) {
                    Ok(has) => !has,
                    Err(error) => {
                        failed = Some(error);
                        true
                    }
                }
            });
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(Self(Arc::new(Buckets::new(buckets.rows)))),
        }
    }

    /// Returns SHA-256 over the sorted hashes: equal for equal sets, whatever order a file lists them in.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for hash in self.iter() {
            hasher.update(hash.0);
        }
        hasher.finalize().into()
    }
}

/// A sorted row that is asked for ever greater hashes.
struct Others<E, I: Iterator<Item = Result<TargetHash, E>>> {
    rest: Peekable<I>,
}

impl<E, I: Iterator<Item = Result<TargetHash, E>>> Others<E, I> {
    fn has(&mut self, hash: &TargetHash) -> Result<bool, E> {
        let ours = u128::from_be_bytes(hash.0);
        loop {
            match self.rest.peek() {
                None => return Ok(false),
                Some(Ok(other)) => {
                    let other = u128::from_be_bytes(other.0);
                    if other >= ours {
                        return Ok(other == ours);
                    }
                }
                Some(Err(_)) => {}
            }
            if let Some(Err(error)) = self.rest.next() {
                return Err(error);
            }
        }
    }
}

impl PartialEq for TargetSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for TargetSet {}

impl FromIterator<TargetHash> for TargetSet {
    fn from_iter<T: IntoIterator<Item = TargetHash>>(hashes: T) -> Self {
        let mut builder = TargetSetBuilder::default();
        for hash in hashes {
            builder.push(hash);
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn set(bytes: &[u8]) -> TargetSet {
        bytes.iter().map(|&byte| TargetHash([byte; 16])).collect()
    }

    /// So many hashes, spread as SHA-256 spreads them.
    fn spread(numbers: impl Iterator<Item = u32>) -> Vec<TargetHash> {
        let hash = |number: u32| {
            let digest = Sha256::digest(number.to_be_bytes());
            TargetHash(digest[..16].try_into().unwrap())
        };
        numbers.map(hash).collect()
    }

    #[test]
    fn a_set_forgets_order_and_repeats() {
        assert_eq!(set(&[3, 1, 3, 2]), set(&[1, 2, 3]));
        assert_eq!(set(&[3, 1, 2]).digest(), set(&[1, 2, 3]).digest());
        assert_ne!(set(&[1, 2]).digest(), set(&[1, 2, 3]).digest());
    }

    #[test]
    fn minus_keeps_what_the_other_lacks() {
        assert_eq!(set(&[1, 2, 3, 5]).minus(&set(&[0, 2, 4, 5, 9])), set(&[1, 3]));
        assert_eq!(set(&[1]).minus(&set(&[])), set(&[1]));
        assert_eq!(set(&[1]).minus(&set(&[1])), set(&[]));
    }

    #[test]
    fn sets_of_any_size_are_what_a_sorted_row_is() {
        let bound = u32::try_from(ONE_BUCKET_MAX).unwrap();
        for count in [0, 1, 2, bound - 1, bound, bound + 1, 3 * bound] {
            let mut hashes = spread(0..count);
            hashes.extend_from_within(..hashes.len() / 3);
            let expected: BTreeSet<TargetHash> = hashes.iter().copied().collect();
            let set = TargetSet::new(hashes);
            assert_eq!(set.len(), expected.len());
            assert!(set.iter().eq(&expected), "{count}");
            for (place, hash) in expected.iter().enumerate().step_by(997) {
                assert_eq!(set.position(hash), Some(place));
            }
            assert!(!set.contains(&TargetHash([0; 16])));
            let others: BTreeSet<TargetHash> =
                spread((0..count).step_by(3).chain(count..count + 5)).into_iter().collect();
            let kept = set.clone().without(others.iter().copied().map(Ok::<_, ()>)).unwrap();
            assert!(kept.iter().eq(expected.difference(&others)), "{count}");
            assert_eq!(set.minus(&others.into_iter().collect()), kept);
            assert_eq!(set.len(), expected.len(), "a set that is shared stays what it is");
        }
    }

    #[test]
    fn an_error_among_the_others_is_no_difference() {
        let others = || [Ok(TargetHash([1; 16])), Ok(TargetHash([2; 16])), Err("torn")];
        assert_eq!(set(&[1, 2, 3]).without(others()), Err("torn"));
        assert_eq!(set(&[3]).without(others()), Err("torn"));
        assert_eq!(set(&[1]).without(others()), Ok(set(&[])));
    }
}
