//! Where everything in a file stands, when somebody asks.

use std::sync::{Arc, OnceLock};

use crate::diagnostic::{Place, Source};
use crate::load::yaml::{self, Tree};

/// The places of a file that was read. Most files have nothing to say of them, so the text is read once more when the
/// first place is asked for.
#[derive(Debug)]
pub struct Places {
    source: Arc<Source>,
    tree: OnceLock<Option<Box<Tree>>>,
}

impl Places {
    /// Takes a text.
    pub(super) fn of(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), tree: OnceLock::new() }
    }

    /// Returns the file's text.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Returns the same as [`Document::value`](crate::load::Document::value).
    #[must_use]
    pub fn value(&self, path: &[&str]) -> Place {
        Place::span(&self.source, self.tree().map_or(0..0, |tree| tree.value_range(path)))
    }

    /// Returns the same as [`Document::key`](crate::load::Document::key).
    #[must_use]
    pub fn key(&self, path: &[&str]) -> Place {
        Place::span(&self.source, self.tree().map_or(0..0, |tree| tree.key_range(path)))
    }

    fn tree(&self) -> Option<&Tree> {
        let read = || Some(Box::new(yaml::read(&self.source).0?.tree));
        self.tree.get_or_init(read).as_deref()
    }
}

#[cfg(test)]
mod tests {
    use crate::load::model::CampaignFile;
    use crate::load::parse;
    use crate::schema::shapes;

    #[test]
    fn a_place_is_the_same_when_the_text_is_read_again() {
        let plain = "templates:\n  t: { name: T, title: Title, body: Body }\n";
        let shared =
            "templates:\n  t: &t { name: T, title: Title, body: \"B\\n\" }\n  u: { <<: *t, body: b }\n";
        let broken =
            "templates:\n  t: { name: T, title: Title }\n  u: { name: T, title: Title, body: Body }\n";
        for text in [plain, shared, broken] {
            let (document, _) = parse::<CampaignFile>("a.yaml", text, &shapes().campaign);
            let document = document.unwrap();
            let places = document.places();
            for path in
                [&["templates", "t"][..], &["templates", "u", "title"], &["templates", "u", "body"], &["x"]]
            {
                assert_eq!(places.value(path), document.value(path), "{text} {path:?}");
                assert_eq!(places.key(path), document.key(path), "{text} {path:?}");
            }
        }
    }
}
