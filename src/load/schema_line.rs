//! The comment that tells an editor which schema a file has: `# yaml-language-server: $schema=…`.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Place, Source};

const MARK: &str = "yaml-language-server:";
const KEY: &str = "$schema=";

/// What a file is, as far as its schema goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Project,
    Campaigns,
}

impl Kind {
    fn file_name(self) -> &'static str {
        match self {
            Self::Project => "project.schema.json",
            Self::Campaigns => "campaign.schema.json",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Project => Self::Campaigns,
            Self::Campaigns => Self::Project,
        }
    }
}

/// Whether a file says which schema it has.
pub(super) fn is_there(source: &Source) -> bool {
    find(source.text()).is_some()
}

/// Returns what is wrong with the schema that a file names. That it names none is a mistake only where it
/// `must`: editors can also be told by other means.
pub(super) fn mistake(source: &Arc<Source>, directory: &Path, kind: Kind, must: bool) -> Option<Diagnostic> {
    let Some((range, target)) = find(source.text()) else {
        let line = format!("add `# {MARK} {KEY}PATH/{}` as the first line", kind.file_name());
        return must.then(|| {
            let message = "the project file tells editors its schema, and this file does not";
            Diagnostic::warning(Code::SchemaLine, Place::file(source.path()), message).help(line)
        });
    };
    let warn =
        |message: String| Diagnostic::warning(Code::SchemaLine, Place::span(source, range.clone()), message);
    if target.ends_with(kind.other().file_name()) {
        let right = target.replace(kind.other().file_name(), kind.file_name());
        return Some(
            warn(format!("this is the schema of another kind of file: `{target}`"))
                .help(format!("write `{KEY}{right}`")),
        );
    }
    let is_address = target.contains("://");
    if !is_address && !directory.join(target).is_file() {
        return Some(warn(format!("there is no schema at `{target}`")).help(
            "the path is relative to this file; write the schemas with `campaignctl schema --out DIR`",
        ));
    }
    None
}

/// Finds the schema in the comments that a file begins with.
fn find(text: &str) -> Option<(std::ops::Range<usize>, &str)> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let comment = line.trim();
        if !comment.is_empty() && !comment.starts_with('#') && comment != "---" {
            return None;
        }
        if comment.contains(MARK)
            && let Some(at) = line.find(KEY)
        {
            let target = line[at + KEY.len()..].split_whitespace().next().unwrap_or_default();
            let start = offset + at + KEY.len();
            return Some((start..start + target.len(), target));
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, kind: Kind, must: bool) -> String {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("schema")).unwrap();
        for kind in [Kind::Project, Kind::Campaigns] {
            std::fs::write(directory.path().join("schema").join(kind.file_name()), "{}").unwrap();
        }
        let source = Source::new("a.yaml".to_owned(), text.to_owned());
        mistake(&source, directory.path(), kind, must).map(|found| found.message).unwrap_or_default()
    }

    #[test]
    fn a_line_that_leads_to_the_right_schema_is_right() {
        let line = "# yaml-language-server: $schema=schema/campaign.schema.json\r\na: 1\n";
        assert_eq!(said(line, Kind::Campaigns, true), "");
        let later = format!("\n# who: ann\n---\n{line}");
        assert_eq!(said(&later, Kind::Campaigns, true), "");
        let elsewhere = "# yaml-language-server: $schema=https://example.com/c.json";
        assert_eq!(said(elsewhere, Kind::Campaigns, true), "");
    }

    #[test]
    fn a_line_that_leads_nowhere_or_to_another_schema_is_said() {
        let line = "# yaml-language-server: $schema=schema/campaign.schema.json\n";
        assert!(said(line, Kind::Project, false).contains("another kind of file"));
        let line = "# yaml-language-server: $schema=../schema/campaign.schema.json\n";
        assert!(said(line, Kind::Campaigns, false).contains("there is no schema at"));
    }

    #[test]
    fn without_a_line_only_those_that_must_have_one_are_told() {
        assert_eq!(said("a: 1\n", Kind::Campaigns, false), "");
        assert!(said("a: 1\n", Kind::Campaigns, true).contains("this file does not"));
        // Behind the first key it is no modeline any more.
        let late = "a: 1\n# yaml-language-server: $schema=schema/campaign.schema.json\n";
        assert!(said(late, Kind::Campaigns, true).contains("this file does not"));
    }
}
