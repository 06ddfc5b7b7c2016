//! A sorted row of target hashes, in chunks: sorted, searched, and taken away from in place.

use std::cmp::Ordering;

use crate::domain::TargetHash;

/// Targets of a full chunk. A row is made of chunks, so that it grows without being copied, and without room to spare.
pub(super) const CHUNK: usize = 512;

/// Steps to a target's place from where it is guessed to be. Hashes spread evenly, so that most need a few.
const STEPS_MAX: usize = 64;

/// Bits that a row is dealt out by at most, when it is sorted: the places and the row fit the processor's second cache.
const DEAL_BITS_MAX: u32 = 16;

/// Targets at one place, up to which moving each to where it belongs is the quickest way to sort them.
const CROWD_MAX: usize = 16;

/// Reads the first eight bytes as a number.
pub(super) fn spread(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Returns what hashes are sorted by.
#[inline]
fn key(hash: &TargetHash) -> u128 {
    u128::from_be_bytes(hash.0)
}

/// Sorts targets none of which is far from its place.
fn insert_each(hashes: &mut [TargetHash]) {
    for next in 1..hashes.len() {
        let hash = hashes[next];
        let mut place = next;
        while place > 0 && key(&hashes[place - 1]) > key(&hash) {
            hashes[place] = hashes[place - 1];
            place -= 1;
        }
        hashes[place] = hash;
    }
}

/// Targets in chunks that are full, all but the last.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) chunks: Vec<Vec<TargetHash>>,
}

impl Row {
    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> &TargetHash {
        &self.chunks[place / CHUNK][place % CHUNK]
    }

    #[inline]
    fn set(&mut self, place: usize, hash: TargetHash) {
        self.chunks[place / CHUNK][place % CHUNK] = hash;
    }

    /// Takes a target, and returns whether it begins a chunk.
    #[inline]
    pub(super) fn push(&mut self, hash: TargetHash) -> bool {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => {
                last.push(hash);
                false
            }
            _ => {
                self.push_chunk(hash);
                true
            }
        }
    }

    #[cold]
    fn push_chunk(&mut self, hash: TargetHash) {
        // Most sets are small: only a second chunk is sure to be worth its whole length.
        let mut chunk = if self.chunks.is_empty() { Vec::new() } else { Vec::with_capacity(CHUNK) };
        chunk.push(hash);
        self.chunks.push(chunk);
    }

    fn truncate(&mut self, len: usize) {
        self.chunks.truncate(len.div_ceil(CHUNK));
        if let Some(last) = self.chunks.last_mut() {
            last.truncate((len - 1) % CHUNK + 1);
        }
    }

    /// Sorts and de-duplicates; `scratch` is room to do it in. The first `skipped` bytes of all hashes are the same.
    pub(super) fn sort(&mut self, skipped: usize, scratch: &mut Vec<TargetHash>) {
        if let [only] = &mut self.chunks[..] {
            only.sort_unstable_by_key(key);
            only.dedup();
            return;
        }
        // Dealt out first, by as many bits as leave one or two at each place where they spread evenly.
        let bits = self.len().max(2).ilog2().min(DEAL_BITS_MAX);
        let place = |hash: &TargetHash| {
            usize::try_from(spread(&hash.0[skipped..]) >> (64 - bits)).unwrap_or_default()
        };
        let mut ends = vec![0_usize; 1 << bits];
        self.chunks.iter().flatten().for_each(|hash| ends[place(hash)] += 1);
        let (mut len, mut crowd) = (0, 0);
        for end in &mut ends {
            crowd = crowd.max(*end);
            len += std::mem::replace(end, len);
        }
        scratch.resize(len, TargetHash([0; 16]));
        for hash in self.chunks.iter().flatten() {
            let end = &mut ends[place(hash)];
            scratch[*end] = *hash;
            *end += 1;
        }
        if crowd <= CROWD_MAX {
            insert_each(scratch);
        } else {
            let mut start = 0;
            for end in ends {
                scratch[start..end].sort_unstable_by_key(key);
                start = end;
            }
        }
        scratch.dedup();
        self.truncate(scratch.len());
        for (chunk, sorted) in self.chunks.iter_mut().zip(scratch.chunks(CHUNK)) {
            chunk.copy_from_slice(sorted);
        }
    }

    /// Returns how many of so many targets, spread evenly, are below such a part of their range.
    #[inline]
    pub(super) fn share(&self, part: u64) -> usize {
        let share = (u128::from(part) * self.len() as u128) >> 64;
        usize::try_from(share).unwrap_or_default()
    }

    /// Betters a guess of where a target is, of which `evenly` is what spreads evenly over the row, by what stands there.
    #[inline]
    pub(super) fn better(&self, guess: usize, evenly: u64, evenly_of: impl Fn(&TargetHash) -> u64) -> usize {
        let found = evenly_of(self.get(guess));
        if found <= evenly {
            (guess + self.share(evenly - found)).min(self.len() - 1)
        } else {
            guess.saturating_sub(self.share(found - evenly))
        }
    }

    /// Returns the place of `hash`, which is about at `guess`.
    #[inline]
    pub(super) fn position(&self, hash: &TargetHash, guess: usize) -> Option<usize> {
        let (wanted, last) = (key(hash), self.len() - 1);
        let mut place = guess;
        let is_above = key(self.get(place)) < wanted;
        for _ in 0..STEPS_MAX {
            let here = key(self.get(place));
            if here == wanted {
                return Some(place);
            }
            if (here < wanted) != is_above {
                return None;
            }
            place =
                if is_above { Some(place + 1).filter(|next| *next <= last) } else { place.checked_sub(1) }?;
        }
        self.search(wanted)
    }

    #[cold]
    fn search(&self, wanted: u128) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if key(self.get(middle)) < wanted { low = middle + 1 } else { high = middle }
        }
        (low < self.len() && key(self.get(low)) == wanted).then_some(low)
    }
}

