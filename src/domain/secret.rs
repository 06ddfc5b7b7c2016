//! Values that must never reach a log, a report or a file.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A text that cannot print and is wiped from memory when dropped.
///
/// ```
/// use campaignctl::domain::Secret;
/// assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret(…)");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// Returns the text, for signing and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What signs a request.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key's id: it names the key in every request and is no secret to the vendor, but is kept out of output.
    pub access_key_id: Secret,
    /// The access key's secret: signs, and never leaves the process.
    pub access_key_secret: Secret,
    /// The token of temporary (STS) credentials.
    pub security_token: Option<Secret>,
}
