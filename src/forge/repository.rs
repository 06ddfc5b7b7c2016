//! A repository as a forge's addresses name it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::forge::Forge;

/// All that has a meaning in a path is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns a text as one segment of a path.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A repository of a forge: `OWNER/NAME`, of GitLab also a number, of Codeup `ORGANIZATION/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    name: String,
    /// As it stands in the path of an address.
    pub(super) in_path: String,
    /// Codeup's organization; empty elsewhere.
    pub(super) organization: String,
}

/// Why a text names no repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` names no repository of {forge}: {form}")]
pub struct InvalidRepository {
    name: String,
    forge: Forge,
    form: &'static str,
}

impl Repository {
    /// Takes the name of a repository.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRepository`] for what would lead to another address than a repository's.
    pub fn new(forge: Forge, name: &str) -> Result<Self, InvalidRepository> {
        let segments: Vec<&str> = name.split('/').collect();
        let is_segment = |segment: &&str| {
            let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !segment.is_empty() && !matches!(*segment, "." | "..") && segment.chars().all(is_letter)
        };
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let (is_right, form) = match forge {
            Forge::GitHub | Forge::Gitee => (segments.len() == 2, "write `OWNER/NAME`"),
            Forge::GitLab => (segments.len() >= 2 || is_number, "write its number, or `GROUP/NAME`"),
            Forge::Codeup => (segments.len() >= 2, "write `ORGANIZATION/NUMBER`, or `ORGANIZATION/PATH`"),
        };
        if !is_right || !segments.iter().all(is_segment) {
            return Err(InvalidRepository { name: name.to_owned(), forge, form });
        }
        let in_path = match (forge, segments.as_slice()) {
            (Forge::GitHub | Forge::Gitee, _) => name.to_owned(),
            (Forge::Codeup, [_, id]) if id.bytes().all(|byte| byte.is_ascii_digit()) => (*id).to_owned(),
            (Forge::GitLab | Forge::Codeup, _) => encoded(name),
        };
        let organization = if forge == Forge::Codeup { segments[0].to_owned() } else { String::new() };
        Ok(Self { name: name.to_owned(), in_path, organization })
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_repository_and_nowhere_else() {
        let in_path = |forge, name: &str| Repository::new(forge, name).map(|repository| repository.in_path);
        for (forge, name, path) in [
            (Forge::GitHub, "acme/push", "acme/push"),
            (Forge::Gitee, "acme/push.io", "acme/push.io"),
            (Forge::GitLab, "42", "42"),
            (Forge::GitLab, "acme/marketing/push", "acme%2Fmarketing%2Fpush"),
            (Forge::Codeup, "60de7a68/2813489", "2813489"),
            (Forge::Codeup, "60de7a68/demo", "60de7a68%2Fdemo"),
        ] {
            assert_eq!(in_path(forge, name).as_deref(), Ok(path), "{name}");
        }
        for forge in [Forge::GitHub, Forge::GitLab, Forge::Gitee, Forge::Codeup] {
            for name in
                ["", "acme", "acme/", "/push", "../user", "acme/..", "a/b?c", "a/b#c", "a/b%2Fc", "a b/c"]
            {
                assert!(in_path(forge, name).is_err(), "{forge}: {name}");
            }
        }
        assert!(in_path(Forge::GitHub, "a/b/c").is_err());
        assert!(in_path(Forge::GitHub, "42").is_err());
    }
}
