//! Sets of target hashes, up to many millions: 16 bytes a target, sorted in pieces that fit a processor's cache.

use std::convert::Infallible;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::TargetHash;
use crate::domain::hash_row::{CHUNK, Place, Row, spread};

/// A set of more targets than this is kept in a row for each first byte: each is sorted where it fits the cache.
const ONE_ROW_MAX: usize = 1 << 16;

/// Rows of a large set: one for each first byte of a hash.
const ROWS: usize = 256;

/// A row of a large set drops its repeats when it holds so many, and again whenever it has doubled: a list may repeat one
/// target for ever. Sets of less than 16 million are sorted once.
const REPEATS_KEPT_MAX: usize = 1 << 16;

/// Targets that are looked up together.
const TOGETHER: usize = 32;

/// A set of targets: sorted, unique, cheap to clone. 16 bytes a target.
#[derive(Clone, Debug, Default)]
pub struct TargetSet(Arc<Sorted>);

#[derive(Clone, Debug, Default)]
struct Sorted {
    /// In order, each sorted and unique: none, one, or [`ROWS`].
    rows: Vec<Row>,
    /// How many targets stand before each row.
    starts: Vec<usize>,
    len: usize,
}

impl Sorted {
    fn new(rows: Vec<Row>) -> Self {
        let mut len = 0;
        let mut starts = Vec::with_capacity(rows.len());
        for row in &rows {
            starts.push(len);
            len += row.len();
        }
        Self { rows, starts, len }
    }
}

/// Gathers targets in any order, repeats included, in no more memory than twice what the different ones take.
#[derive(Debug, Default)]
pub struct TargetSetBuilder {
    rows: Vec<Row>,
    /// How many were taken.
    len: usize,
    /// How many each of several rows may hold before it drops repeats.
    room: Vec<usize>,
}

impl TargetSetBuilder {
    /// Takes a target.
    #[inline]
    pub fn push(&mut self, hash: TargetHash) {
        match &mut self.rows[..] {
            [] => self.rows.push(Row { chunks: vec![vec![hash]] }),
            [only] if self.len < ONE_ROW_MAX => {
                only.push(hash);
            }
            [_] => self.spread(hash),
            rows => {
                let place = usize::from(hash.0[0]);
                if rows[place].push(hash) {
                    self.make_room(place);
                }
            }
        }
        self.len += 1;
    }

    /// Drops the repeats of a row that is full, and gives it twice the room that the rest takes.
    #[cold]
    fn make_room(&mut self, place: usize) {
        let (row, room) = (&mut self.rows[place], &mut self.room[place]);
        if row.len() > *room {
            row.sort(1, &mut Vec::new());
            *room = REPEATS_KEPT_MAX.max(2 * row.len());
        }
    }

    /// Deals what was gathered, and one more, out to rows by their first bytes.
    #[cold]
    fn spread(&mut self, hash: TargetHash) {
        let gathered = self.rows.pop().unwrap_or_default();
        self.rows.resize_with(ROWS, Row::default);
        self.room = vec![REPEATS_KEPT_MAX; ROWS];
        for hash in gathered.chunks.into_iter().flatten().chain([hash]) {
            self.rows[usize::from(hash.0[0])].push(hash);
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
        let (skipped, mut scratch) = (usize::from(self.rows.len() > 1), Vec::new());
        self.rows.iter_mut().for_each(|row| row.sort(skipped, &mut scratch));
        TargetSet(Arc::new(Sorted::new(self.rows)))
    }
}

impl TargetSet {
    /// Sorts and de-duplicates `hashes`.
    #[must_use]
    pub fn new(hashes: Vec<TargetHash>) -> Self {
        if hashes.len() > CHUNK {
            return hashes.into_iter().collect();
        }
        let len = hashes.len();
        TargetSetBuilder { rows: vec![Row { chunks: vec![hashes] }], len, room: Vec::new() }.finish()
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
        let mut found = None;
        self.positions(std::slice::from_ref(hash), |_, place| found = Some(place));
        found
    }

