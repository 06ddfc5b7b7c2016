//! The vendor's business message id (`TargetMsgkey`'s values, a broadcast's `Msgkey`).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::{CampaignId, EnvironmentName, Platform, ProjectName, Revision, TargetId, TargetKind};

/// A push's stable name at the vendor: 32 lower-case hexadecimal digits.
///
/// It is the start of SHA-256 over six lines, so that a person can compute it:
///
/// ```sh
/// printf 'PROJECT\nENVIRONMENT\nCAMPAIGN\nREVISION\nKIND\nTARGET' | sha256sum | cut -c1-32
/// ```
///
/// `KIND` is the audience's YAML key (`users`, `android_devices`, …) and `TARGET` the id; for a broadcast
/// they are `broadcast` and the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey([u8; DIGITS]);

const DIGITS: usize = 32;

impl MessageKey {
    /// Derives the key of the push to one target.
    #[must_use]
    pub fn of_target(
        project: &ProjectName,
        environment: &EnvironmentName,
        campaign: &CampaignId,
        revision: Revision,
        (kind, target): (TargetKind, &TargetId),
    ) -> Self {
        MessageKeys::of_targets(project, environment, campaign, revision, kind).key(target)
    }

    /// Derives the key of a broadcast.
    #[must_use]
    pub fn of_broadcast(
        project: &ProjectName,
        environment: &EnvironmentName,
        campaign: &CampaignId,
        revision: Revision,
        platform: Platform,
    ) -> Self {
        let keys = MessageKeys::derived(project, environment, campaign, revision, "broadcast");
        keys.last_line(platform.as_str())
    }

    /// Returns the key as it goes to the vendor.
    ///
    /// # Panics
    ///
    /// Never: a key is made of digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a key is made of digits")
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Derives the keys of one campaign's pushes: all but the last of their six lines are hashed once.
#[derive(Clone, Debug)]
pub struct MessageKeys(Sha256);

impl MessageKeys {
    /// Prepares the keys of pushes to targets of one kind.
    #[must_use]
    pub fn of_targets(
        project: &ProjectName,
        environment: &EnvironmentName,
        campaign: &CampaignId,
        revision: Revision,
        kind: TargetKind,
    ) -> Self {
        Self::derived(project, environment, campaign, revision, kind.as_str())
    }

    /// Derives the key of the push to one target.
    #[must_use]
    pub fn key(&self, target: &TargetId) -> MessageKey {
        self.last_line(target.as_str())
    }

    fn derived(
        project: &ProjectName,
        environment: &EnvironmentName,
        campaign: &CampaignId,
        revision: Revision,
        kind: &str,
    ) -> Self {
        // No part but the last can hold a line break, and the last is refused one too, so two
        // different pushes cannot give the same text.
        let lines = format!("{project}\n{environment}\n{campaign}\n{revision}\n{kind}\n");
        Self(Sha256::new_with_prefix(lines))
    }

    fn last_line(&self, text: &str) -> MessageKey {
        let digest = self.0.clone().chain_update(text).finalize();
        let mut digits = [0; DIGITS];
        hex::encode_to_slice(&digest[..DIGITS / 2], &mut digits).expect("two digits are made of each byte");
        MessageKey(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_with_sha256sum_gets_the_same_key() {
        let key = MessageKey::of_target(
            &"acme".parse().unwrap(),
            &"production".parse().unwrap(),
            &"payday-2026-12".parse().unwrap(),
            Revision::new(1).unwrap(),
            (TargetKind::User, &"user1024".parse().unwrap()),
        );
        // printf 'acme\nproduction\npayday-2026-12\n1\nusers\nuser1024' | sha256sum | cut -c1-32
        assert_eq!(key.as_str(), "ea90eafd05f07913d3218304550098f1");
    }
}
