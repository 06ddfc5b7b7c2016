//! The phones that show a push, by who decides how they do.

use crate::domain::{Platform, TargetKind};

/// Phones of one vendor, or of one system where that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phones {
    /// Huawei phones with Android.
    Huawei,
    /// Honor phones.
    Honor,
    /// Xiaomi phones.
    Xiaomi,
    /// OPPO phones.
    Oppo,
    /// vivo phones.
    Vivo,
    /// `HarmonyOS` devices.
    Harmonyos,
    /// iPhones.
    Ios,
}

impl Phones {
    /// All of them: Android first.
    pub const ALL: [Self; 7] =
        [Self::Huawei, Self::Honor, Self::Xiaomi, Self::Oppo, Self::Vivo, Self::Harmonyos, Self::Ios];

    /// How many of them have Android.
    const ANDROID_COUNT: usize = 5;

    /// Returns the name that people know.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Huawei => "Huawei",
            Self::Honor => "Honor",
            Self::Xiaomi => "Xiaomi",
            Self::Oppo => "OPPO",
            Self::Vivo => "vivo",
            Self::Harmonyos => "HarmonyOS",
            Self::Ios => "iOS",
        }
    }

    /// Returns the phones on which a push to such targets may show; none for a Live Activity, which is no message.
    #[must_use]
    pub fn of_targets(kind: TargetKind) -> &'static [Self] {
        match kind {
            TargetKind::User => &Self::ALL,
            TargetKind::AndroidDevice => Self::of_platform(Platform::Android),
            TargetKind::IosDevice => Self::of_platform(Platform::Ios),
            TargetKind::HarmonyosDevice => Self::of_platform(Platform::Harmonyos),
            TargetKind::LiveActivityToken | TargetKind::LiveActivity => &[],
        }
    }

    /// Returns the phones of a platform.
    #[must_use]
    pub fn of_platform(platform: Platform) -> &'static [Self] {
        match platform {
            Platform::Android => &Self::ALL[..Self::ANDROID_COUNT],
            Platform::Harmonyos => &Self::ALL[Self::ANDROID_COUNT..=Self::ANDROID_COUNT],
            Platform::Ios => &Self::ALL[Self::ANDROID_COUNT + 1..],
        }
    }

    /// Whether they have Android.
    #[must_use]
    pub fn is_android(self) -> bool {
        Self::of_platform(Platform::Android).contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_has_its_phones_and_a_user_may_have_any() {
        let names = |phones: &[Phones]| phones.iter().map(|phones| phones.as_str()).collect::<Vec<_>>();
        let of = |platform| names(Phones::of_platform(platform));
        assert_eq!(of(Platform::Android), ["Huawei", "Honor", "Xiaomi", "OPPO", "vivo"]);
        assert_eq!((of(Platform::Harmonyos), of(Platform::Ios)), (vec!["HarmonyOS"], vec!["iOS"]));
        assert_eq!(names(Phones::of_targets(TargetKind::User)), names(&Phones::ALL));
        assert_eq!(names(Phones::of_targets(TargetKind::LiveActivity)), [""; 0]);
    }
}
