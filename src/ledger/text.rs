//! How domain values are written in records: as the text they print.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// For `#[serde(with = "as_text")]` on names.
pub(super) mod as_text {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    pub(in crate::ledger) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::ledger) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// For `#[serde(with = "as_number")]` on revisions.
pub(super) mod as_number {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use crate::domain::Revision;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(in crate::ledger) fn serialize<S: Serializer>(
        revision: &Revision,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(revision.get())
    }

    pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Revision, D::Error> {
        Revision::new(u32::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// For `#[serde(with = "as_revisions")]` on campaign revisions: `[["payday", 1]]`.
pub(super) mod as_revisions {
    use serde::Serialize;

    use super::{Deserialize, Deserializer, Serializer, as_number, as_text};
    use crate::domain::{CampaignId, Revision};

    #[derive(Serialize, Deserialize)]
    struct Edition(#[serde(with = "as_text")] CampaignId, #[serde(with = "as_number")] Revision);

    pub(in crate::ledger) fn serialize<S: Serializer>(
        editions: &[(CampaignId, Revision)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(editions.iter().map(|(id, revision)| Edition(id.clone(), *revision)))
    }

    pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(CampaignId, Revision)>, D::Error> {
        let editions = Vec::<Edition>::deserialize(deserializer)?;
        Ok(editions.into_iter().map(|Edition(id, revision)| (id, revision)).collect())
    }
}

/// For `#[serde(with = "as_hex")]` on a ledger's salt.
pub(super) mod as_hex {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use crate::domain::LedgerSalt;

    pub(in crate::ledger) fn serialize<S: Serializer>(
        salt: &LedgerSalt,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(salt.as_bytes()))
    }

    pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<LedgerSalt, D::Error> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(String::deserialize(deserializer)?, &mut bytes).map_err(D::Error::custom)?;
        Ok(LedgerSalt::new(bytes))
    }
}

/// For `#[serde(with = "as_hex_list")]` on targets: one text, 32 digits a target, so that a million
/// batches parse fast.
pub(super) mod as_hex_list {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use crate::domain::TargetHash;

    pub(in crate::ledger) fn serialize<S: Serializer>(
        targets: &[TargetHash],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = targets.iter().flat_map(|target| target.0).collect();
        serializer.serialize_str(&hex::encode(&bytes))
    }

    pub(in crate::ledger) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<TargetHash>, D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        match bytes.as_chunks::<16>() {
            (hashes, []) => Ok(hashes.iter().copied().map(TargetHash).collect()),
            _ => Err(D::Error::custom(hex::FromHexError::InvalidStringLength)),
        }
    }
}
