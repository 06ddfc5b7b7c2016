//! “Did you mean”.

/// Most candidates that are compared: more of them would be slow, and the guess a poor one.
const CANDIDATES_MAX: usize = 1000;

/// Longest name, in bytes, that is compared.
const NAME_BYTES_MAX: usize = 256;

/// Returns the candidate that `name` is most likely a slip of: at most a third of its letters differ, case
/// aside. The first one of equals. Makes no guess at a very long name, or among very many.
pub fn closest<'name>(name: &str, candidates: impl IntoIterator<Item = &'name str>) -> Option<&'name str> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let candidates: Vec<&str> = candidates.into_iter().take(CANDIDATES_MAX + 1).collect();
    if candidates.len() > CANDIDATES_MAX {
        return None;
    }
    let lower = name.to_lowercase();
    let length = name.chars().count();
    let slips_max = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name && candidate.len() <= 2 * NAME_BYTES_MAX)
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= slips_max)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(slips, candidate)| *slips <= slips_max && *slips < candidate.chars().count())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        let names = ["template", "audience", "values", "vip"];
        assert_eq!(closest("tempalte", names), Some("template"));
        assert_eq!(closest("Values", names), Some("values"));
        assert_eq!(closest("vips", names), Some("vip"));
        assert_eq!(closest("colour", names), None);
        assert_eq!(closest("x", ["y"]), None);
    }

    #[test]
    fn among_too_many_names_and_of_a_name_too_long_there_is_no_guess() {
        let names: Vec<String> = (0..=CANDIDATES_MAX).map(|number| format!("vips-{number:04}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(closest("vips-001", names[1..].iter().copied()), Some("vips-0001"));
        assert_eq!(closest("vips-001", names.iter().copied()), None);
        let long = "x".repeat(NAME_BYTES_MAX);
        assert_eq!(closest(&long[1..], [long.as_str()]), Some(long.as_str()));
        assert_eq!(closest(&format!("{long}y"), [long.as_str()]), None);
    }
}
