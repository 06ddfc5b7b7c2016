//! Which names the vendor gave already: each of its replies should have its own. Keeps hashes only.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Mutex;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// What the vendor names.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) enum Kind {
    Request,
    Task,
}

/// The names that came so far, in 9 to 20 bytes each: 400 MB at most for ten million requests.
#[derive(Default)]
pub(super) struct Seen {
    hashes: Mutex<HashTable<u64>>,
    hasher: RandomState,
}

impl Seen {
    /// Takes a name; returns whether it is the first of its kind, whatever its case.
    pub(super) fn is_new(&self, kind: Kind, name: &str) -> bool {
        let hash = self.hasher.hash_one((kind, Caseless(name)));
        let mut hashes = self.hashes.lock().expect("no holder of this lock panics");
        match hashes.entry(hash, |known| *known == hash, |known| *known) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(hash);
                true
            }
        }
    }

    /// Returns what to know a whole reply by.
    pub(super) fn digest(&self, body: &[u8]) -> u64 {
        self.hasher.hash_one(body)
    }
}

/// A name that hashes as it would in any other case.
struct Caseless<'a>(&'a str);

impl Hash for Caseless<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let mut lower = [0; 64];
        for piece in self.0.as_bytes().chunks(lower.len()) {
            let lower = &mut lower[..piece.len()];
            lower.copy_from_slice(piece);
            lower.make_ascii_lowercase();
            hasher.write(lower);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_new_once_of_its_kind_in_whatever_case_and_however_long() {
        let (seen, long) = (Seen::default(), "Ab-".repeat(50));
        for name in ["0B6A-x", &long, &long[..64], &long[..65]] {
            assert!(seen.is_new(Kind::Request, name), "{name}");
            assert!(!seen.is_new(Kind::Request, name), "{name}");
            assert!(!seen.is_new(Kind::Request, &name.to_ascii_lowercase()), "{name}");
            assert!(!seen.is_new(Kind::Request, &name.to_ascii_uppercase()), "{name}");
            assert!(seen.is_new(Kind::Task, name), "{name}");
        }
    }
}
