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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey(Box<str>);

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
        Self::derive(project, environment, campaign, revision, kind.as_str(), target.as_str())
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
        Self::derive(project, environment, campaign, revision, "broadcast", platform.as_str())
    }

    fn derive(
        project: &ProjectName,
        environment: &EnvironmentName,
        campaign: &CampaignId,
        revision: Revision,
        kind: &str,
        target: &str,
    ) -> Self {
        // No part but the last can hold a line break, and the last is refused one too, so two
        // different pushes cannot give the same text.
        let text = format!("{project}\n{environment}\n{campaign}\n{revision}\n{kind}\n{target}");
        let digest = Sha256::digest(text.as_bytes());
        let hex = hex::encode(&digest[..16]);
        Self(hex.into())
    }

    /// Returns the key as it goes to the vendor.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
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
