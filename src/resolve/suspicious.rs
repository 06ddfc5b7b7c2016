//! `suspicious-id`, `suspicious-value`, `audience-format` and `foreign-placeholder` over all rows of a file: a warning of
//! each kind, with how many rows it is about and the first of them. Nothing of a row is quoted.

use crate::check::{ForeignPlaceholder, Suspicion};
use crate::diagnostic::{Code, Diagnostic, number};
use crate::load::model::TargetFileFormat;
use crate::load::targets::TargetFile;
use crate::resolve::row_place::at_row;

/// How many rows, and the first.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    rows: u64,
    first: u64,
}

impl Tally {
    #[cold]
    fn count(&mut self, row: u64) {
        if self.rows == 0 {
            self.first = row;
        }
        self.rows += 1;
    }
}

/// Looks at the ids of a file.
#[derive(Debug)]
pub(super) struct IdLook<'a> {
    file: &'a TargetFile,
    forms: [Tally; Suspicion::ALL.len()],
    text: Option<TextLook>,
}

impl<'a> IdLook<'a> {
    pub(super) fn new(file: &'a TargetFile) -> Self {
        let text = (file.format == TargetFileFormat::Text).then(TextLook::default);
        Self { file, forms: <[Tally; Suspicion::ALL.len()]>::default(), text }
    }

    #[inline]
    pub(super) fn id(&mut self, row: u64, id: &str) {
        if let Some(suspicion) = Suspicion::of_id(id) {
            self.forms[suspicion as usize].count(row);
        }
        if let Some(text) = &mut self.text {
            text.line(row, id);
        }
    }

    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let file = self.file;
        let mut out: Vec<Diagnostic> = self
            .text
            .and_then(|text| text.complaint())
            .map(|(row, text, help)| warning(file, Code::AudienceFormat, row, text).help(help))
            .into_iter()
            .collect();
        for (suspicion, tally) in found(Suspicion::ALL, self.forms) {
            let ids = if tally.rows == 1 { "this id".to_owned() } else { format!("{} ids", tally.rows) };
            let text = format!("{ids} {}{}", suspicion.complaint(tally.rows), from_here(tally));
            out.push(warning(file, Code::SuspiciousId, tally.first, text).help(suspicion.help()));
        }
        out
    }
}

/// Looks at the values of each column of a file.
#[derive(Debug)]
pub(super) struct ValueLook(Vec<ColumnLook>);

#[derive(Clone, Debug, Default)]
struct ColumnLook {
    forms: [Tally; Suspicion::ALL.len()],
    placeholders: [Tally; ForeignPlaceholder::ALL.len()],
}

impl ValueLook {
    pub(super) fn new(columns: usize) -> Self {
        Self(vec![ColumnLook::default(); columns])
    }

    #[inline]
    pub(super) fn value(&mut self, row: u64, column: usize, value: &str) {
        if let Some(suspicion) = Suspicion::of_value(value) {
            self.0[column].forms[suspicion as usize].count(row);
        }
        if let Some(placeholder) = ForeignPlaceholder::in_value(value) {
            self.0[column].placeholders[placeholder as usize].count(row);
        }
    }

    pub(super) fn finish(self, file: &TargetFile) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        for (look, column) in self.0.into_iter().zip(&file.value_columns) {
            let values = |rows| match rows {
                1 => format!("this value of `{column}`"),
                rows => format!("{} values of `{column}`", number(rows)),
            };
            for (suspicion, tally) in found(Suspicion::ALL, look.forms) {
                let text =
                    format!("{} {}{}", values(tally.rows), suspicion.complaint(tally.rows), from_here(tally));
                out.push(warning(file, Code::SuspiciousValue, tally.first, text).help(suspicion.help()));
            }
            for (placeholder, tally) in found(ForeignPlaceholder::ALL, look.placeholders) {
                let has = if tally.rows == 1 { "has" } else { "have" };
                let text =
                    format!("{} {has} {}{}", values(tally.rows), placeholder.complaint(), from_here(tally));
                out.push(
                    warning(file, Code::ForeignPlaceholder, tally.first, text)
                        .help(ForeignPlaceholder::help_in_value()),
                );
            }
        }
        out
    }
}

fn found<K, const N: usize>(kinds: [K; N], tallies: [Tally; N]) -> impl Iterator<Item = (K, Tally)> {
    kinds.into_iter().zip(tallies).filter(|(_, tally)| tally.rows > 0)
}

