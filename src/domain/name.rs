//! Names that people give: they appear in message keys, task names, file paths and reports.

use std::fmt;
use std::str::FromStr;

const LEN_MAX_BYTES: usize = 64;

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not 1 to 64 letters, digits, `-`, `_` or `.` that start with a letter or digit")]
pub struct InvalidName(pub String);

fn check(text: &str) -> Result<Box<str>, InvalidName> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let shaped = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if starts_well && shaped && text.len() <= LEN_MAX_BYTES {
        Ok(text.into())
    } else {
        Err(InvalidName(text.to_owned()))
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 64 bytes of ASCII letters, digits, `-`, `_` and `.`, starting with a letter or digit.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Box<str>);

        impl $type {
            /// Returns the name as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check(text).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The project, part of every message key.
    ProjectName
}
name! {
    /// One mPaaS app, workspace, endpoint and ledger, as the project file names it.
    EnvironmentName
}
name! {
    /// A campaign's stable name; history hangs on it.
    CampaignId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_break_a_key_or_a_path_are_refused() {
        for bad in ["", "-x", ".", "a b", "a/b", "a#1", "a@1", "发薪", "a\n", &"x".repeat(65)] {
            assert_eq!(bad.parse::<CampaignId>(), Err(InvalidName(bad.to_owned())), "{bad:?}");
        }
        for good in ["a", "payday-2026-12", "beta_phones", "v1.2", &"x".repeat(64)] {
            assert_eq!(good.parse::<CampaignId>().unwrap().as_str(), good);
        }
    }
}
