//! Where and how phones show a message, in a line.

use crate::domain::{Alert, Phones, ShowingRule};

/// Returns, in words, how each vendor's phones show it: those that do it alike together.
pub(super) fn sentence(rules: &[&'static ShowingRule]) -> Option<String> {
    let alike = alike(rules).into_iter().map(|rules| format!("{} ({})", rules[0].words, names(&rules)));
    (!rules.is_empty()).then(|| alike.collect::<Vec<_>>().join("; "))
}

/// Returns the rules that say the same together, in the order of their first.
pub(super) fn alike(rules: &[&'static ShowingRule]) -> Vec<Vec<&'static ShowingRule>> {
    let mut groups: Vec<Vec<&'static ShowingRule>> = Vec::new();
    for rule in rules {
        match groups.iter_mut().find(|group| group[0].words == rule.words) {
            Some(group) => group.push(rule),
            None => groups.push(vec![rule]),
        }
    }
    groups
}

/// Returns whose phones these rules are of.
pub(super) fn names(rules: &[&ShowingRule]) -> String {
    listed(rules.iter().map(|rule| rule.phones))
}

/// Says which phones ring, in as few words as that takes.
pub(super) fn rings(rules: &[&'static ShowingRule]) -> Option<String> {
    let of = |alert| rules.iter().filter(move |rule| rule.alert == alert).map(|rule| rule.phones);
    let on = |what: &str, phones: Vec<Phones>| {
        let is_all = phones.len() == rules.len();
        let on = if is_all { String::new() } else { format!(" on {}", listed(phones.iter().copied())) };
        (!phones.is_empty()).then(|| format!("{what}{on}"))
    };
    let (rings, silent) =
        (on("rings", of(Alert::Rings).collect()), on("silent", of(Alert::Silent).collect()));
    let not_known = on("not known", of(Alert::NotKnown).collect());
    // Where some ring, the others are not worth the room.
    let parts: Vec<String> = rings.or(silent).into_iter().chain(not_known).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn listed(phones: impl Iterator<Item = Phones>) -> String {
    phones.map(Phones::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Classification, ShownMessage};

    fn rules(classification: &Classification, phones: &[Phones]) -> Vec<&'static ShowingRule> {
        let message = ShownMessage { classification, is_self_built: false, passed_through: &[] };
        phones.iter().map(|phones| message.on(*phones)).collect()
    }

    #[test]
    fn who_shows_it_alike_stands_together() {
        let unclassified = rules(&Classification::default(), &Phones::ALL);
        assert_eq!(
            sentence(&unclassified).unwrap(),
            "drawer only, silent (Huawei, Honor, Xiaomi, OPPO); lock screen, banner, sound and vibration (vivo); \
             notification centre only (more notifications), silent (HarmonyOS); not known (iOS)"
        );
        assert_eq!(rings(&unclassified).unwrap(), "rings on vivo; not known on iOS");
        assert_eq!(rings(&rules(&Classification::default(), &[Phones::Huawei])).unwrap(), "silent");
        assert_eq!((sentence(&[]), rings(&[])), (None, None));
    }
}
