//! Numbers, plurals, times and foreign texts, the same in every view.

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Offset, SecondsFormat, Timelike, Utc};
use chrono_tz::Tz;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr;

pub use crate::diagnostic::number;
pub use crate::render::escape::plain;

/// What is new or went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What stands in the way or went wrong.
pub const BAD: Style = AnsiColor::Red.on_default();
/// What needs a look.
pub const DOUBT: Style = AnsiColor::Yellow.on_default();
/// What holds the rest together.
pub const QUIET: Style = Style::new().dimmed();
/// What a reader looks for first.
pub const STRONG: Style = Style::new().bold();

/// Returns a number and its noun: `1 target`, `1 204 targets`.
#[must_use]
pub fn count(how_many: u64, noun: &str) -> String {
    let ending = if how_many == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", number(how_many))
}

/// Returns a number and its noun where an `s` does not make the plural: `1 batch`, `2 batches`.
#[must_use]
pub fn noun(how_many: u64, one: &str, several: &str) -> String {
    format!("{} {}", number(how_many), if how_many == 1 { one } else { several })
}

/// Returns a time in a zone, without seconds where they are zero: `2026-12-15 09:00`.
#[must_use]
pub fn time(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    let format = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    local.format(format).to_string()
}

/// Returns a time in a zone to the minute, for what happened: `2026-12-15 09:00`.
#[must_use]
pub fn minute(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// Returns the day of a time in a zone: `2026-12-15`.
#[must_use]
pub fn day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d").to_string()
}

/// Returns a time in UTC, as machines write it: `2026-12-15T01:00:00Z`.
#[must_use]
pub fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns a time in a zone, with its day and the zone's name, and in the vendor's zone where that differs.
#[must_use]
pub fn time_in_both_zones(at: DateTime<Utc>, zone: Tz, vendor_offset_seconds: i32) -> String {
    let local = at.with_timezone(&zone);
    let shown = format!("{} {} {zone}", local.format("%a"), time(at, zone));
    if local.offset().fix().local_minus_utc() == vendor_offset_seconds {
        return shown;
    }
    // POSIX counts the other way round: this is eight hours east of Greenwich.
    let vendor_zone = Tz::Etc__GMTMinus8;
    format!("{shown} ({} {} UTC+8)", at.with_timezone(&vendor_zone).format("%a"), time(at, vendor_zone))
}

