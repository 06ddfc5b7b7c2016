//! “Did you mean”.

/// Returns the candidate that `name` is most likely a slip of: at most a third of its letters differ, case
/// aside. The first one of equals.
pub fn closest<'name>(name: &str, candidates: impl IntoIterator<Item = &'name str>) -> Option<&'name str> {
    let lower = name.to_lowercase();
    let length = name.chars().count();
    let slips_max = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
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
}