/// How far a set was gone through, to take targets away from it.
#[derive(Default)]
pub(super) struct Place {
    pub(super) row: usize,
    /// Targets of the row that were looked at.
    read: usize,
    /// Those of them that stay: they stand at its beginning.
    kept: usize,
}

impl Place {
    /// Takes `others` away from a row, as far as that goes. Returns those of them that are beyond it.
    pub(super) fn take_away<'others>(
        &mut self,
        row: &mut Row,
        others: &'others [[u8; 16]],
    ) -> &'others [[u8; 16]] {
        let (len, mut taken) = (row.len(), 0);
        while self.read < len
            && let Some(other) = others.get(taken)
        {
            let (ours, other) = (*row.get(self.read), u128::from_be_bytes(*other));
            // No branch depends on which one is greater: nothing could foretell it.
            row.set(self.kept, ours);
            let ours = key(&ours);
            self.kept += usize::from(ours < other);
            self.read += usize::from(ours <= other);
            taken += usize::from(ours >= other);
        }
        if self.read == len {
            self.close(row);
            *self = Self { row: self.row + 1, ..Self::default() };
        }
        &others[taken..]
    }

    /// Goes on to the first target of a row that is among `others`, as far as that goes. Returns those of them that are
    /// left, and whether there is one.
    pub(super) fn find<'others>(
        &mut self,
        row: &Row,
        others: &'others [[u8; 16]],
    ) -> (&'others [[u8; 16]], bool) {
        let mut rest = others;
        while let [other, after @ ..] = rest {
            if self.read == row.len() {
                *self = Self { row: self.row + 1, ..Self::default() };
                return (rest, false);
            }
            match row.get(self.read).0.cmp(other) {
                Ordering::Less => self.read += 1,
                Ordering::Equal => return (rest, true),
                Ordering::Greater => rest = after,
            }
            self.kept = self.read;
        }
        (rest, false)
    }

    /// Moves what is left of a row behind what stays of it.
    pub(super) fn close(&self, row: &mut Row) {
        if self.kept == self.read {
            return;
        }
        let len = row.len();
        for place in self.read..len {
            let hash = *row.get(place);
            row.set(place - self.read + self.kept, hash);
        }
        row.truncate(len - self.read + self.kept);
    }
}
