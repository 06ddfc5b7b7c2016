//! What is said of a header that lacks a column: its names are the file's, and are not told.

use crate::diagnostic::{closest, number};

/// Says what to do where a column is not in the header: where a name like it stands, or how many there are.
pub(super) fn help(column: &str, columns: &[String]) -> String {
    if let Some(separator) = other_separator(columns) {
        return format!("its columns are separated by {separator}: save it with commas");
    }
    if let Some((place, difference)) = near(column, columns) {
        return format!("did you mean its column {}? {difference}", place + 1);
    }
    match columns.len() {
        1 => "it has 1 column, of another name".to_owned(),
        count => format!("it has {} columns, none with a name like it", number(count as u64)),
    }
}

/// Returns what seems to stand between the columns instead of commas.
fn other_separator(columns: &[String]) -> Option<&'static str> {
    let [only] = columns else { return None };
    let known = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
    known.into_iter().find_map(|(separator, name)| only.contains(separator).then_some(name))
}

/// Returns the place of the column that was most likely meant, and how its name differs.
fn near(column: &str, columns: &[String]) -> Option<(usize, &'static str)> {
    let at = |is_alike: &dyn Fn(&str) -> bool| columns.iter().position(|found| is_alike(found));
    let visible = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    if let Some(place) = at(&|found| found.trim() == column) {
        return Some((place, "Its name has white space around it"));
    }
    if let Some(place) = at(&|found| found.to_lowercase() == column.to_lowercase()) {
        return Some((place, "Its name differs in upper and lower case"));
    }
    if let Some(place) = at(&|found| !visible(column).is_empty() && visible(found) == visible(column)) {
        return Some((place, "Its name has the same letters, but other punctuation or invisible characters"));
    }
    if let Some(meant) = closest(column, columns.iter().map(String::as_str)) {
        return Some((at(&|found| found == meant)?, "Its name differs in a few letters"));
    }
    // `user` for `user_id`, or the other way round; of several, nobody knows which.
    let mut alike =
        columns.iter().enumerate().filter(|(_, found)| is_part(column, found) || is_part(found, column));
    match (alike.next(), alike.next()) {
        (Some((place, found)), None) if found.len() > column.len() => Some((place, "Its name is longer")),
        (Some((place, _)), None) => Some((place, "Its name is shorter")),
        _ => None,
    }
}

/// Whether all words of one name begin, or end, the other.
fn is_part(part: &str, name: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (part, name) = (words(part), words(name));
    !part.is_empty() && part.len() < name.len() && (name.starts_with(&part) || name.ends_with(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_described_and_not_quoted() {
        let said = |columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
            help("user_id", &columns)
        };
        for (columns, expected) in [
            (&["secret"][..], "it has 1 column, of another name"),
            (&["secret", "other"], "it has 2 columns, none with a name like it"),
            (&["secret;user_id"], "its columns are separated by semicolons: save it with commas"),
            (&["secret", " user_id"], "did you mean its column 2? Its name has white space around it"),
            (&["USER_ID", "secret"], "did you mean its column 1? Its name differs in upper and lower case"),
            (
                &["user-id"],
                "did you mean its column 1? Its name has the same letters, but other punctuation or invisible characters",
            ),
            (
                &["user\u{200b}_id"],
                "did you mean its column 1? Its name has the same letters, but other punctuation or invisible characters",
            ),
            (&["secret", "id"], "did you mean its column 2? Its name is shorter"),
            (&["bank_user_id", "secret"], "did you mean its column 1? Its name is longer"),
            (&["id", "user"], "it has 2 columns, none with a name like it"),
            (&["secret", "usr_id"], "did you mean its column 2? Its name differs in a few letters"),
        ] {
            assert_eq!(said(columns), expected, "{columns:?}");
            assert!(!said(columns).contains("secret"));
        }
    }
}
