//! Where a message shows on each vendor's phones, and whether they ring: a table of rules, each with who says so.
//!
//! Knows only what a page says that could be read. Where there is none, the rule says that it is not known. What a person sets on
//! a phone counts for more than any of it.

use crate::domain::{Classification, HuaweiLevel, OppoLevel, Phones, VendorCategory, VivoMessageType};

/// Where a message shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShownIn {
    /// On the lock screen, and among the notifications.
    LockScreen,
    /// Among the notifications, once somebody pulls them down.
    Drawer,
    /// Together with others in one box among the notifications.
    Box,
    /// Nowhere by itself: the app gets it.
    App,
    /// No page says.
    NotKnown,
}

/// Whether a phone calls for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alert {
    /// By sound, vibration or both.
    Rings,
    /// Neither by sound nor by vibration.
    Silent,
    /// No page says.
    NotKnown,
}

/// A page that a rule is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShowingSource {
    /// mPaaS on the classes of Android vendors.
    MpaasAndroidClasses,
    /// mPaaS on the classes of `HarmonyOS`.
    MpaasHarmonyosClasses,
    /// mPaaS on `PushTemplate`.
    MpaasPushTemplate,
    /// mPaaS on `PushMultiple`.
    MpaasPushMultiple,
    /// EMAS on Huawei's classes.
    EmasHuawei,
    /// Huawei on the classes of Android phones.
    HuaweiClasses,
    /// Huawei on the classes of `HarmonyOS`.
    HarmonyosClasses,
    /// Huawei on the channels of `HarmonyOS`.
    HarmonyosChannels,
    /// Getui on how `HarmonyOS` draws notifications.
    GetuiHarmonyos,
    /// Getui on every vendor's classes.
    GetuiVendors,
    /// `MobPush` on vivo's classes.
    MobPushVivo,
    /// Tencent on every vendor's classes.
    TencentVendors,
    /// OPPO's own numbers, as they are passed on: on no page that could be read.
    OppoUnread,
}

impl ShowingSource {
    /// All of them, in the order in which a list of them has them.
    pub const ALL: [Self; 13] = [
        Self::MpaasAndroidClasses,
        Self::MpaasHarmonyosClasses,
        Self::MpaasPushTemplate,
        Self::MpaasPushMultiple,
        Self::EmasHuawei,
        Self::HuaweiClasses,
        Self::HarmonyosClasses,
        Self::HarmonyosChannels,
        Self::GetuiHarmonyos,
        Self::GetuiVendors,
        Self::MobPushVivo,
        Self::TencentVendors,
        Self::OppoUnread,
    ];

    /// Returns its number in a list of all of them, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// Returns what the page is.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::MpaasAndroidClasses => "mPaaS, Android vendors' message classes",
            Self::MpaasHarmonyosClasses => "mPaaS, HarmonyOS message classes",
            Self::MpaasPushTemplate => "mPaaS, PushTemplate",
            Self::MpaasPushMultiple => "mPaaS, PushMultiple",
            Self::EmasHuawei => "Alibaba Cloud EMAS, Huawei's message classes",
            Self::HuaweiClasses => "Huawei, message classes on Android",
            Self::HarmonyosClasses => "Huawei, rights of HarmonyOS messages",
            Self::HarmonyosChannels => "Huawei, notification channels of HarmonyOS",
            Self::GetuiHarmonyos => "Getui, HarmonyOS notifications",
            Self::GetuiVendors => "Getui, vendors' classes and quotas",
            Self::MobPushVivo => "MobPush, vendors' classes and quotas",
            Self::TencentVendors => "Tencent, vendors' message classes",
            Self::OppoUnread => "OPPO's own numbers, on no page that could be read",
        }
    }

    /// Returns where it stands, if it stands anywhere.
    #[must_use]
    pub fn address(self) -> Option<&'static str> {
        match self {
            Self::MpaasAndroidClasses => Some("https://help.aliyun.com/document_detail/436435.html"),
            Self::MpaasHarmonyosClasses => Some("https://help.aliyun.com/document_detail/2835878.html"),
            Self::MpaasPushTemplate => Some("https://help.aliyun.com/document_detail/2871127.html"),
            Self::MpaasPushMultiple => Some("https://help.aliyun.com/document_detail/2871128.html"),
            Self::EmasHuawei => Some("https://help.aliyun.com/document_detail/613940.html"),
            Self::HuaweiClasses => Some(
                "https://developer.huawei.com/consumer/cn/doc/HMSCore-Guides/message-classification-0000001149358835",
            ),
            Self::HarmonyosClasses => {
                Some("https://developer.huawei.com/consumer/cn/doc/harmonyOS-guides/push-apply-right/")
            }
            Self::HarmonyosChannels => {
                Some("https://developer.huawei.com/consumer/cn/doc/harmonyOS-guides/notification-slot/")
            }
            Self::GetuiHarmonyos => Some("https://docs.getui.com/getui/mobile/oh/notification_types/"),
            Self::GetuiVendors => Some("https://docs.getui.com/getui/mobile/vendor/qps/"),
            Self::MobPushVivo => Some("https://juejin.cn/post/7262536203894079545"),
            Self::TencentVendors => Some("https://trtc.io/document/60576"),
            Self::OppoUnread => None,
        }
    }
}

