//! Whom an audience addresses: one kind of targets, or a platform.

use crate::domain::{Platform, Recipients, TargetKind};
use crate::load::model::{AudienceSyntax, PlatformSyntax, TargetsSyntax};

/// Whom an audience addresses, as far as rules about campaigns ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Targets(TargetKind),
    Broadcast(Platform),
}

impl Group {
    /// Returns the one group that an audience holds; nothing where it says none or several.
    pub(super) fn of(audience: &AudienceSyntax) -> Option<Self> {
        let broadcast =
            audience.broadcast.as_ref().map(|broadcast| Self::Broadcast(platform(broadcast.platform)));
        let mut groups = targets(audience).map(|(kind, _)| Self::Targets(kind)).chain(broadcast);
        let group = groups.next();
        if groups.next().is_some() { None } else { group }
    }

    /// Returns the group of these recipients.
    pub(super) fn to(recipients: Recipients) -> Self {
        match recipients {
            Recipients::Targets(kind) => Self::Targets(kind),
            Recipients::Broadcast(broadcast) => Self::Broadcast(broadcast.platform),
        }
    }

    /// Whether Android phones are among it.
    pub(super) fn has_android(self) -> bool {
        matches!(
            self,
            Self::Targets(TargetKind::AndroidDevice | TargetKind::User) | Self::Broadcast(Platform::Android)
        )
    }

    /// Whether `HarmonyOS` devices are among it.
    pub(super) fn has_harmonyos(self) -> bool {
        matches!(
            self,
            Self::Targets(TargetKind::HarmonyosDevice | TargetKind::User)
                | Self::Broadcast(Platform::Harmonyos)
        )
    }

    /// Whether iOS devices are among it.
    pub(super) fn has_ios(self) -> bool {
        !matches!(
            self,
            Self::Targets(TargetKind::AndroidDevice | TargetKind::HarmonyosDevice)
                | Self::Broadcast(Platform::Android | Platform::Harmonyos)
        )
    }
}

/// Returns the kinds of targets that an audience lists, with what lists them.
pub(super) fn targets(audience: &AudienceSyntax) -> impl Iterator<Item = (TargetKind, &TargetsSyntax)> {
    TargetKind::ALL.into_iter().filter_map(|kind| {
        let targets = match kind {
            TargetKind::AndroidDevice => &audience.android_devices,
            TargetKind::IosDevice => &audience.ios_devices,
            TargetKind::User => &audience.users,
            TargetKind::LiveActivityToken => &audience.live_activity_tokens,
            TargetKind::LiveActivity => &audience.live_activities,
            TargetKind::HarmonyosDevice => &audience.harmonyos_devices,
        };
        targets.as_ref().map(|targets| (kind, targets))
    })
}

/// Returns the platform that a broadcast names.
pub(super) fn platform(syntax: PlatformSyntax) -> Platform {
    match syntax {
        PlatformSyntax::Android => Platform::Android,
        PlatformSyntax::Ios => Platform::Ios,
        PlatformSyntax::Harmonyos => Platform::Harmonyos,
    }
}