/// Starts a table without lines, at most so many columns wide.
#[must_use]
pub(super) fn table(header: &[&str], width: Option<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// Gives a column the width of its content, whatever the others get.
pub(super) fn keep_whole(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// Aligns columns of numbers.
pub(super) fn align_right(table: &mut Table, columns: std::ops::RangeInclusive<usize>) {
    for place in columns {
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Returns `text` with `prefix` before each of its lines, and a line break after the last.
#[must_use]
pub fn indented(text: &str, prefix: &str) -> String {
    text.lines().map(|line| format!("{prefix}{line}").trim_end().to_owned() + "\n").collect()
}

/// What a line may begin with that each of its parts has to begin with: a message as a phone shows it.
const BARS: [char; 2] = ['┃', '│'];

/// Breaks lines that are wider than the terminal between words, and lets what follows stand below its beginning. A word is
/// never cut, and neither is what stands in backticks, as far as it fits. Left whole: lines that are commands, to be copied,
/// and what is added and removed, which is looked for as it is.
#[must_use]
pub fn wrapped(text: &str, width: Option<usize>) -> String {
    match width {
        Some(width) => text.split_inclusive('\n').map(|line| wrapped_line(line, width)).collect(),
        None => text.to_owned(),
    }
}

/// Does the same for one line whose following lines begin with `hanging`.
#[must_use]
pub(super) fn wrapped_below(line: &str, hanging: &str, width: Option<usize>) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    width.map_or_else(|| line.to_owned(), |width| broken(line, indent, hanging, width))
}

fn wrapped_line(line: &str, width: usize) -> String {
    let bare = bare(line);
    let content = bare.trim_start_matches(' ');
    let indent = bare.len() - content.len();
    let is_diff = indent > 0 && content.starts_with(['+', '-', '@']);
    if bare.trim_end().width() <= width || is_diff || content.starts_with("campaignctl ") {
        return line.to_owned();
    }
    let bar = content.chars().next().filter(|first| BARS.contains(first));
    let hanging = " ".repeat(indent.max(4)) + &bar.map(|bar| format!("{bar} ")).unwrap_or_default();
    broken(line, indent, &hanging, width)
}

fn broken(line: &str, indent: usize, hanging: &str, width: usize) -> String {
    let mut out = " ".repeat(indent);
    let (mut used, mut is_first) = (indent, true);
    for word in words(line.trim_start_matches(' '), width.saturating_sub(hanging.width())) {
        let columns = self::bare(word).trim_end().width();
        if !is_first && used + 1 + columns > width {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(hanging);
            used = hanging.width();
        } else if !is_first {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        (used, is_first) = (used + columns, false);
    }
    out
}

/// Cuts a line at its spaces, but for those within backticks where what stands in them is no wider than `most`. A plan's last
/// line is cut behind its commas, so that each number stays with what it counts.
fn words(line: &str, most: usize) -> Vec<&str> {
    let (mut words, mut start, mut quoted_until) = (Vec::new(), 0, 0);
    let text = bare(line);
    let is_list = text.starts_with("Plan: ") && text.split(", ").all(|part| part.width() < most);
    for (place, c) in line.char_indices() {
        if place < quoted_until {
            continue;
        }
        match c {
            '`' => {
                let end = line[place + 1..].find('`').map(|length| place + length + 2);
                quoted_until = end.filter(|end| line[place..*end].width() <= most).unwrap_or(0);
            }
            ' ' if !is_list || line[..place].ends_with(',') => {
                words.push(&line[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    words.push(&line[start..]);
    words
}

/// Returns a text without its colours.
fn bare(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        assert_eq!([0, 12, 1204, 1_000_000].map(number), ["0", "12", "1 204", "1 000 000"]);
        assert_eq!([0, 1, 2].map(|n| count(n, "target")), ["0 targets", "1 target", "2 targets"]);
    }

    #[test]
    fn lines_are_broken_between_words_and_stand_below_their_beginning() {
        let at_20 = |text: &str| wrapped(text, Some(20));
        assert_eq!(at_20("short\n"), "short\n");
        assert_eq!(at_20("    help: do this, then that\n"), "    help: do this,\n    then that\n");
        assert_eq!(at_20("? hello@1  4 targets in doubt\n"), "? hello@1  4 targets\n    in doubt\n");
        assert_eq!(at_20("    ┃ words of a message\n"), "    ┃ words of a\n    ┃ message\n");
        assert_eq!(
            at_20("    a-name-that-is-longer-than-that and\n"),
            "    a-name-that-is-longer-than-that\n    and\n"
        );
        assert_eq!(at_20("tell them with `a b c` what\n"), "tell them with\n    `a b c` what\n");
        assert_eq!(at_20("`a command of many words`\n"), "`a command of many\n    words`\n");
        assert_eq!(at_20("campaignctl doubt mark 82 sent\n"), "campaignctl doubt mark 82 sent\n");
        assert_eq!(at_20("Plan: 2 to push, 0 in doubt.\n"), "Plan: 2 to push,\n    0 in doubt.\n");
        assert_eq!(at_20("    -body: is wider than the others\n"), "    -body: is wider than the others\n");
        let coloured = format!("    {QUIET}help:{QUIET:#} do this, then\n");
        assert_eq!(bare(&at_20(&coloured)), "    help: do this,\n    then\n");
        assert_eq!(wrapped("    any width there is without a terminal", None).lines().count(), 1);
    }

    #[test]
    fn times_are_shown_in_the_projects_zone() {
        let at = "2026-12-15T01:00:00Z".parse().unwrap();
        assert_eq!(time(at, chrono_tz::Asia::Shanghai), "2026-12-15 09:00");
        assert_eq!(time(at + chrono::Duration::seconds(1), chrono_tz::Europe::Berlin), "2026-12-15 02:00:01");
    }
}