/// How a vendor's phones show a kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShowingRule {
    /// Whose phones.
    pub phones: Phones,
    /// Which messages.
    pub of: &'static str,
    /// Where they show.
    pub shown_in: ShownIn,
    /// Whether phones ring.
    pub alert: Alert,
    /// Both in words, the same for all that show it alike.
    pub words: &'static str,
    /// On what it depends besides.
    pub provided: Option<&'static str>,
    /// Who says so; nobody where it is not known.
    pub sources: &'static [ShowingSource],
}

impl ShowingRule {
    /// Returns its number among all of them, from 1.
    ///
    /// # Panics
    ///
    /// Never: there are no other rules.
    #[must_use]
    pub fn number(&self) -> usize {
        let place = SHOWING_RULES.iter().position(|rule| rule.phones == self.phones && rule.of == self.of);
        place.expect("every rule is one of them") + 1
    }
}

const DRAWER: &str = "drawer only, silent";
const LOCK_SCREEN: &str = "lock screen, sound and vibration";
const NOT_KNOWN: &str = "not known";

const fn rule(phones: Phones, of: &'static str, sources: &'static [ShowingSource]) -> ShowingRule {
    ShowingRule {
        phones,
        of,
        shown_in: ShownIn::NotKnown,
        alert: Alert::NotKnown,
        words: NOT_KNOWN,
        provided: None,
        sources,
    }
}

const fn drawer(phones: Phones, of: &'static str, sources: &'static [ShowingSource]) -> ShowingRule {
    let rule = rule(phones, of, sources);
    ShowingRule { shown_in: ShownIn::Drawer, alert: Alert::Silent, words: DRAWER, ..rule }
}

const fn lock_screen(
    phones: Phones,
    of: &'static str,
    provided: &'static str,
    sources: &'static [ShowingSource],
) -> ShowingRule {
    let rule = rule(phones, of, sources);
    let provided = Some(provided);
    ShowingRule { shown_in: ShownIn::LockScreen, alert: Alert::Rings, words: LOCK_SCREEN, provided, ..rule }
}

const fn passed_through(phones: Phones) -> ShowingRule {
    let rule = rule(phones, "`transparent` with a payload for it", &[ShowingSource::MpaasPushMultiple]);
    ShowingRule { shown_in: ShownIn::App, words: "passed through to the app", ..rule }
}

const fn self_built(phones: Phones) -> ShowingRule {
    let rule = rule(phones, "`channel: self_built`", &[]);
    ShowingRule { words: "mPaaS's own channel: not known", ..rule }
}

/// Which rule it is: its place in [`SHOWING_RULES`].
#[derive(Clone, Copy)]
enum Case {
    HuaweiMarketing,
    HuaweiService,
    HuaweiQuietService,
    HuaweiOther,
    HonorUnclassified,
    HonorClassified,
    XiaomiDefault,
    XiaomiChannel,
    OppoDefault,
    OppoCategory,
    OppoBar,
    OppoBarAndLockScreen,
    OppoEverything,
    VivoOperational,
    VivoSystem,
    HarmonyosMarketing,
    HarmonyosService,
    HarmonyosCustomerService,
    HarmonyosOther,
    Ios,
    PassedThroughHuawei,
    PassedThroughHonor,
    PassedThroughHarmonyos,
    SelfBuiltHuawei,
    SelfBuiltHonor,
    SelfBuiltXiaomi,
    SelfBuiltOppo,
    SelfBuiltVivo,
}

