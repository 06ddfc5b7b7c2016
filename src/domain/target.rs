//! Who gets a push: the ids that one audience lists, and their salted hashes that the ledger keeps.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest, Sha256};

use crate::domain::{Secret, TargetHasher, TextFlaw};

/// What kind of id a target is; the vendor's `DeliveryType` of `PushTemplate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// An Android device id.
    AndroidDevice,
    /// An iOS device id.
    IosDevice,
    /// A user id.
    User,
    /// A push token of an iOS Live Activity.
    LiveActivityToken,
    /// The activity id of an iOS Live Activity.
    LiveActivity,
    /// A `HarmonyOS` device id.
    HarmonyosDevice,
}

impl TargetKind {
    /// Every kind, in the order of the vendor's numbers.
    pub const ALL: [Self; 6] = [
        Self::AndroidDevice,
        Self::IosDevice,
        Self::User,
        Self::LiveActivityToken,
        Self::LiveActivity,
        Self::HarmonyosDevice,
    ];

    /// Returns the key that declares such targets in YAML, also used in message keys and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AndroidDevice => "android_devices",
            Self::IosDevice => "ios_devices",
            Self::User => "users",
            Self::LiveActivityToken => "live_activity_tokens",
            Self::LiveActivity => "live_activities",
            Self::HarmonyosDevice => "harmonyos_devices",
        }
    }

    /// Whether such a target is an iOS Live Activity.
    #[must_use]
    pub fn is_live_activity(self) -> bool {
        matches!(self, Self::LiveActivityToken | Self::LiveActivity)
    }
}

/// Why a text is no target id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTargetId {
    /// Nothing to send to.
    #[error("a target id cannot be empty")]
    Empty,
    /// What nobody sees makes another id to the vendor.
    #[error("the target id {0}")]
    Flawed(TextFlaw),
    /// No id of the vendor's is that long; a whole file on one line is.
    #[error("a target id has at most {max} bytes, this one has {0}", max = TargetId::LEN_MAX_BYTES)]
    TooLong(usize),
}

/// One target's id: not empty, no control characters, nothing invisible at either end, at most 1024 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(Box<str>);

impl TargetId {
    /// A bound of our own (the vendor states none), so that a file without line breaks is a mistake and not an id.
    pub const LEN_MAX_BYTES: usize = 1024;

    /// Returns the id as it goes to the vendor.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the same id, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> TargetIdRef<'_> {
        TargetIdRef(&self.0)
    }
}

impl FromStr for TargetId {
    type Err = InvalidTargetId;

    fn from_str(text: &str) -> Result<Self, InvalidTargetId> {
        TargetIdRef::new(text).map(TargetIdRef::to_owned)
    }
}

/// A [`TargetId`] that somebody else holds: what a stream of millions hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetIdRef<'text>(&'text str);

impl<'text> TargetIdRef<'text> {
    /// Takes a text that is a target id.
    ///
    /// # Errors
    ///
    /// Returns why it is none.
    #[inline]
    pub fn new(text: &'text str) -> Result<Self, InvalidTargetId> {
        // Nearly every id is of graphic ASCII alone, and then nothing else can be wrong with it.
        let is_plain = text.bytes().fold(true, |is_plain, byte| is_plain & byte.is_ascii_graphic());
        if is_plain && !text.is_empty() && text.len() <= TargetId::LEN_MAX_BYTES {
            return Ok(Self(text));
        }
        Self::judge(text)
    }

    #[cold]
    fn judge(text: &'text str) -> Result<Self, InvalidTargetId> {
        if text.is_empty() {
            Err(InvalidTargetId::Empty)
        } else if text.len() > TargetId::LEN_MAX_BYTES {
            Err(InvalidTargetId::TooLong(text.len()))
        } else {
            TextFlaw::of(text).map_or(Ok(Self(text)), |flaw| Err(InvalidTargetId::Flawed(flaw)))
        }
    }

    /// Returns the id as it goes to the vendor.
    #[must_use]
    pub fn as_str(self) -> &'text str {
        self.0
    }

    /// Returns an id of its own.
    #[must_use]
    pub fn to_owned(self) -> TargetId {
        TargetId(self.0.into())
    }
}

impl fmt::Display for TargetIdRef<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A ledger's random salt: without it, nobody can tell from a ledger or a plan whether an id is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LedgerSalt([u8; 16]);

impl LedgerSalt {
    /// Wraps 16 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the salt that only who has the key can compute: HMAC-SHA-256 of this one under the key.
    #[must_use]
    pub fn keyed(&self, key: &Secret) -> Self {
        Self(mac(key, &self.0))
    }

    /// Returns what proves that a key is the one that [`LedgerSalt::keyed`] was called with, and says nothing of it.
    #[must_use]
    pub fn key_check(&self, key: &Secret) -> [u8; 16] {
        mac(key, &[b"check".as_slice(), &self.0].concat())
    }

    /// Returns the bytes, for the ledger's header only.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for LedgerSalt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LedgerSalt(…)")
    }
}

/// Returns the first 16 bytes of HMAC-SHA-256.
fn mac(key: &Secret, message: &[u8]) -> [u8; 16] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).expect("a key has any length");
    mac.update(message);
    *mac.finalize().into_bytes().first_chunk().expect("there are 32 bytes")
}

/// A target as the ledger keeps it: the first 16 bytes of SHA-256 over salt, kind and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetHash(pub [u8; 16]);

impl TargetHash {
    /// Hashes one target id.
    #[must_use]
    pub fn of(salt: &LedgerSalt, kind: TargetKind, id: &TargetId) -> Self {
        TargetHasher::new(salt, kind).hash(id.borrowed())
    }

    /// Hashes the one target of a broadcast.
    #[must_use]
    pub fn of_broadcast(salt: &LedgerSalt) -> Self {
        TargetHasher::hash_of_broadcast(salt)
    }

    /// Feeds hashes to a digest, one behind the other.
    pub fn feed(hashes: &[Self], digest: &mut Sha256) {
        // A digest is quick where it gets many bytes at once.
        let (many, rest) = hashes.as_chunks::<32>();
        for hashes in many {
            digest.update(hashes.map(|hash| hash.0).as_flattened());
        }
        for hash in rest {
            digest.update(hash.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_of_two_kinds_or_two_ledgers_is_two_targets() {
        let id: TargetId = "u1".parse().unwrap();
        let salt = LedgerSalt::new([7; 16]);
        let user = TargetHash::of(&salt, TargetKind::User, &id);
        assert_ne!(user, TargetHash::of(&salt, TargetKind::AndroidDevice, &id));
        assert_ne!(user, TargetHash::of(&LedgerSalt::new([8; 16]), TargetKind::User, &id));
    }

    #[test]
    fn ids_that_a_file_could_smuggle_in_are_refused() {
        assert_eq!("".parse::<TargetId>(), Err(InvalidTargetId::Empty));
        assert_eq!(" a".parse::<TargetId>(), Err(InvalidTargetId::Flawed(TextFlaw::Begins(' '))));
        assert_eq!("a\tb".parse::<TargetId>(), Err(InvalidTargetId::Flawed(TextFlaw::Control('\t'))));
        assert_eq!("a\u{200b}".parse::<TargetId>(), Err(InvalidTargetId::Flawed(TextFlaw::Ends('\u{200b}'))));
        assert_eq!("a".repeat(1025).parse::<TargetId>(), Err(InvalidTargetId::TooLong(1025)));
        assert!("用户 1024".parse::<TargetId>().is_ok());
    }
}
