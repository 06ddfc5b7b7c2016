//! Audiences as written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Who gets a push: exactly one kind of targets, or everyone on a platform.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "audience")]
pub struct AudienceSyntax {
    /// Android device ids: wire `DeliveryType` 1 and `TargetMsgkey`, ten to a request, or `TargetMsg`, a hundred.
    #[schemars(example = ["dev-1", "dev-2"])]
    pub android_devices: Option<TargetsSyntax>,
    /// iOS device ids: wire `DeliveryType` 2 and `TargetMsgkey`, ten to a request, or `TargetMsg`, a hundred.
    #[schemars(example = ["dev-1", "dev-2"])]
    pub ios_devices: Option<TargetsSyntax>,
    /// User ids: wire `DeliveryType` 3 and `TargetMsgkey`, ten to a request, or `TargetMsg`, a hundred.
    #[schemars(example = ["user1024"])]
    pub users: Option<TargetsSyntax>,
    /// Push tokens of iOS Live Activities: wire `DeliveryType` 5 and `TargetMsgkey`, ten to a request.
    #[schemars(example = ["80d0a1b2"])]
    pub live_activity_tokens: Option<TargetsSyntax>,
    /// Activity ids of iOS Live Activities: wire `DeliveryType` 6 and `TargetMsgkey`, ten to a request.
    #[schemars(example = ["delivery-20261215"])]
    pub live_activities: Option<TargetsSyntax>,
    /// HarmonyOS device ids: wire `DeliveryType` 7 and `TargetMsgkey`, ten to a request, or `TargetMsg`, a hundred.
    #[schemars(example = ["dev-1", "dev-2"])]
    pub harmonyos_devices: Option<TargetsSyntax>,
    /// Everyone on a platform, in one `PushBroadcast` request.
    #[schemars(example = serde_json::json!({ "platform": "android", "login": "logged_in", "within": "15d" }))]
    pub broadcast: Option<BroadcastSyntax>,
}

/// Target ids: a list, or a file that lists them.
#[derive(Clone, Debug)]
pub enum TargetsSyntax {
    /// The ids themselves.
    Inline(Vec<String>),
    /// A file with the ids.
    File(TargetFileSyntax),
}

impl<'de> Deserialize<'de> for TargetsSyntax {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetsVisitor)
    }
}

struct TargetsVisitor;

impl<'de> Visitor<'de> for TargetsVisitor {
    type Value = TargetsSyntax;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of target ids, or a mapping with `file`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<TargetsSyntax, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(TargetsSyntax::Inline)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<TargetsSyntax, A::Error> {
        TargetFileSyntax::deserialize(MapAccessDeserializer::new(entries)).map(TargetsSyntax::File)
    }
}

impl JsonSchema for TargetsSyntax {
    fn schema_name() -> Cow<'static, str> {
        "Targets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let file = generator.subschema_for::<TargetFileSyntax>();
        json_schema!({
            "title": "targets",
            "description": "Target ids: a list, or a file that lists them.",
            "anyOf": [
                { "title": "list of ids", "type": "array", "items": { "type": "string" } },
                file,
            ],
        })
    }
}

/// A file of target ids, read as a stream. An id that is listed twice gets one push; empty lines are skipped.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "file of ids")]
pub struct TargetFileSyntax {
    /// Path of the file, relative to this YAML file. One that ends in `.gz` or `.zst` is unpacked while it is read,
    /// unless it is Parquet, which is packed inside.
    #[schemars(length(min = 1), example = &"audiences/vips.csv")]
    pub file: String,
    /// How the file lists its ids. Default: by the ending, that before `.gz` or `.zst`: `.csv`, `.parquet`,
    /// `.jsonl` or `.ndjson`, else one id a line.
    #[serde(default)]
    #[schemars(example = &"csv")]
    pub format: Option<TargetFileFormat>,
    /// The column that holds the ids, as a CSV file's header names it. Required for CSV and Parquet, where it holds
    /// texts or whole numbers.
    #[serde(default)]
    #[schemars(length(min = 1), example = &"user_id")]
    pub column: Option<String>,
    /// The field of each JSON object that holds the id. Required for JSON Lines.
    #[serde(default)]
    #[schemars(length(min = 1), example = &"user_id")]
    pub field: Option<String>,
}

/// How a file lists its target ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetFileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// One id a line.
    Text,
}

impl TargetFileFormat {
    /// Returns the format as YAML writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Text => "text",
        }
    }
}

/// Everyone on a platform.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "broadcast")]
pub struct BroadcastSyntax {
    /// The devices' platform: wire `DeliveryType` 1, 2 or 7.
    #[schemars(example = &"android")]
    pub platform: PlatformSyntax,
    /// Which devices, by log-in: wire `PushStatus` 0, 1 or 2. Default `logged_in`.
    #[serde(default)]
    #[schemars(example = &"logged_in")]
    pub login: Option<LoginSyntax>,
    /// How long ago the user logged in (wire `BindPeriod`, with `logged_in`) or out (wire `UnBindPeriod`,
    /// with `all` and `logged_out`) at most: 1 to 4 on the wire. Required; but API version 2019-08-21 has no
    /// `BindPeriod`, so where all environments have that version, `logged_in` takes none.
    #[serde(default)]
    #[schemars(example = &"15d")]
    pub within: Option<WithinSyntax>,
}

/// The devices' platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlatformSyntax {
    /// Android devices that connect while the message is valid.
    Android,
    /// iOS devices.
    Ios,
    /// HarmonyOS devices.
    Harmonyos,
}

/// Which devices, by log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginSyntax {
    /// Devices with a logged-in user.
    LoggedIn,
    /// Logged-in and logged-out devices.
    All,
    /// Devices whose user logged out.
    LoggedOut,
}

/// A period before the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum WithinSyntax {
    /// 7 days.
    #[serde(rename = "7d")]
    Days7,
    /// 15 days.
    #[serde(rename = "15d")]
    Days15,
    /// 60 days.
    #[serde(rename = "60d")]
    Days60,
    /// However long ago.
    #[serde(rename = "permanent")]
    Permanent,
}