/// Every rule, in the order of the phones.
pub static SHOWING_RULES: [ShowingRule; 28] = {
    use ShowingSource as By;
    [
        drawer(
            Phones::Huawei,
            "category `marketing`, or none",
            &[By::MpaasAndroidClasses, By::HuaweiClasses],
        ),
        lock_screen(
            Phones::Huawei,
            "another category that has a name",
            "Huawei has approved the app for the category; else as marketing",
            &[By::MpaasAndroidClasses, By::HuaweiClasses],
        ),
        ShowingRule {
            alert: Alert::Silent,
            words: "no sound, no vibration, where not known",
            ..rule(
                Phones::Huawei,
                "another category that has a name, with `level: low`",
                &[By::MpaasAndroidClasses, By::EmasHuawei],
            )
        },
        rule(Phones::Huawei, "`play_voice`, or a code without a name", &[]),
        drawer(Phones::Honor, "no category", &[By::GetuiVendors, By::TencentVendors]),
        rule(Phones::Honor, "any category: no page gives Honor's codes", &[]),
        ShowingRule {
            provided: Some(
                "the app still has Xiaomi's default class; once it moved to the new classes, nothing shows",
            ),
            ..drawer(Phones::Xiaomi, "no `channel_id`", &[By::GetuiVendors])
        },
        ShowingRule {
            words: "as the channel is registered: private rings, public is drawer only and silent",
            ..rule(Phones::Xiaomi, "a `channel_id`", &[By::GetuiVendors])
        },
        drawer(Phones::Oppo, "neither category nor level", &[By::GetuiVendors]),
        rule(Phones::Oppo, "a category without a level: no page gives OPPO's codes", &[]),
        ShowingRule {
            shown_in: ShownIn::Drawer,
            words: "notification bar, sound not known",
            provided: Some("OPPO has approved the app for levels"),
            ..rule(Phones::Oppo, "`level: 1`", &[By::OppoUnread])
        },
        ShowingRule {
            shown_in: ShownIn::LockScreen,
            words: "notification bar and lock screen, sound not known",
            provided: Some("OPPO has approved the app for levels"),
            ..rule(Phones::Oppo, "`level: 2`", &[By::MpaasPushTemplate, By::TencentVendors])
        },
        ShowingRule {
            shown_in: ShownIn::LockScreen,
            alert: Alert::Rings,
            words: "notification bar, lock screen, banner, sound and vibration",
            provided: Some("OPPO has approved the app for levels"),
            ..rule(Phones::Oppo, "`level: 16`", &[By::OppoUnread])
        },
        ShowingRule {
            shown_in: ShownIn::Box,
            alert: Alert::Silent,
            words: "in the box while the app is not running, no lock screen, no banner, silent",
            ..rule(Phones::Vivo, "`message_type: operational`", &[By::MobPushVivo])
        },
        ShowingRule {
            words: "lock screen, banner, sound and vibration",
            ..lock_screen(
                Phones::Vivo,
                "`message_type: system`, or none",
                "vivo finds it to be a system message; else as operational",
                &[By::MpaasPushTemplate, By::MobPushVivo, By::TencentVendors],
            )
        },
        ShowingRule {
            words: "notification centre only (more notifications), silent",
            ..drawer(
                Phones::Harmonyos,
                "category `marketing`, or none",
                &[By::MpaasHarmonyosClasses, By::HarmonyosClasses],
            )
        },
        ShowingRule {
            words: "lock screen as an icon and a count until opened, sound and vibration",
            ..lock_screen(
                Phones::Harmonyos,
                "another category that has a name",
                "Huawei has approved the app for the category; else as marketing",
                &[By::HarmonyosClasses, By::GetuiHarmonyos],
            )
        },
        ShowingRule {
            shown_in: ShownIn::Drawer,
            alert: Alert::Rings,
            words: "notification centre, no lock screen, sound and vibration",
            provided: Some("Huawei has approved the app for the category; else as marketing"),
            ..rule(Phones::Harmonyos, "category `customer_service`", &[By::HarmonyosChannels])
        },
        rule(Phones::Harmonyos, "a code without a name", &[]),
        rule(Phones::Ios, "any message: mPaaS has no key for it, and the person's settings count", &[]),
        passed_through(Phones::Huawei),
        passed_through(Phones::Honor),
        passed_through(Phones::Harmonyos),
        self_built(Phones::Huawei),
        self_built(Phones::Honor),
        self_built(Phones::Xiaomi),
        self_built(Phones::Oppo),
        self_built(Phones::Vivo),
    ]
};

