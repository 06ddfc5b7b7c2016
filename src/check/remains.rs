//! What rules say of a declaration whose shape has a mistake: only what the mistake cannot be the reason of.
//!
//! Such a declaration is judged without the keys that are mistaken, and with nothing for those that are missing. So a rule
//! counts only if it looks at one key, and at one that was written soundly; or at several of which none is mistaken.

use crate::check::judged::{Judged, JudgedCampaign, Sections};
use crate::diagnostic::{Code, Diagnostic, Place, closest};
use crate::load::Remains;
use crate::load::model::CampaignFile;

/// What is said of one key, whatever stands in the others of its declaration.
const OF_ONE_KEY: [Code; 14] = [
    Code::UnknownName,
    Code::TemplateName,
    Code::EmptyText,
    Code::TextInComment,
    Code::TextTooLong,
    Code::ForeignPlaceholder,
    Code::BadTarget,
    Code::DuplicateTarget,
    Code::SuspiciousId,
    Code::UnknownCategory,
    Code::ReservedParam,
    Code::TooManyParams,
    Code::ExpiresAfter,
    Code::BadTime,
];

/// What is said of several keys of a campaign, and of what they name; with the keys.
const OF_SEVERAL_KEYS: [(Code, &[&str]); 8] = [
    (Code::PlaceholderWithoutValue, &["template", "values", "values_from"]),
    (Code::ValueWithoutPlaceholder, &["template", "values", "values_from"]),
    (Code::BroadcastSms, &["audience", "sms"]),
    (Code::BroadcastLiveActivity, &["audience", "live_activity"]),
    (Code::LiveActivityAudience, &["audience", "live_activity"]),
    (Code::ChannelPlatform, &["audience", "channel"]),
    (Code::CallMismatch, &["audience", "call", "values_from", "sms", "live_activity"]),
    (Code::ValuesWithoutFile, &["audience", "values_from"]),
];

/// What came of declarations with mistakes of shape.
#[derive(Debug, Default)]
pub(super) struct RemainsJudged {
    /// What is wrong with each in itself, besides its shape.
    pub(super) mistakes: Vec<Diagnostic>,
    /// Campaigns, each with where its sound keys stand, and the keys that are mistaken.
    campaigns: Vec<(JudgedCampaign, Vec<Place>, Vec<String>)>,
}

impl RemainsJudged {
    /// Takes what rules say of the remains as if they were whole.
    pub(super) fn of(judged: Sections, remains: &Remains<CampaignFile>) -> Self {
        let Sections { bad_names, templates, audiences, classifications, strategies, campaigns } = judged;
        // A name is its own.
        let mut mistakes = bad_names;
        take(&mut mistakes, templates, remains);
        take(&mut mistakes, audiences, remains);
        take(&mut mistakes, classifications, remains);
        take(&mut mistakes, strategies, remains);
        let campaigns = take(&mut mistakes, campaigns, remains).into_iter().map(|(campaign, sound)| {
            let wrong_keys = remains.mistaken_keys(campaign.section.as_str(), &campaign.name).to_vec();
            (campaign, sound, wrong_keys)
        });
        let campaigns = campaigns.collect();
        Self { mistakes, campaigns }
    }

    /// Holds each campaign against others by a rule.
    pub(super) fn campaigns(
        &self,
        out: &mut Vec<Diagnostic>,
        mut rule: impl FnMut(&mut Vec<Diagnostic>, &JudgedCampaign),
    ) {
        for (campaign, sound, mistaken) in &self.campaigns {
            let mut found = Vec::new();
            rule(&mut found, campaign);
            out.extend(found.into_iter().filter(|diagnostic| {
                is_of_sound_key(diagnostic, sound) || is_of_sound_keys(diagnostic.code, mistaken)
            }));
        }
    }
}

/// Takes what is said of sound keys, and returns the declarations, each with where those stand.
fn take<T, S>(
    mistakes: &mut Vec<Diagnostic>,
    judged: Vec<Judged<T, S>>,
    remains: &Remains<CampaignFile>,
) -> Vec<(Judged<T, S>, Vec<Place>)> {
    let with_places = judged.into_iter().map(|mut judged| {
        let keys = remains.sound_keys(judged.section.as_str(), &judged.name);
        let sound: Vec<Place> =
            keys.iter().flat_map(|key| [judged.key(&[key]), judged.value(&[key])]).collect();
        let found = std::mem::take(&mut judged.mistakes);
        mistakes.extend(found.into_iter().filter(|diagnostic| is_of_sound_key(diagnostic, &sound)));
        (judged, sound)
    });
    with_places.collect()
}

fn is_of_sound_key(diagnostic: &Diagnostic, sound: &[Place]) -> bool {
    let is_in = |place: &Place| sound.iter().any(|sound| sound.contains(place));
    OF_ONE_KEY.contains(&diagnostic.code)
        && diagnostic.primary.as_ref().is_some_and(|label| is_in(&label.place))
}

