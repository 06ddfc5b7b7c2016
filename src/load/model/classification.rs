//! Classifications as written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::domain::VendorCategory;

/// How each phone vendor shall treat a message. What is absent is left to the vendor.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "classification")]
pub struct ClassificationSyntax {
    /// Huawei phones: wire key `hms`.
    #[schemars(example = serde_json::json!({ "category": "finance", "level": "normal" }))]
    pub huawei: Option<HuaweiSyntax>,
    /// Honor phones: wire key `honor`.
    #[schemars(example = serde_json::json!({ "category": "1" }))]
    pub honor: Option<CategoryOnlySyntax>,
    /// HarmonyOS devices: wire key `harmonyos`. Its codes differ from Huawei's from 11 on.
    #[schemars(example = serde_json::json!({ "category": "finance" }))]
    pub harmonyos: Option<CategoryOnlySyntax>,
    /// vivo phones: wire key `vivo`.
    #[schemars(example = serde_json::json!({ "message_type": "system", "category": "im" }))]
    pub vivo: Option<VivoSyntax>,
    /// OPPO phones: wire key `oppo`.
    #[schemars(example = serde_json::json!({ "level": 2 }))]
    pub oppo: Option<OppoSyntax>,
    /// Xiaomi phones: wire key `miui`.
    #[schemars(example = serde_json::json!({ "channel_id": "123321" }))]
    pub xiaomi: Option<XiaomiSyntax>,
    /// Every Android phone.
    #[schemars(example = serde_json::json!({ "channel_id": "payments" }))]
    pub android: Option<AndroidSyntax>,
}

/// A category alone.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "category")]
pub struct CategoryOnlySyntax {
    /// The message's category, a known name or the vendor's own code as a string: wire `ThirdChannelCategory`.
    #[schemars(example = &"9")]
    pub category: Option<CategorySyntax>,
}

/// How Huawei phones treat the message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "huawei")]
pub struct HuaweiSyntax {
    /// The message's category, a known name or Huawei's own code as a string: wire `ThirdChannelCategory` `hms`.
    #[schemars(extend("examples" = huawei_categories()))]
    pub category: Option<CategorySyntax>,
    /// How the phone announces it: wire `NotifyLevel` `hms`, 1 for `low`, 2 for `normal`.
    #[schemars(example = &"normal")]
    pub level: Option<HuaweiLevelSyntax>,
}

/// How a Huawei phone announces a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HuaweiLevelSyntax {
    /// Silently.
    Low,
    /// With sound and vibration.
    Normal,
}

/// How vivo phones treat the message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "vivo")]
pub struct VivoSyntax {
    /// vivo's message type: wire `Classification`, 0 for `operational`, 1 for `system` (the vendor's default).
    #[schemars(example = &"system")]
    pub message_type: Option<VivoMessageTypeSyntax>,
    /// The message's category, a known name or vivo's own code as a string: wire `ThirdChannelCategory` `vivo`.
    #[schemars(example = &"im", example = &"1")]
    pub category: Option<CategorySyntax>,
}

/// vivo's message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VivoMessageTypeSyntax {
    /// Marketing and other operational messages: limited in number.
    Operational,
    /// System messages.
    System,
}

/// How OPPO phones treat the message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "oppo")]
pub struct OppoSyntax {
    /// The message's category, OPPO's own code as a string: wire `ThirdChannelCategory` `oppo`.
    #[schemars(example = &"IM")]
    pub category: Option<CategorySyntax>,
    /// How the phone announces it: wire `NotifyLevel` `oppo`. 1 notification bar, 2 bar and lock screen,
    /// 16 bar, lock screen, banner, vibration and ring (1 and 16 are OPPO's numbers, not on an mPaaS page).
    #[schemars(extend("enum" = [1, 2, 16]), example = 2)]
    pub level: Option<u64>,
}

/// How Xiaomi phones treat the message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "xiaomi")]
pub struct XiaomiSyntax {
    /// The message's category, Xiaomi's own code as a string: wire `ThirdChannelCategory` `miui`.
    #[schemars(example = &"1")]
    pub category: Option<CategorySyntax>,
    /// Xiaomi's channel: wire `MiChannelId`.
    #[schemars(length(min = 1), example = &"123321")]
    pub channel_id: Option<String>,
}

/// How every Android phone treats the message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "android")]
pub struct AndroidSyntax {
    /// The app's notification channel on Android: wire `ChannelId`.
    #[schemars(length(min = 1), example = &"payments")]
    pub channel_id: Option<String>,
}

/// Lists the names, so that editors offer them, and one code.
fn huawei_categories() -> Vec<&'static str> {
    VendorCategory::Huawei.names().iter().copied().chain(["9"]).collect()
}

/// A category: a known name, or the vendor's own code as a string.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct CategorySyntax(pub String);

impl JsonSchema for CategorySyntax {
    fn schema_name() -> Cow<'static, str> {
        "Category".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "category",
            "description": "A known name, or the vendor's own code as a string.",
            "type": "string",
            "minLength": 1,
        })
    }
}
