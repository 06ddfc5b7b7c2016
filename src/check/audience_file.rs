//! Rules about audience files, as far as YAML tells of them. Nothing is opened here.

use std::path::Path;
use std::sync::Arc;

use crate::check::AudienceSource;
use crate::check::declaration::Declaration;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::TargetKind;
use crate::load::model::{AudienceSyntax, TargetFileFormat, TargetFileSyntax};
use crate::load::targets::{Limits, TargetFile, content_ending, packed_ending};

/// Endings of files that hold ids in a way that nobody reads line by line, and that are no text by default.
const ENDINGS_NOT_TEXT: [&str; 12] =
    ["json", "xls", "xlsx", "ods", "avro", "tsv", "zip", "bz2", "xz", "7z", "yaml", "yml"];

/// Applies the rules of an audience that is in a file.
pub(super) fn file_source(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    kind: TargetKind,
    syntax: &TargetFileSyntax,
) -> Option<AudienceSource> {
    let key = kind.as_str();
    let format = audience_file_format(out, declaration, key, syntax)?;
    packed_parquet(out, declaration, key, (format, syntax))?;
    let column_or_field = audience_file_keys(out, declaration, key, (format, syntax))?;
    let relative = Path::new(&syntax.file);
    let file = TargetFile {
        path: declaration.directory().join(relative),
        boundary: Arc::clone(declaration.boundary()),
        shown_as: shown_as(declaration.shown_path(), &syntax.file),
        format,
        column_or_field,
        value_columns: Vec::new(),
        limits: Limits::default(),
    };
    Some(AudienceSource::File { kind, file, named_at: declaration.value(&[key, "file"]) })
}

/// Whether a file has names for what stands in its lines; not so one id a line.
pub(super) fn has_columns(syntax: &TargetFileSyntax) -> bool {
    match syntax.format {
        Some(format) => format != TargetFileFormat::Text,
        // Of an ending that is no text, the rule on formats has said enough.
        None => content_ending(Path::new(&syntax.file)).is_some_and(|ending| {
            ["csv", "jsonl", "ndjson", "parquet"].contains(&ending.as_str())
                || ENDINGS_NOT_TEXT.contains(&ending.as_str())
        }),
    }
}

/// Returns the path of an audience file as a person in the directory of the command would type it.
fn shown_as(yaml_file: &str, audience_file: &str) -> String {
    let audience_file = audience_file.strip_prefix("./").unwrap_or(audience_file);
    match yaml_file.rsplit_once('/') {
        Some((directory, _)) if !Path::new(audience_file).is_absolute() => {
            format!("{directory}/{audience_file}")
        }
        _ => audience_file.to_owned(),
    }
}

/// `audience-file`: the format is what is written, or what the ending says.
fn audience_file_format(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    key: &str,
    syntax: &TargetFileSyntax,
) -> Option<TargetFileFormat> {
    if let Some(format) = syntax.format {
        return Some(format);
    }
    let ending = content_ending(Path::new(&syntax.file));
    match ending.as_deref() {
        Some("csv") => Some(TargetFileFormat::Csv),
        Some("jsonl" | "ndjson") => Some(TargetFileFormat::Jsonl),
        Some("parquet") => Some(TargetFileFormat::Parquet),
        Some(ending) if ENDINGS_NOT_TEXT.contains(&ending) => {
            let message = format!("a `.{ending}` file is not a list of ids, one per line");
            out.push(
                Diagnostic::error(Code::AudienceFile, declaration.value(&[key, "file"]), message)
                    .help("export it as CSV, JSON Lines or Parquet, or set `format` to what it is"),
            );
            None
        }
        _ => Some(TargetFileFormat::Text),
    }
}

/// `audience-file`: a Parquet file is read from its end, which a packed one does not show.
fn packed_parquet(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    key: &str,
    (format, syntax): (TargetFileFormat, &TargetFileSyntax),
) -> Option<()> {
    let ending = packed_ending(Path::new(&syntax.file)).filter(|_| format == TargetFileFormat::Parquet);
    let Some(ending) = ending else { return Some(()) };
    let message = format!("a Parquet file is packed inside: it cannot be read as `.{ending}`");
    out.push(
        Diagnostic::error(Code::AudienceFile, declaration.value(&[key, "file"]), message)
            .help("unpack it, and let its writer compress its columns, for example with zstd"),
    );
    None
}

