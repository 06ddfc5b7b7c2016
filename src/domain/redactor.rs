//! Takes secrets out of texts.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use memchr::memchr;

use crate::domain::{Credentials, Secret};

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// Shortest text that is taken for a secret: shorter ones stand in words that are none.
const SECRET_BYTES_MIN: usize = 8;

/// The texts that must not be printed.
#[derive(Clone, Default)]
pub struct Redactor {
    /// In every form in which they may come, the longest first.
    forms: Vec<Secret>,
}

impl Redactor {
    /// Takes the secrets; those of less than 8 bytes are left out.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let secrets = secrets.into_iter().map(|secret| secret.trim().to_owned());
        let mut forms: Vec<String> = secrets
            .filter(|secret| secret.len() >= SECRET_BYTES_MIN)
            .flat_map(|secret| forms(&secret))
            .collect();
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self { forms: forms.into_iter().map(Secret::new).collect() }
    }

    /// Returns a text without the secrets.
    #[must_use]
    pub fn redact<'text>(&self, text: &'text str) -> Cow<'text, str> {
        let mut text = Cow::Borrowed(text);
        for form in self.forms.iter().map(Secret::expose) {
            // Most texts are short and without even its first byte.
            if memchr(form.as_bytes()[0], text.as_bytes()).is_some() && text.contains(form) {
                text = Cow::Owned(text.replace(form, REDACTED));
            }
        }
        text
    }

    /// Returns the place of the first secret in a text, in bytes.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<usize> {
        self.forms.iter().filter_map(|form| text.find(form.expose())).min()
    }
}

impl From<&Credentials> for Redactor {
    fn from(credentials: &Credentials) -> Self {
        let Credentials { access_key_id, access_key_secret, security_token } = credentials;
        let secrets = [Some(access_key_secret), Some(access_key_id), security_token.as_ref()];
        Self::new(secrets.into_iter().flatten().map(|secret| secret.expose().to_owned()))
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Redactor({} forms)", self.forms.len())
    }
}

/// Returns a secret as it is, as JSON has it, as an address has it, and as a string to sign has it: encoded twice.
fn forms(secret: &str) -> Vec<String> {
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/");
    let plain_json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    let mut encoded = String::new();
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let lower = encoded.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d");
    let twice = encoded.replace('%', "%25");
    vec![secret.to_owned(), json, plain_json, encoded, lower, twice]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form_and_a_short_text_is_none() {
        let redactor = Redactor::new(["s3cr\"et+/value=".to_owned(), "short".to_owned()]);
        for text in [
            "s3cr\"et+/value=",
            "s3cr\\\"et+/value=",
            "s3cr%22et%2B%2Fvalue%3D",
            "s3cr%2522et%252B%252Fvalue%253D",
        ] {
            assert_eq!(redactor.redact(&format!("a {text} b short")), "a [redacted] b short");
            assert_eq!(redactor.find(&format!("ab{text}")), Some(2));
        }
        assert_eq!(format!("{redactor:?}").find("s3cr"), None);
        assert_eq!(Redactor::default().redact("x"), "x");
    }
}