    /// Looks up many hashes, and calls `found` with each that is in the set, in their order: its place among `hashes`, and
    /// its place in the sorted order. A large set is in no cache: of hashes that are looked up together, the processor
    /// waits for the memory of many at a time.
    pub fn positions(&self, hashes: &[TargetHash], mut found: impl FnMut(usize, usize)) {
        let skipped = usize::from(self.0.rows.len() > 1);
        let evenly_of = |hash: &TargetHash| spread(&hash.0[skipped..]);
        let row_of = |hash: &TargetHash| if skipped > 0 { usize::from(hash.0[0]) } else { 0 };
        for (first, hashes) in (0..).step_by(TOGETHER).zip(hashes.chunks(TOGETHER)) {
            let mut looks = [None; TOGETHER];
            for (look, hash) in looks.iter_mut().zip(hashes) {
                let row = self.0.rows.get(row_of(hash)).filter(|row| row.len() > 0);
                *look = row.map(|row| (row, row.share(evenly_of(hash))));
            }
            // No step of these loops waits for the one before.
            for (look, hash) in looks.iter_mut().zip(hashes) {
                if let Some((row, guess)) = look {
                    *guess = row.better(*guess, evenly_of(hash), evenly_of);
                }
            }
            let seen = looks.iter().flatten().fold(0, |seen, (row, guess)| seen ^ row.get(*guess).0[0]);
            std::hint::black_box(seen);
            for (place, (look, hash)) in looks.iter().zip(hashes).enumerate() {
                if let Some(within) = look.and_then(|(row, guess)| row.position(hash, guess)) {
                    found(first + place, self.0.starts[row_of(hash)] + within);
                }
            }
        }
    }

    /// Whether `hash` is in the set.
    #[must_use]
    pub fn contains(&self, hash: &TargetHash) -> bool {
        self.position(hash).is_some()
    }

    /// Iterates in sorted order.
    pub fn iter(&self) -> impl Iterator<Item = &TargetHash> {
        self.runs().flatten()
    }

    /// Iterates over all of it in sorted order, many at a time.
    pub fn runs(&self) -> impl Iterator<Item = &[TargetHash]> {
        self.0.rows.iter().flat_map(|row| &row.chunks).map(Vec::as_slice)
    }

    /// Returns what is in `self` and not in `other`; shares `self`'s memory where `other` takes nothing away.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.clone().less(other)
    }

    /// Does the same with a set that nobody else needs.
    #[must_use]
    pub fn less(self, other: &Self) -> Self {
        let bytes = |run: &[TargetHash]| run.iter().map(|hash| hash.0).collect::<Vec<_>>();
        let Ok(kept) = self.without(other.runs().map(|run| Ok::<_, Infallible>(bytes(run))));
        kept
    }

    /// Returns what is in `self` and not in `others`: sorted runs of hashes that continue each other, read once. Takes no more memory
    /// where `self` is the only one to share it, or `others` take nothing away.
    ///
    /// # Errors
    ///
    /// Passes on the first error of `others`.
    pub fn without<R: AsRef<[[u8; 16]]>, E>(
        mut self,
        others: impl IntoIterator<Item = Result<R, E>>,
    ) -> Result<Self, E> {
        let (mut place, mut others) = (Place::default(), others.into_iter());
        while place.row < self.0.rows.len()
            && let Some(run) = others.next()
        {
            let run = run?;
            let mut rest = run.as_ref();
            while !rest.is_empty() && place.row < self.0.rows.len() {
                rest = if let Some(Sorted { rows, .. }) = Arc::get_mut(&mut self.0) {
                    place.take_away(&mut rows[place.row], rest)
                } else {
                    let (after, is_found) = place.find(&self.0.rows[place.row], rest);
                    if is_found {
                        Arc::make_mut(&mut self.0);
                    }
                    after
                };
            }
        }
        // Nothing was taken away from a set that is still shared.
        if let Some(Sorted { rows, .. }) = Arc::get_mut(&mut self.0) {
            let mut rows = std::mem::take(rows);
            if let Some(row) = rows.get_mut(place.row) {
                place.close(row);
            }
            self.0 = Arc::new(Sorted::new(rows));
        }
        Ok(self)
    }

    /// Returns SHA-256 over the sorted hashes: equal for equal sets, whatever order a file lists them in.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        self.runs().for_each(|run| TargetHash::feed(run, &mut hasher));
        hasher.finalize().into()
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

    /// How many are held, before they are a set.
    fn held(builder: &TargetSetBuilder) -> usize {
        builder.rows.iter().map(Row::len).sum()
    }

    #[test]
    fn a_target_that_is_repeated_for_ever_costs_no_more_than_one() {
        let mut builder = TargetSetBuilder::default();
        let hash = |n: u32| TargetHash(Sha256::digest(n.to_be_bytes())[..16].try_into().unwrap());
        let others = ONE_ROW_MAX + 5000;
        (0..).map(hash).take(others).for_each(|hash| builder.push(hash));
        let repeats = 20 * REPEATS_KEPT_MAX;
        for n in 0..repeats {
            builder.push(hash(u32::try_from(n % 3).unwrap()));
            assert!(held(&builder) <= others + 3 * (REPEATS_KEPT_MAX + CHUNK), "{n}");
        }
        assert_eq!(builder.taken(), (others + repeats) as u64);
        let set = builder.finish();
        assert_eq!(set.len(), others);
        assert!((0..).map(hash).take(others).all(|hash| set.contains(&hash)));
    }