/// `audience-file`: CSV and Parquet need `column`, JSON Lines need `field`, and a key that the format ignores is a slip.
/// Returns the name of the column or field; the outer nothing is a mistake.
#[allow(clippy::option_option, reason = "a text file soundly has neither column nor field")]
fn audience_file_keys(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    key: &str,
    (format, syntax): (TargetFileFormat, &TargetFileSyntax),
) -> Option<Option<String>> {
    let (kind_of_file, needed) = match format {
        TargetFileFormat::Csv => ("a CSV file", Some("column")),
        TargetFileFormat::Jsonl => ("a JSON Lines file", Some("field")),
        TargetFileFormat::Parquet => ("a Parquet file", Some("column")),
        TargetFileFormat::Text => ("a text file", None),
    };
    let mut name = None;
    let mut is_sound = true;
    for (given, value) in [("column", &syntax.column), ("field", &syntax.field)] {
        if needed == Some(given) {
            name.clone_from(value);
        } else if value.is_some() {
            let message = format!("{kind_of_file} has no `{given}`");
            let help = match needed {
                Some(needed) if syntax.column.is_none() || syntax.field.is_none() => {
                    format!("write `{needed}`")
                }
                Some(_) => "remove it".to_owned(),
                None => format!("remove `{given}`, or set `format` to what the file is"),
            };
            out.push(
                Diagnostic::error(Code::AudienceFile, declaration.key(&[key, given]), message).help(help),
            );
            is_sound = false;
        }
    }
    if let (Some(needed), None, true) = (needed, &name, is_sound) {
        let message = format!("{kind_of_file} needs `{needed}`: which one holds the ids");
        out.push(
            Diagnostic::error(Code::AudienceFile, declaration.value(&[key, "file"]), message)
                .help(format!("add it, for example `{needed}: user_id`")),
        );
        is_sound = false;
    }
    is_sound.then_some(name)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign_to, diagnose};

    fn audience(audience: &str) -> String {
        diagnose(&campaign_to(audience, ""))
    }

    #[test]
    fn a_file_says_where_its_ids_are() {
        for sound in [
            "{ file: a.csv, column: id }",
            "{ file: a.CSV, column: id }",
            "{ file: a.jsonl, field: id }",
            "{ file: a.ndjson, field: id }",
            "{ file: a.txt }",
            "{ file: a.parquet, column: id }",
            "{ file: a.dump, format: parquet, column: id }",
            "{ file: ids }",
            "{ file: a.dump, format: csv, column: id }",
            "{ file: a.json, format: jsonl, field: id }",
        ] {
            assert_eq!(audience(&format!("users: {sound}")), "", "{sound}");
        }
        insta::assert_snapshot!(audience("users: { file: a.csv }"), @r"
        a.yaml:2:34 audience-file: a CSV file needs `column`: which one holds the ids
            = add it, for example `column: user_id`
        ");
        insta::assert_snapshot!(audience("users: { file: a.jsonl, column: id }"), @r"
        a.yaml:2:43 audience-file: a JSON Lines file has no `column`
            = write `field`
        ");
        insta::assert_snapshot!(audience("users: { file: a.csv, column: id, field: id }"), @r"
        a.yaml:2:53 audience-file: a CSV file has no `field`
            = remove it
        ");
        insta::assert_snapshot!(audience("users: { file: a.txt, column: id }"), @r"
        a.yaml:2:41 audience-file: a text file has no `column`
            = remove `column`, or set `format` to what the file is
        ");
        insta::assert_snapshot!(audience("users: { file: a.parquet, field: id }"), @r"
        a.yaml:2:45 audience-file: a Parquet file has no `field`
            = write `column`
        ");
        insta::assert_snapshot!(audience("users: { file: a.parquet.GZ, column: id }"), @r"
        a.yaml:2:34 audience-file: a Parquet file is packed inside: it cannot be read as `.gz`
            = unpack it, and let its writer compress its columns, for example with zstd
        ");
        insta::assert_snapshot!(audience("users: { file: a.xlsx }"), @r"
        a.yaml:2:34 audience-file: a `.xlsx` file is not a list of ids, one per line
            = export it as CSV, JSON Lines or Parquet, or set `format` to what it is
        ");
    }
}