/// What of a message decides how it shows.
#[derive(Clone, Copy, Debug)]
pub struct ShownMessage<'a> {
    /// How vendors shall treat it.
    pub classification: &'a Classification,
    /// Whether it goes through mPaaS's own channel on Android.
    pub is_self_built: bool,
    /// The vendors that get a payload to pass through.
    pub passed_through: &'a [Phones],
}

impl ShownMessage<'_> {
    /// Returns how a vendor's phones show it.
    #[must_use]
    pub fn on(&self, phones: Phones) -> &'static ShowingRule {
        &SHOWING_RULES[self.case(phones) as usize]
    }

    fn case(&self, phones: Phones) -> Case {
        if self.is_self_built && phones.is_android() {
            return match phones {
                Phones::Honor => Case::SelfBuiltHonor,
                Phones::Xiaomi => Case::SelfBuiltXiaomi,
                Phones::Oppo => Case::SelfBuiltOppo,
                Phones::Vivo => Case::SelfBuiltVivo,
                Phones::Huawei | Phones::Harmonyos | Phones::Ios => Case::SelfBuiltHuawei,
            };
        }
        let is_passed_through = self.passed_through.contains(&phones);
        match phones {
            Phones::Huawei if is_passed_through => Case::PassedThroughHuawei,
            Phones::Honor if is_passed_through => Case::PassedThroughHonor,
            Phones::Harmonyos if is_passed_through => Case::PassedThroughHarmonyos,
            Phones::Huawei => self.on_huawei(),
            Phones::Honor if self.category(VendorCategory::Honor).is_some() => Case::HonorClassified,
            Phones::Honor => Case::HonorUnclassified,
            Phones::Xiaomi if self.classification.xiaomi_channel_id.is_some() => Case::XiaomiChannel,
            Phones::Xiaomi => Case::XiaomiDefault,
            Phones::Oppo => self.on_oppo(),
            Phones::Vivo => match self.classification.vivo_message_type {
                Some(VivoMessageType::Operational) => Case::VivoOperational,
                Some(VivoMessageType::System) | None => Case::VivoSystem,
            },
            Phones::Harmonyos => match self.named_category(VendorCategory::Harmonyos) {
                Category::None | Category::Named("marketing") => Case::HarmonyosMarketing,
                Category::Named("customer_service") => Case::HarmonyosCustomerService,
                Category::Named(_) => Case::HarmonyosService,
                Category::Unnamed => Case::HarmonyosOther,
            },
            Phones::Ios => Case::Ios,
        }
    }

    fn on_huawei(&self) -> Case {
        match (self.named_category(VendorCategory::Huawei), self.classification.huawei_level) {
            (Category::None | Category::Named("marketing"), _) => Case::HuaweiMarketing,
            (Category::Unnamed | Category::Named("play_voice"), _) => Case::HuaweiOther,
            (Category::Named(_), Some(HuaweiLevel::Low)) => Case::HuaweiQuietService,
            (Category::Named(_), Some(HuaweiLevel::Normal) | None) => Case::HuaweiService,
        }
    }

    fn on_oppo(&self) -> Case {
        match self.classification.oppo_level {
            Some(OppoLevel::Bar) => Case::OppoBar,
            Some(OppoLevel::BarAndLockScreen) => Case::OppoBarAndLockScreen,
            Some(OppoLevel::Everything) => Case::OppoEverything,
            None if self.category(VendorCategory::Oppo).is_some() => Case::OppoCategory,
            None => Case::OppoDefault,
        }
    }

    fn category(&self, vendor: VendorCategory) -> Option<&str> {
        let codes = self.classification.categories.iter();
        codes.clone().find(|(known, _)| *known == vendor).map(|(_, code)| code.as_str())
    }

    fn named_category(&self, vendor: VendorCategory) -> Category {
        match self.category(vendor) {
            None => Category::None,
            Some(code) => vendor.name_of(code).map_or(Category::Unnamed, Category::Named),
        }
    }
}

/// What is known of a message's category.
#[derive(Clone, Copy)]
enum Category {
    /// There is none.
    None,
    /// A code of which no page gives the name.
    Unnamed,
    Named(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(phones: Phones, edit: impl Fn(&mut Classification)) -> &'static ShowingRule {
        let mut classification = Classification::default();
        edit(&mut classification);
        ShownMessage { classification: &classification, is_self_built: false, passed_through: &[] }.on(phones)
    }

    fn category(vendor: VendorCategory, code: &str) -> impl Fn(&mut Classification) {
        move |classification| classification.categories.push((vendor, code.to_owned()))
    }