/// Whether a rule looks at several keys and none of them is mistaken, nor is an unknown key a slip of one.
fn is_of_sound_keys(code: Code, mistaken: &[String]) -> bool {
    let rule = OF_SEVERAL_KEYS.iter().find(|(of, _)| *of == code);
    rule.is_some_and(|(_, keys)| {
        let is_of_it =
            |wrong: &String| keys.contains(&wrong.as_str()) || closest(wrong, keys.iter().copied()).is_some();
        !mistaken.iter().any(is_of_it)
    })
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{PROJECT, diagnose_files};

    /// Of each declaration, every key has a mistake of its own that a rule finds.
    const TEMPLATE: &[(&str, &str, &str)] = &[
        ("name", "\"a,b\"", "template-name"),
        ("title", "\"\"", "empty-text"),
        ("body", "\"  \"", "empty-text"),
    ];
    const CAMPAIGN: &[(&str, &str, &str)] = &[
        ("template", "nowhere", "unknown-name"),
        ("audience", "nobody", "unknown-name"),
        ("strategy", "never", "unknown-name"),
        ("expires_after", "soon", "expires-after"),
        ("open_until", "tomorrow", "bad-time"),
        ("extended_params", "{ taskId: x }", "reserved-param"),
    ];

    /// States the codes that a file of one declaration gets, sorted.
    fn codes(section: &str, keys: &[(String, String)]) -> Vec<String> {
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("    {key}: {value}\n")).collect();
        let text = format!("{section}:\n  d:\n{}", keys.concat());
        let text = diagnose_files(&[("campaignctl.yaml", PROJECT), ("a.yaml", &text)]);
        let lines = text.lines().filter(|line| !line.starts_with(' '));
        let mut codes: Vec<String> = lines
            .map(|line| line.split(' ').nth(1).unwrap().trim_end_matches([':', '?']).to_owned())
            .filter(|code| code != "unused-name")
            .collect();
        codes.sort();
        codes
    }

    /// Whatever is mistaken in shape beside it, a mistake is said; and nothing is said of what is mistaken or missing.
    #[test]
    fn a_mistake_of_shape_hides_no_other_and_makes_none() {
        for (section, declaration) in [("templates", TEMPLATE), ("campaigns", CAMPAIGN)] {
            for wrong in 0..1 << declaration.len() {
                for missing in [None, Some(0), Some(declaration.len() - 1)] {
                    let is_wrong = |place: usize| wrong & (1 << place) > 0;
                    let mut keys = vec![("other".to_owned(), "1".to_owned())];
                    let mut expected = vec!["unknown-key".to_owned()];
                    for (place, (key, value, code)) in declaration.iter().enumerate() {
                        let is_required = !["open_until", "extended_params"].contains(key);
                        if missing == Some(place) {
                            expected.extend(is_required.then(|| "missing-key".to_owned()));
                        } else if is_wrong(place) {
                            keys.push(((*key).to_owned(), "[1]".to_owned()));
                            expected.push("wrong-type".to_owned());
                        } else {
                            keys.push(((*key).to_owned(), (*value).to_owned()));
                            expected.push((*code).to_owned());
                        }
                    }
                    expected.sort();
                    assert_eq!(codes(section, &keys), expected, "{section}: {keys:?}");
                }
            }
        }
    }

    /// Whatever else is mistaken in it.
    #[test]
    fn a_rule_about_several_keys_is_applied_where_all_of_them_are_sound() {
        let said = |extra: &str| {
            let text = crate::check::testing::campaign(extra).replace("title: Title", "title: \"#name#\"");
            let text = diagnose_files(&[("campaignctl.yaml", PROJECT), ("a.yaml", &text)]);
            let lines = text.lines().filter(|line| !line.starts_with(' '));
            lines
                .map(|line| line.split(' ').nth(1).unwrap().trim_end_matches([':', '?']).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(said(", colour: 1"), ["placeholder-without-value", "unknown-key"]);
        assert_eq!(
            said(", revision: \"2\", values: { nmae: x }"),
            ["wrong-type", "placeholder-without-value"]
        );
        assert_eq!(
            said(", revision: \"2\", channel: default, live_activity: { event: end }"),
            ["placeholder-without-value", "wrong-type", "live-activity-audience"]
        );
        // What was mistaken may be what is missed.
        assert_eq!(said(", valeus: { name: x }"), ["unknown-key"]);
        assert_eq!(said(", values: { name: 1 }"), ["wrong-type"]);
    }

    /// What a rule says of two keys may be the doing of the one that was dropped.
    #[test]
    fn a_rule_about_two_keys_is_not_applied_to_one() {
        let said = |keys: &[(&str, &str)]| {
            let sound = [("template", "t"), ("audience", "t"), ("strategy", "t"), ("expires_after", "1h")];
            let keys = sound.iter().chain(keys).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            let mut codes = codes("campaigns", &keys.collect::<Vec<_>>());
            codes.retain(|code| code != "unknown-name");
            codes
        };
        assert_eq!(said(&[("revision", "\"2\""), ("withdrawn", "2")]), ["wrong-type"]);
        assert_eq!(said(&[("sms", "{ strategy: supplement, sign_name: 1 }")]), ["wrong-type"]);
        assert_eq!(
            said(&[("live_activity", "{ event: oops, dismiss_at: \"2026-12-01T00:00:00Z\" }")]),
            ["wrong-value"]
        );
    }
}
