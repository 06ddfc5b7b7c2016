//! Takes secrets out of texts.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

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

/// Returns a text with what may be a secret of each address in it hidden, byte for byte: every other place stays where it is. That
/// is whoever asks and a password, and the values of parameters that are called as secrets are; in the address of a store, or what
/// was meant as one, the values of all that are not known.
///
/// # Panics
///
/// Never: whole characters are hidden.
#[must_use]
pub fn without_secrets_of_addresses(text: &str) -> Cow<'_, str> {
    let mut hidden: Vec<Range<usize>> = Vec::new();
    for (scheme_end, _) in text.match_indices("://") {
        let start = scheme_end + 3;
        let address = &text[start..end_of_address(text, start)];
        let is_of_postgres =
            ["postgres", "postgresql"].iter().any(|scheme| text[..scheme_end].ends_with(scheme));
        let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
        if let Some(at) = authority.rfind('@') {
            // Its name is a role there, and may be a key anywhere else.
            let from = if is_of_postgres { authority.find(':').map_or(at, |colon| colon + 1) } else { 0 };
            hidden.push(start + from.min(at)..start + at);
        }
        hidden.extend(values(address, |name, _| is_named_as_secret(name)).map(|range| shifted(range, start)));
    }
    for start in stores(text) {
        let address = &text[start..end_of_address(text, start)];
        let rest =
            address.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim_start_matches([':', '/']);
        let is_of_postgres = address.starts_with("postgres");
        let before = address.len() - rest.len();
        // A secret may have any character; of a parameter's value, `values` says.
        let query = rest.find('?').unwrap_or(rest.len());
        let at = rest.rfind('@').filter(|at| *at < query || !rest[query..*at].contains('='));
        if let Some(at) = at.or_else(|| rest[..query].rfind('@')) {
            let from = if is_of_postgres { rest[..at].find(':').map(|colon| colon + 1) } else { Some(0) };
            hidden.extend(from.map(|from| shifted(before + from..before + at, start)));
        }
        let is_hidden = |name: &str, value: &str| !PARAMETERS.contains(&name) || value.contains(['%', '@']);
        hidden.extend(values(address, is_hidden).map(|range| shifted(range, start)));
    }
    // Another way of libpq's to write one.
    for (at, word) in text.match_indices("password=") {
        let start = at + word.len();
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '}' | '&');
        hidden.push(start..start + text[start..].find(is_end).unwrap_or(text.len() - start));
    }
    hidden.retain(|range| !range.is_empty());
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    let hide =
        |(at, byte): (usize, u8)| if hidden.iter().any(|range| range.contains(&at)) { b'*' } else { byte };
    let bytes = text.bytes().enumerate().map(hide).collect();
    Cow::Owned(String::from_utf8(bytes).expect("whole characters are hidden"))
}

/// Parameters of a ledger's address; none of them is a secret.
const PARAMETERS: [&str; 7] =
    ["region", "endpoint", "addressing", "ledger", "schema", "sslmode", "sslrootcert"];

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

fn end_of_address(text: &str, start: usize) -> usize {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '}' | '<' | '>');
    start + text[start..].find(is_end).unwrap_or(text.len() - start)
}

/// Finds where the address of a store begins, or what was meant as one: `s3:…`, `s3//…`.
fn stores(text: &str) -> impl Iterator<Item = usize> {
    let begins = |at: usize, scheme: &str| {
        let is_word = text[..at].chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric());
        let rest = &text[at + scheme.len()..];
        // A key of YAML is followed by a space.
        let is_key = rest
            .strip_prefix(':')
            .is_some_and(|rest| rest.starts_with(char::is_whitespace) || rest.is_empty());
        is_word && (rest.starts_with(':') || rest.starts_with("//")) && !is_key
    };
    let of = move |scheme: &'static str| {
        text.match_indices(scheme).map(|(at, _)| at).filter(move |at| begins(*at, scheme))
    };
    ["postgres", "postgresql", "s3", "oss"].into_iter().flat_map(of)
}

/// Finds the values of an address's parameters that `is_hidden` says may be a secret.
fn values(address: &str, is_hidden: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = Range<usize>> {
    address.match_indices(['?', '&']).filter_map(move |(at, _)| {
        let parameter = &address[at + 1..];
        let parameter = &parameter[..parameter.find(['&', '#']).unwrap_or(parameter.len())];
        let (name, value) = parameter.split_once('=')?;
        let start = at + 1 + name.len() + 1;
        is_hidden(name, value).then_some(start..start + value.len())
    })
}

/// Whether a parameter's name says that its value is a secret.
pub(super) fn is_named_as_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "key", "signature", "credential"]
        .into_iter()
        .any(|word| name.contains(word))
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

    #[test]
    fn an_address_is_shown_without_its_password_and_of_the_same_length() {
        for (address, shown) in [
            ("a: postgres://me:hunter2é@db/x", "a: postgres://me:*********@db/x"),
            ("{ l: s3://b?region=a&secret=hunter2, x: 1 }", "{ l: s3://b?region=a&secret=*******, x: 1 }"),
            (
                "\"https://u:p@h/?token=a&b=c\" https://h/a:b@c",
                "\"https://***@h/?token=*&b=c\" https://h/a:b@c",
            ),
            ("https://h/?X-Amz-Signature=ab&utm=x", "https://h/?X-Amz-Signature=**&utm=x"),
            ("ledger: s3://b/x?region=a&foo=hunter2#x", "ledger: s3://b/x?region=a&foo=*******#x"),
            (
                "'oss://b?region=a&endpoint=https%3A%2F%2Fk:s@h'",
                "'oss://b?region=a&endpoint=*******************'",
            ),
            ("l: s3://b?endpoint=https://key:hunter2@h", "l: s3://b?endpoint=*********************"),
            ("postgres://me:hun?ter2@db/x", "postgres://me:********@db/x"),
            ("s3:acme:hunter2@b", "s3:************@b"),
            ("s3//k:hun/ter2@b/x", "s3//**********@b/x"),
            ("l: s3:/k@b", "l: s3:/*@b"),
            (
                "postgresql:me:hun:ter2@db/x?application_name=y",
                "postgresql:me:********@db/x?application_name=*",
            ),
            ("oss: true, s3: a@b, across3:a@b", "oss: true, s3: a@b, across3:a@b"),
            ("postgres:/me:hunter2@db", "postgres:/me:*******@db"),
            ("host=db password=hunter2 user=me", "host=db password=******* user=me"),
        ] {
            assert_eq!(without_secrets_of_addresses(address), shown);
            assert_eq!(address.len(), shown.len());
        }
        assert!(matches!(
            without_secrets_of_addresses("postgres://me@db/x?sslmode=disable"),
            Cow::Borrowed(_)
        ));
    }
}