    #[test]
    fn many_targets_with_repeats_among_them_are_each_in_the_set_once() {
        let mut builder = TargetSetBuilder::default();
        // All in one row, and far more than it holds before it looks for repeats.
        let hash = |n: u32| {
            let mut hash: [u8; 16] = Sha256::digest(n.to_be_bytes())[..16].try_into().unwrap();
            hash[0] = 7;
            TargetHash(hash)
        };
        let different = u32::try_from(3 * REPEATS_KEPT_MAX).unwrap();
        for n in 0..different {
            builder.push(hash(n));
            builder.push(hash(n / 2));
        }
        assert!(held(&builder) <= 2 * 3 * REPEATS_KEPT_MAX + CHUNK, "{}", held(&builder));
        let set = builder.finish();
        assert_eq!(set.len(), 3 * REPEATS_KEPT_MAX);
        assert!((0..different).all(|n| set.contains(&hash(n))));
    }

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
        let bound = u32::try_from(ONE_ROW_MAX).unwrap();
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
            let kept = set
                .clone()
                .without([Ok::<_, ()>(others.iter().map(|hash| hash.0).collect::<Vec<_>>())])
                .unwrap();
            assert!(kept.iter().eq(expected.difference(&others)), "{count}");
            assert_eq!(set.minus(&others.into_iter().collect()), kept);
            assert_eq!(set.len(), expected.len(), "a set that is shared stays what it is");
        }
    }

    #[test]
    fn places_are_found_however_unevenly_hashes_are_spread() {
        let number = |number: u128| TargetHash(number.to_be_bytes());
        let crowded: Vec<TargetHash> = (0..3 * CHUNK as u128).map(|place| number(place * 2)).collect();
        let halves = crowded.iter().map(|hash| number(!u128::from_be_bytes(hash.0)));
        let uneven: Vec<TargetHash> = crowded.iter().copied().chain(halves).collect();
        let shifts = (0..128).map(|shift| number(1 << shift)).collect();
        let many =
            spread(0..200_000).into_iter().map(|hash| number(u128::from_be_bytes(hash.0) >> 20)).collect();
        for mut hashes in [crowded, uneven, shifts, many] {
            let set = TargetSet::new(hashes.clone());
            hashes.sort_unstable();
            for (place, hash) in hashes.iter().enumerate() {
                assert_eq!(set.position(hash), Some(place));
                let next = number(u128::from_be_bytes(hash.0).wrapping_add(1));
                assert_eq!(set.position(&next), hashes.binary_search(&next).ok());
            }
        }
    }

    #[test]
    fn many_are_looked_up_as_one_is() {
        for count in [0, 5, 1_000, 200_000] {
            let set: TargetSet = spread((0..count).step_by(2)).into_iter().collect();
            for asked in [1, 31, 32, 33, 500] {
                let hashes = spread(0..asked);
                let mut found = Vec::new();
                set.positions(&hashes, |among, place| found.push((among, place)));
                let one = |(among, hash)| Some((among, set.position(hash)?));
                assert_eq!(found, hashes.iter().enumerate().filter_map(one).collect::<Vec<_>>());
                assert_eq!(found.len(), asked.min(count).div_ceil(2) as usize);
            }
        }
    }

    #[test]
    fn runs_take_away_the_same_however_they_are_cut() {
        let all = spread(0..5_000);
        let others = {
            let mut others = spread((0..10_000).step_by(3));
            others.extend_from_within(..50);
            others.sort_unstable();
            others
        };
        let expected: BTreeSet<TargetHash> =
            all.iter().copied().filter(|hash| !others.contains(hash)).collect();
        let bytes: Vec<[u8; 16]> = others.iter().map(|hash| hash.0).collect();
        for length in [1, 7, 400, CHUNK, others.len()] {
            let runs = || bytes.chunks(length).map(Ok::<_, Infallible>);
            let set = TargetSet::new(all.clone());
            let shared = set.clone();
            assert!(set.without(runs()).unwrap().iter().eq(&expected), "{length}, shared");
            assert_eq!(shared, TargetSet::new(all.clone()), "a set that is shared stays what it is");
            let alone = shared.without(runs()).unwrap();
            assert!(alone.iter().eq(&expected), "{length}, alone");
            assert!(alone.runs().all(|run| run.len() <= CHUNK));
            assert_eq!(alone.runs().map(<[TargetHash]>::len).sum::<usize>(), alone.len());
            let nobody = alone.clone().less(&alone);
            assert!(nobody.is_empty() && nobody.iter().next().is_none());
        }
    }

    #[test]
    fn an_error_among_the_others_is_no_difference() {
        let others = || [Ok([[1; 16]]), Ok([[2; 16]]), Err("torn")];
        assert_eq!(set(&[1, 2, 3]).without(others()), Err("torn"));
        assert_eq!(set(&[3]).without(others()), Err("torn"));
        assert_eq!(set(&[1]).without(others()), Ok(set(&[])));
    }
}
