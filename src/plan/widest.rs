//! How long the values are that a plan does not have.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measure;

/// Stands for a character of a value, and for one that is as wide as two.
const NARROW: &str = "*";
const WIDE: &str = "＊";

/// Most characters that stand for one value: more than any vendor takes. A plan of somebody else's may say any number.
const MASK_CHARS_MAX: u64 = 5000;

/// How long the targets' own values are in the rows that make title and body the widest, by placeholder. No value is in a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WidestDocument {
    /// Those in the title.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({ "name": { "characters": 3, "half_widths": 6 } }))]
    pub title: BTreeMap<String, ValueLengthDocument>,
    /// Those in the body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({ "name": { "characters": 3, "half_widths": 6 } }))]
    pub body: BTreeMap<String, ValueLengthDocument>,
}

/// How long a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueLengthDocument {
    /// Its characters.
    #[schemars(example = 3)]
    pub characters: u64,
    /// Its characters, of which a Chinese one counts for two.
    #[schemars(example = 6)]
    pub half_widths: u64,
}

impl From<Measure> for ValueLengthDocument {
    fn from(measure: Measure) -> Self {
        Self { characters: measure.characters as u64, half_widths: measure.half_widths as u64 }
    }
}

impl ValueLengthDocument {
    /// Returns a text that is as long and as wide as the value.
    pub(super) fn mask(self) -> String {
        let characters = self.characters.min(MASK_CHARS_MAX);
        let wide = self.half_widths.saturating_sub(self.characters).min(characters);
        let times = |count: u64| usize::try_from(count).unwrap_or_default();
        WIDE.repeat(times(wide)) + &NARROW.repeat(times(characters - wide))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_as_long_and_as_wide_as_its_value() {
        for value in ["", "Li", "李小龙", "Li 李", "👩\u{200d}💻"] {
            let masked = Measure::of(&ValueLengthDocument::from(Measure::of(value)).mask());
            let measure = Measure::of(value);
            assert_eq!((masked.characters, masked.half_widths), (measure.characters, measure.half_widths));
        }
        let endless = ValueLengthDocument { characters: u64::MAX, half_widths: u64::MAX };
        assert_eq!(endless.mask().len(), 5000);
        let odd = ValueLengthDocument { characters: 2, half_widths: u64::MAX };
        assert_eq!(odd.mask(), "＊＊");
    }
}
