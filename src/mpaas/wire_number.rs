//! The vendor's numbers and keys for what the domain has words for.

use crate::domain::{
    Cycle, HuaweiLevel, Login, Platform, Schedule, SmsStrategy, TargetKind, VendorCategory, VivoMessageType,
    Within,
};

/// `DeliveryType` of `PushTemplate` and `PushMultiple` (vendor page 2871127; 4 is not documented).
pub(super) fn delivery_type(kind: TargetKind) -> u8 {
    match kind {
        TargetKind::AndroidDevice => 1,
        TargetKind::IosDevice => 2,
        TargetKind::User => 3,
        TargetKind::LiveActivityToken => 5,
        TargetKind::LiveActivity => 6,
        TargetKind::HarmonyosDevice => 7,
    }
}

/// `DeliveryType` of `PushBroadcast` (vendor page 2871129).
pub(super) fn delivery_type_of_platform(platform: Platform) -> u8 {
    match platform {
        Platform::Android => 1,
        Platform::Ios => 2,
        Platform::Harmonyos => 7,
    }
}

/// `BindPeriod` and `UnBindPeriod` (vendor page 2871129).
pub(super) fn period(within: Within) -> u8 {
    match within {
        Within::Days7 => 1,
        Within::Days15 => 2,
        Within::Days60 => 3,
        Within::Permanent => 4,
    }
}

/// `PushStatus` (vendor page 2871129).
pub(super) fn push_status(login: Login) -> u8 {
    match login {
        Login::LoggedIn => 0,
        Login::All => 1,
        Login::LoggedOut => 2,
    }
}

/// `StrategyType` (vendor pages 2871127 to 2871129), also in the list of scheduled tasks.
pub(super) fn strategy_type(schedule: &Schedule) -> u8 {
    match schedule {
        Schedule::Now => 0,
        Schedule::Once { .. } => 1,
        Schedule::Repeat(_) => 2,
    }
}

/// `circleType` of what repeats: in no readable copy of the vendor's pages, so the project's decision.
pub(super) fn circle_type(cycle: &Cycle) -> u8 {
    match cycle.as_str() {
        "day" => 1,
        "week" => 2,
        _ => 3,
    }
}

/// A phone vendor's key in `ThirdChannelCategory` and `NotifyLevel`; Xiaomi's as in its other parameters.
pub(super) fn category_key(vendor: VendorCategory) -> &'static str {
    match vendor {
        VendorCategory::Huawei => "hms",
        VendorCategory::Honor => "honor",
        VendorCategory::Harmonyos => "harmonyos",
        VendorCategory::Vivo => "vivo",
        VendorCategory::Oppo => "oppo",
        VendorCategory::Xiaomi => "miui",
    }
}

/// `NotifyLevel`'s `hms` (vendor page 436435).
pub(super) fn huawei_level(level: HuaweiLevel) -> &'static str {
    match level {
        HuaweiLevel::Low => "1",
        HuaweiLevel::Normal => "2",
    }
}

/// `Classification` (vendor page 2871127).
pub(super) fn classification(message_type: VivoMessageType) -> &'static str {
    match message_type {
        VivoMessageType::Operational => "0",
        VivoMessageType::System => "1",
    }
}

/// `SmsStrategy` (vendor page 2871127).
pub(super) fn sms_strategy(strategy: SmsStrategy) -> u8 {
    match strategy {
        SmsStrategy::Supplement => 1,
        SmsStrategy::Concurrent => 2,
    }
}
