//! Templates as written.

use schemars::JsonSchema;
use serde::Deserialize;

/// A message template. The text lives in mPaaS under its `name`; title and body mirror it here for review.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "template")]
pub struct TemplateSyntax {
    /// Name of the template in the mPaaS console: wire `TemplateName`. At most 200 characters, no comma.
    #[schemars(example = &"Test_Template_With_Placeholders")]
    pub name: String,
    /// The title, with `#placeholder#`s. A push with a longer title than a phone vendor allows fails there:
    /// Xiaomi 50 characters, Huawei 40, OPPO 32, Honor and HarmonyOS 30 and vivo 20 Chinese characters.
    #[schemars(example = &"Hello #name#")]
    pub title: String,
    /// The body, with `#placeholder#`s. A push with a longer body than a phone vendor allows fails there:
    /// Xiaomi 128 characters, Huawei 1024, OPPO 200, Honor and HarmonyOS 2048 and vivo 50 Chinese characters.
    #[schemars(example = &"Congratulations on winning #money# USD")]
    pub body: String,
}
