//! Everyone on a platform.

/// The devices of a broadcast; the vendor's `DeliveryType` of `PushBroadcast` (vendor page 2871129).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// Android devices that connect while the message is valid.
    Android,
    /// iOS devices.
    Ios,
    /// `HarmonyOS` devices.
    Harmonyos,
}

impl Platform {
    /// Returns the platform as YAML writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Harmonyos => "harmonyos",
        }
    }
}

/// How long ago a device logged in or out at most; the vendor's `BindPeriod` and `UnBindPeriod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Within {
    /// 7 days.
    Days7,
    /// 15 days.
    Days15,
    /// 60 days.
    Days60,
    /// However long ago.
    Permanent,
}

impl Within {
    /// Returns the period as YAML writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Days7 => "7d",
            Self::Days15 => "15d",
            Self::Days60 => "60d",
            Self::Permanent => "permanent",
        }
    }
}

/// Which devices by log-in; the vendor's `PushStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Login {
    /// Devices with a logged-in user.
    LoggedIn,
    /// Logged-in and logged-out devices.
    All,
    /// Devices whose user logged out.
    LoggedOut,
}

impl Login {
    /// Returns the choice as YAML writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedIn => "logged_in",
            Self::All => "all",
            Self::LoggedOut => "logged_out",
        }
    }
}

/// A broadcast's audience. `within` is the `BindPeriod` for [`Login::LoggedIn`], else the `UnBindPeriod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Broadcast {
    /// The devices' platform.
    pub platform: Platform,
    /// Which of them, by log-in.
    pub login: Login,
    /// Since when. The vendor requires it, except that its API version 2019-08-21 has no `BindPeriod`.
    pub within: Option<Within>,
}
