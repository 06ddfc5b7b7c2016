//! Signatures of lines: which of them an environment asks for, and which of those are there.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{ApprovalRule, CampaignId, EnvironmentName, ProjectName, Revision};
use crate::review::line::Line;

/// A signature of a line that was proven against the machine's allowed signers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Whose: a name in the allowed signers.
    pub who: String,
    /// The fingerprint of its key.
    pub key: String,
    /// Every name that rules ask for and that the key may sign as.
    pub names: BTreeSet<String>,
}

/// The signatures of all lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals {
    /// Those that count, by campaign revision.
    pub signatures: BTreeMap<(CampaignId, Revision), Vec<Signature>>,
    /// Those that do not, each with the reason, by campaign revision.
    pub unproven: BTreeMap<(CampaignId, Revision), Vec<String>>,
}

/// Which signatures are missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalGap {
    /// Who signed, each with a key of its own.
    pub signed: Vec<String>,
    /// How many have to.
    pub signers: u32,
    /// Who has to be among them and is not.
    pub absent: Vec<String>,
}

/// Returns what is signed of a line: where it applies, and the line with the end of its approval. A renewed line, another
/// revision or environment is another text.
#[must_use]
pub fn signed_text(project: &ProjectName, environment: &EnvironmentName, line: &Line) -> String {
    format!("campaignctl review 1\n{project}/{environment}\n{line}\n")
}

impl Approvals {
    /// Returns what is missing of the signatures that `rules` ask for of a push to so many people; nothing stands for everyone.
    #[must_use]
    pub fn gap(
        &self,
        rules: &[ApprovalRule],
        (campaign, revision): (&CampaignId, Revision),
        people: Option<u64>,
    ) -> Option<ApprovalGap> {
        let of = (campaign.clone(), revision);
        let signatures = self.signatures.get(&of).map_or(&[][..], Vec::as_slice);
        // One key is one signer, whatever names it goes by.
        let by_key: BTreeMap<&str, &Signature> =
            signatures.iter().rev().map(|signature| (signature.key.as_str(), signature)).collect();
        let by_key: Vec<&Signature> = by_key.into_values().collect();
        let unmet = rules.iter().filter(|rule| rule.of_pushes.covers(people)).filter_map(|rule| {
            let absent = absent(&rule.of, &by_key);
            let is_met = absent.is_empty() && by_key.len() >= rule.signers as usize;
            (!is_met).then_some((rule.signers, absent))
        });
        let (signers, absent) = unmet.reduce(|(most, mut all), (signers, absent)| {
            all.extend(absent);
            (most.max(signers), all)
        })?;
        let signed = by_key.iter().map(|signature| signature.who.clone()).collect();
        let absent: BTreeSet<String> = absent.into_iter().collect();
        Some(ApprovalGap { signed, signers, absent: absent.into_iter().collect() })
    }
}

/// Returns the names that no key is left for, if each takes one of its own: as few as can be.
fn absent(names: &[String], keys: &[&Signature]) -> Vec<String> {
    let mut taken_by: Vec<Option<usize>> = vec![None; keys.len()];
    let mut absent = Vec::new();
    for (place, name) in names.iter().enumerate() {
        if !seat(place, names, keys, &mut taken_by, &mut vec![false; keys.len()]) {
            absent.push(name.clone());
        }
    }
    absent
}

/// Finds a key for a name, and another one for whoever had it: an augmenting path in a bipartite matching.
fn seat(
    place: usize,
    names: &[String],
    keys: &[&Signature],
    taken_by: &mut [Option<usize>],
    is_tried: &mut [bool],
) -> bool {
    for key in 0..keys.len() {
        if is_tried[key] || !keys[key].names.contains(&names[place]) {
            continue;
        }
        is_tried[key] = true;
        let is_free = match taken_by[key] {
            None => true,
            Some(other) => seat(other, names, keys, taken_by, is_tried),
        };
        if is_free {
            taken_by[key] = Some(place);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ApprovedPushes;

    fn gap(
        of_pushes: ApprovedPushes,
        signers: u32,
        of: &[&str],
        people: Option<u64>,
        signed: &[(&str, &[&str])],
    ) -> Option<ApprovalGap> {
        let id: CampaignId = "c".parse().unwrap();
        let signature = |(key, names): &(&str, &[&str])| Signature {
            who: names[0].to_owned(),
            key: (*key).to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let signatures = signed.iter().map(signature).collect();
        let approvals = Approvals {
            signatures: [((id.clone(), Revision::FIRST), signatures)].into(),
            unproven: BTreeMap::new(),
        };
        let rule =
            ApprovalRule { of_pushes, signers, of: of.iter().map(|name| (*name).to_owned()).collect() };
        approvals.gap(&[rule], (&id, Revision::FIRST), people)
    }

    #[test]
    fn a_rule_asks_of_large_pushes_and_of_broadcasts() {
        let over = ApprovedPushes::Over(10);
        assert_eq!(gap(over, 1, &[], Some(10), &[]), None);
        assert!(gap(over, 1, &[], Some(11), &[]).is_some());
        assert!(gap(over, 1, &[], None, &[]).is_some());
        assert_eq!(gap(ApprovedPushes::Broadcasts, 1, &[], Some(u64::MAX), &[]), None);
        assert!(gap(ApprovedPushes::Broadcasts, 1, &[], None, &[]).is_some());
    }

    #[test]
    fn one_key_is_one_signer() {
        let two = |signed: &[(&str, &[&str])]| gap(ApprovedPushes::Over(0), 2, &[], Some(1), signed);
        assert_eq!(two(&[("K1", &["ann"]), ("K2", &["ben"])]), None);
        let once = two(&[("K1", &["ann"]), ("K1", &["ben"])]).unwrap();
        assert_eq!((once.signed, once.signers), (vec!["ann".to_owned()], 2));
    }

    #[test]
    fn each_name_needs_a_key_of_its_own() {
        let both = |signed: &[(&str, &[&str])]| {
            gap(ApprovedPushes::Over(0), 2, &["marketing", "compliance"], Some(1), signed)
        };
        let absent = |gap: Option<ApprovalGap>| gap.map(|gap| gap.absent);
        assert_eq!(both(&[("K1", &["ann", "marketing"]), ("K2", &["ben", "compliance"])]), None);
        // Whichever comes first: the one who may sign as both makes room.
        assert_eq!(both(&[("K1", &["ann", "marketing", "compliance"]), ("K2", &["ben", "marketing"])]), None);
        assert_eq!(both(&[("K1", &["ann", "marketing"]), ("K2", &["ben", "marketing", "compliance"])]), None);
        let alone = both(&[("K1", &["ann", "marketing", "compliance"]), ("K2", &["eve"])]);
        assert_eq!(absent(alone), Some(vec!["compliance".to_owned()]));
        assert_eq!(absent(both(&[])), Some(vec!["compliance".to_owned(), "marketing".to_owned()]));
    }
}
