//! A column's name that only looks like the one that was asked for. It is described, not shown: shown, it would look the
//! same.

use unicode_security::confusable_detection::skeleton;

use crate::domain::is_invisible;

/// Says which of the columns looks like the one that was asked for, and by what it differs.
pub(super) fn help(asked: &str, columns: &[String]) -> Option<String> {
    let wanted = drawn(asked);
    let (place, found) = columns.iter().enumerate().find(|(_, found)| drawn(found) == wanted)?;
    let place = place + 1;
    let odd = found.chars().find(|c| !asked.contains(*c))?;
    let what = if is_invisible(odd) { "what nobody sees" } else { "another letter that looks the same" };
    Some(format!(
        "column {place} looks like it, but has {what}: U+{:04X}; rename it in the file",
        u32::from(odd)
    ))
}

/// Returns how a name is drawn: without what is invisible, and each letter as the one that it looks like (UTS #39).
fn drawn(name: &str) -> String {
    let visible: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    skeleton(&visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_the_same_is_described_by_what_differs() {
        for (name, odd) in [
            ("us\u{435}r_id", "another letter that looks the same: U+0435"),
            ("user\u{200b}_id", "what nobody sees: U+200B"),
            ("user_id\u{a0}", "what nobody sees: U+00A0"),
            (" user_id", "what nobody sees: U+0020"),
            ("\u{ff55}ser_id", "another letter that looks the same: U+FF55"),
        ] {
            let help = help("user_id", &["city".to_owned(), name.to_owned()]).unwrap();
            assert!(help.starts_with("column 2 looks like it, but has ") && help.contains(odd), "{help}");
        }
        assert_eq!(help("user_id", &["userid".to_owned(), "User_Id".to_owned()]), None);
    }
}