    #[test]
    fn a_rule_is_of_the_phones_that_it_was_asked_for() {
        let classification = Classification::default();
        for phones in Phones::ALL {
            for is_self_built in [false, true] {
                for passed_through in [&[][..], &Phones::ALL[..]] {
                    let message =
                        ShownMessage { classification: &classification, is_self_built, passed_through };
                    assert_eq!(message.on(phones).phones, phones);
                }
            }
        }
        let numbers: Vec<usize> = SHOWING_RULES.iter().map(ShowingRule::number).collect();
        assert_eq!(numbers, (1..=SHOWING_RULES.len()).collect::<Vec<_>>());
        // The cases and the rules stand in the same order.
        assert_eq!(Case::SelfBuiltVivo as usize, SHOWING_RULES.len() - 1);
        assert!(SHOWING_RULES[Case::Ios as usize].phones == Phones::Ios);
    }

    #[test]
    fn a_rule_has_a_source_exactly_where_something_is_known() {
        for rule in &SHOWING_RULES {
            let is_known = !rule.words.ends_with(NOT_KNOWN) || rule.alert != Alert::NotKnown;
            let is_known =
                is_known || rule.shown_in != ShownIn::NotKnown || rule.words.contains("registered");
            assert_eq!(is_known, !rule.sources.is_empty(), "{rule:?}");
        }
        let places: Vec<usize> = ShowingSource::ALL.iter().map(|source| source.number()).collect();
        assert_eq!(places, (1..=ShowingSource::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn huawei_shows_marketing_in_the_drawer_and_rings_for_services_alone() {
        let marketing = on(Phones::Huawei, |_| {});
        assert_eq!((marketing.shown_in, marketing.alert), (ShownIn::Drawer, Alert::Silent));
        assert_eq!(on(Phones::Huawei, category(VendorCategory::Huawei, "14")), marketing);
        // The category decides: a level makes marketing no louder.
        let loud = on(Phones::Huawei, |classification| {
            category(VendorCategory::Huawei, "14")(classification);
            classification.huawei_level = Some(HuaweiLevel::Normal);
        });
        assert_eq!(loud, marketing);
        let finance = on(Phones::Huawei, category(VendorCategory::Huawei, "9"));
        assert_eq!((finance.shown_in, finance.alert), (ShownIn::LockScreen, Alert::Rings));
        let quiet = on(Phones::Huawei, |classification| {
            category(VendorCategory::Huawei, "9")(classification);
            classification.huawei_level = Some(HuaweiLevel::Low);
        });
        assert_eq!((quiet.shown_in, quiet.alert), (ShownIn::NotKnown, Alert::Silent));
        assert_eq!(on(Phones::Huawei, category(VendorCategory::Huawei, "77")).words, NOT_KNOWN);
    }

    #[test]
    fn each_other_vendor_goes_by_its_own_key() {
        let vivo = |message_type| {
            on(Phones::Vivo, move |classification| classification.vivo_message_type = message_type)
        };
        assert_eq!(vivo(Some(VivoMessageType::Operational)).shown_in, ShownIn::Box);
        assert_eq!(vivo(None), vivo(Some(VivoMessageType::System)));
        assert_eq!(vivo(None).alert, Alert::Rings);
        let oppo = |level| on(Phones::Oppo, move |classification| classification.oppo_level = level);
        assert_eq!(oppo(None).words, DRAWER);
        assert_eq!(oppo(Some(OppoLevel::Bar)).shown_in, ShownIn::Drawer);
        assert_eq!(oppo(Some(OppoLevel::BarAndLockScreen)).alert, Alert::NotKnown);
        assert_eq!(oppo(Some(OppoLevel::Everything)).alert, Alert::Rings);
        assert_eq!(on(Phones::Oppo, category(VendorCategory::Oppo, "IM")).words, NOT_KNOWN);
        assert_eq!(on(Phones::Xiaomi, |_| {}).words, DRAWER);
        let channel =
            on(Phones::Xiaomi, |classification| classification.xiaomi_channel_id = Some("1".to_owned()));
        assert_eq!(channel.alert, Alert::NotKnown);
        let harmonyos = |code| on(Phones::Harmonyos, category(VendorCategory::Harmonyos, code));
        assert_eq!(harmonyos("13"), on(Phones::Harmonyos, |_| {}));
        assert_eq!((harmonyos("12").shown_in, harmonyos("12").alert), (ShownIn::Drawer, Alert::Rings));
        assert!(harmonyos("9").words.contains("an icon and a count"));
        assert_eq!(harmonyos("14").words, NOT_KNOWN);
    }
}
