//! What a review lock has otherwise than the files, and what a signature is of.

use std::fmt::Write as _;

use crate::domain::{EnvironmentName, ProjectName};
use crate::render::text::{count, plain};
use crate::review::{Change, Line, Lock};

/// Changes that are named one by one.
const NAMED_MAX: usize = 10;

/// Says what a lock that was written has otherwise, one campaign a line.
#[must_use]
pub fn changes(shown: &str, before: &Lock, after: &Lock) -> String {
    let changes = before.changes(after);
    let mut text = format!("{}: {} changed\n", plain(shown), count(changes.len() as u64, "line"));
    for change in changes.iter().take(NAMED_MAX) {
        let _ = writeln!(text, "  {}", named(change));
    }
    more(&mut text, changes.len().saturating_sub(NAMED_MAX));
    text
}

/// Shows the lines that differ, as they are and as they should be, of so many campaigns at most.
#[must_use]
pub fn differences(shown: &str, before: &Lock, after: &Lock, most: usize) -> String {
    let changes = before.changes(after);
    let verb = if changes.len() == 1 { "differs" } else { "differ" };
    let mut text = format!("{}: {} {verb}\n", plain(shown), count(changes.len() as u64, "line"));
    for Change { before, after } in changes.iter().take(most) {
        for (sign, line) in [('-', before), ('+', after)] {
            if let Some(line) = line {
                let _ = writeln!(text, "{sign} {line}");
            }
        }
    }
    more(&mut text, changes.len().saturating_sub(most));
    text
}

fn more(text: &mut String, left_out: usize) {
    if left_out > 0 {
        let _ = writeln!(text, "  and {left_out} more");
    }
}

fn named(Change { before, after }: &Change) -> String {
    let name = |line: &Line| format!("{}@{}", line.campaign, line.revision);
    match (before, after) {
        (Some(before), Some(after)) => {
            let mut what = before.differences(after);
            if before.until != after.until && what.is_empty() {
                what.push("end of approval");
            }
            format!("~ {}: {}", name(after), what.join(", "))
        }
        (None, Some(after)) => format!("+ {}: {} {}", name(after), after.people, after.when),
        (Some(before), None) => format!("- {}", name(before)),
        (None, None) => String::new(),
    }
}

/// Shows what somebody is about to sign: the message as a phone has it, and the line.
#[must_use]
pub fn to_sign(
    project: &ProjectName,
    environment: &EnvironmentName,
    line: &Line,
    [title, body]: &[String; 2],
) -> String {
    let mut text = format!("{project}, {environment}: {}@{}\n\n", line.campaign, line.revision);
    let indented = |text: &str| plain(text).replace('\n', "\n    ");
    let _ = writeln!(text, "    {}\n    {}\n", indented(title), indented(body));
    let _ = writeln!(text, "  {} {}", line.people, line.when);
    if let Some(until) = line.until {
        let _ = writeln!(text, "  approved until {until}");
    }
    let _ = writeln!(
        text,
        "  content {}\n  audience {}\n",
        line.content,
        line.audience.as_deref().unwrap_or("any list")
    );
    text
}
