//! How each phone vendor shall treat a message.
//!
//! Sources: vendor pages 436435 (Android vendors) and 2835878 (`HarmonyOS`); what they leave out is the
//! project's decision: any code is taken as written, and names exist only where a page gives them.

/// The vendor table that a category name is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VendorCategory {
    /// Huawei phones.
    Huawei,
    /// Honor phones.
    Honor,
    /// `HarmonyOS`.
    Harmonyos,
    /// vivo phones.
    Vivo,
    /// OPPO phones.
    Oppo,
    /// Xiaomi phones.
    Xiaomi,
}

/// Huawei's categories in the order of their codes, from 1 (page 436435).
const HMS: [&str; 14] = [
    "im",
    "voip",
    "subscription",
    "travel",
    "health",
    "work",
    "account",
    "express",
    "finance",
    "device_reminder",
    "system_reminder",
    "mail",
    "play_voice",
    "marketing",
];

/// `HarmonyOS`'s categories in the order of their codes, from 1 (page 2835878): they differ from 11 on.
const HARMONYOS: [&str; 13] = [
    "im",
    "voip",
    "subscription",
    "travel",
    "health",
    "work",
    "account",
    "express",
    "finance",
    "device_reminder",
    "mail",
    "customer_service",
    "marketing",
];

/// vivo's categories that a page names (seed page `PushTemplate`: "1" is IM).
const VIVO: [&str; 1] = ["im"];

impl VendorCategory {
    /// Every vendor that has categories.
    pub const ALL: [Self; 6] =
        [Self::Huawei, Self::Honor, Self::Harmonyos, Self::Vivo, Self::Oppo, Self::Xiaomi];

    /// Returns the vendor's key in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Huawei => "huawei",
            Self::Honor => "honor",
            Self::Harmonyos => "harmonyos",
            Self::Vivo => "vivo",
            Self::Oppo => "oppo",
            Self::Xiaomi => "xiaomi",
        }
    }

    /// Returns the category names that a vendor page gives, in the order of their codes from 1.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Huawei => &HMS,
            Self::Harmonyos => &HARMONYOS,
            Self::Vivo => &VIVO,
            Self::Honor | Self::Oppo | Self::Xiaomi => &[],
        }
    }

    /// Returns the code of a category name, or nothing for a name that no page gives.
    #[must_use]
    pub fn code_of(self, name: &str) -> Option<String> {
        let place = self.names().iter().position(|known| *known == name)?;
        Some((place + 1).to_string())
    }

    /// Returns the name of a code, or nothing for a code that no page gives.
    #[must_use]
    pub fn name_of(self, code: &str) -> Option<&'static str> {
        let place: usize = code.parse().ok()?;
        self.names().get(place.checked_sub(1)?).copied()
    }
}

/// How Huawei announces a message; `NotifyLevel`'s `hms` (page 436435).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HuaweiLevel {
    /// Silent.
    Low,
    /// Sound and vibration.
    Normal,
}

/// How OPPO announces a message; `NotifyLevel`'s `oppo`.
///
/// Only 2 is on the seed pages; 1 and 16 are OPPO's own values, not confirmed on an mPaaS page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OppoLevel {
    /// 1: notification bar.
    Bar,
    /// 2: notification bar and lock screen.
    BarAndLockScreen,
    /// 16: bar, lock screen, banner, vibration and ring.
    Everything,
}

impl OppoLevel {
    /// Returns the level of a number, or nothing for a number that OPPO does not have.
    #[must_use]
    pub fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Bar),
            2 => Some(Self::BarAndLockScreen),
            16 => Some(Self::Everything),
            _ => None,
        }
    }

    /// Returns its number, as YAML writes it.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::Bar => "1",
            Self::BarAndLockScreen => "2",
            Self::Everything => "16",
        }
    }
}

/// vivo's message type; the parameter `Classification`, whose default at the vendor is 1 (page 2871127).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VivoMessageType {
    /// 0: operational; vivo takes these by day only and counts them against a quota.
    Operational,
    /// 1: system.
    System,
}

/// How each phone vendor shall treat a message. Everything absent is left to the vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classification {
    /// Category codes (`ThirdChannelCategory`), each vendor once, in the order of [`VendorCategory::ALL`].
    pub categories: Vec<(VendorCategory, String)>,
    /// `NotifyLevel`'s `hms`.
    pub huawei_level: Option<HuaweiLevel>,
    /// `NotifyLevel`'s `oppo`.
    pub oppo_level: Option<OppoLevel>,
    /// `Classification`.
    pub vivo_message_type: Option<VivoMessageType>,
    /// `MiChannelId`.
    pub xiaomi_channel_id: Option<String>,
    /// `ChannelId`: the notification channel of every Android phone.
    pub android_channel_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_are_each_others_inverse() {
        for vendor in VendorCategory::ALL {
            for name in vendor.names() {
                let code = vendor.code_of(name).unwrap();
                assert_eq!(vendor.name_of(&code), Some(*name));
            }
        }
    }

    #[test]
    fn huawei_and_harmonyos_part_ways_after_ten() {
        for code in 1..=14 {
            let code = code.to_string();
            let same = VendorCategory::Huawei.name_of(&code) == VendorCategory::Harmonyos.name_of(&code);
            assert_eq!(same, code.parse::<u8>().unwrap() <= 10, "{code}");
        }
        assert_eq!(VendorCategory::Huawei.code_of("finance").as_deref(), Some("9"));
        assert_eq!(VendorCategory::Harmonyos.code_of("marketing").as_deref(), Some("13"));
    }
}