fn from_here(tally: Tally) -> &'static str {
    if tally.rows == 1 { "" } else { "; this is the first" }
}

fn warning(file: &TargetFile, code: Code, row: u64, text: String) -> Diagnostic {
    let (place, message) = at_row(file, row, text);
    Diagnostic::warning(code, place, message)
}

/// Whether the lines of a text file are something else than one id each.
#[derive(Debug, Default)]
struct TextLook {
    lines: u64,
    json: Tally,
    /// Lines with a comma, a semicolon or a quote, as long as every line has one.
    separated: Tally,
    /// The first line, where it names a column rather than a person.
    name: Option<u64>,
}

impl TextLook {
    #[inline]
    fn line(&mut self, row: u64, line: &str) {
        if self.lines == 0 && is_column_name(line) {
            self.name = Some(row);
        }
        // One line that is an id says that the others are, too.
        if self.separated.rows == self.lines && line.contains([',', ';', '"']) {
            self.separated.count(row);
        }
        if matches!(line.as_bytes(), [b'{', .., b'}'] | [b'[', .., b']']) {
            self.json.count(row);
        }
        self.lines += 1;
    }

    fn complaint(&self) -> Option<(u64, String, &'static str)> {
        let lines =
            |rows| if rows == 1 { "this line".to_owned() } else { format!("all {} lines", number(rows)) };
        if self.json.rows > 0 {
            let rows = self.json.rows;
            let (which, are) = if rows == 1 {
                ("this line".to_owned(), "is")
            } else {
                (format!("{} lines", number(rows)), "are")
            };
            let text = format!("{which} of a text file {are} JSON, and would be taken for ids");
            return Some((self.json.first, text, "set `format: jsonl` and the `field` that holds the ids"));
        }
        if self.lines > 0 && self.separated.rows == self.lines {
            let have = if self.lines == 1 { "has" } else { "have" };
            let text = format!(
                "{} of a text file {have} commas or quotes, and would be taken for ids",
                lines(self.lines)
            );
            return Some((
                self.separated.first,
                text,
                "set `format: csv` and the `column` that holds the ids",
            ));
        }
        let text = "this line looks like a column's name, and would be taken for an id".to_owned();
        Some((self.name?, text, "remove it, or set `format: csv` and name it as the `column`"))
    }
}

/// Whether a text is what people call a column of ids.
fn is_column_name(text: &str) -> bool {
    const NAMES: [&str; 22] = [
        "id",
        "ids",
        "user",
        "users",
        "uid",
        "userid",
        "userids",
        "customer",
        "customerid",
        "memberid",
        "accountid",
        "openid",
        "deviceid",
        "device",
        "token",
        "devicetoken",
        "pushtoken",
        "target",
        "targetid",
        "utdid",
        "phone",
        "mobile",
    ];
    let plain: String =
        text.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '"')).flat_map(char::to_lowercase).collect();
    NAMES.contains(&plain.as_str())
        || ["用户id", "用户", "用户编号", "会员号", "设备id"].contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(lines: &[&str]) -> String {
        let mut look = TextLook::default();
        for (row, line) in lines.iter().enumerate() {
            look.line(row as u64 + 1, line);
        }
        look.complaint().map(|(row, text, _)| format!("{row}: {text}")).unwrap_or_default()
    }

    #[test]
    fn a_text_file_of_something_else_is_said_to_be_one() {
        assert_eq!(
            complaint(&["{\"id\":1}", "{\"id\":2}"]),
            "1: 2 lines of a text file are JSON, and would be taken for ids"
        );
        assert_eq!(
            complaint(&["u1,Ann", "u2,Bob"]),
            "1: all 2 lines of a text file have commas or quotes, and would be taken for ids"
        );
        assert_eq!(
            complaint(&["\"u1\""]),
            "1: this line of a text file has commas or quotes, and would be taken for ids"
        );
        for name in ["user_id", "UserID", "id", "\"uid\"x".trim_end_matches('x'), "用户ID"] {
            let told = complaint(&[name, "u1"]);
            assert_eq!(
                told, "1: this line looks like a column's name, and would be taken for an id",
                "{name}"
            );
        }
    }

    #[test]
    fn ids_are_no_format() {
        assert_eq!(complaint(&[]), "");
        assert_eq!(complaint(&["a,b", "c"]), "");
        assert_eq!(complaint(&["u1", "id", "{u}x"]), "");
        assert_eq!(complaint(&["idaho"]), "");
    }
}
