//! How the tool was called: a command that it prints repeats what says which ledger is meant.

use crate::render::text;

/// The options that choose a workspace and an environment, as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    directory: Option<String>,
    environment: Option<String>,
}

impl Caller {
    /// Takes the values of `-C` and `-e`, where they were given.
    #[must_use]
    pub fn new(directory: Option<&str>, environment: Option<&str>) -> Self {
        Self { directory: directory.map(str::to_owned), environment: environment.map(str::to_owned) }
    }

    /// Returns one that names this environment.
    #[must_use]
    pub fn with_environment(&self, environment: &str) -> Self {
        Self { environment: Some(environment.to_owned()), ..self.clone() }
    }

    /// The options, each with a space before it.
    fn options(&self) -> String {
        let given = [("-C", &self.directory), ("-e", &self.environment)];
        let given = given.into_iter().filter_map(|(option, value)| Some((option, value.as_ref()?)));
        given.map(|(option, value)| [" ", option, " ", &word(value)].concat()).collect()
    }

    /// Returns the command line of a command, such as `doubt list`.
    #[must_use]
    pub fn command(&self, command: &str) -> String {
        format!("campaignctl{} {command}", self.options())
    }

    /// Completes the commands in a text of the tool's own: what follows a backtick and `campaignctl`.
    #[must_use]
    pub fn spell(&self, text: &str) -> String {
        text.replace("`campaignctl ", &format!("`campaignctl{} ", self.options()))
    }
}

/// Returns a text as one word of a command line.
#[must_use]
pub fn word(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", text::plain(value).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_repeated_and_nothing_else() {
        let text = "see `campaignctl plan`, and commit `campaignctl.lock`";
        assert_eq!(Caller::new(None, None).spell(text), text);
        let caller = Caller::new(Some("a b/it's"), Some("test"));
        assert_eq!(
            caller.spell(text),
            r"see `campaignctl -C 'a b/it'\''s' -e test plan`, and commit `campaignctl.lock`"
        );
        assert_eq!(Caller::new(Some("work/x"), None).command("plan"), "campaignctl -C work/x plan");
    }
}
