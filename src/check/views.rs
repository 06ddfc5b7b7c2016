//! What rules about several declarations ask of each: one view of a sound value, and of what was written where that is
//! unsound in itself.

use std::collections::BTreeMap;

use crate::check::group::{self, Group};
use crate::check::judged::{
    JudgedAudience, JudgedCampaign, JudgedClassification, JudgedStrategy, JudgedTemplate,
};
use crate::check::texts::Texts;
use crate::check::{AudienceSource, audience_file, campaign, classification};
use crate::domain::{CallChoice, Channel, Login, Schedule, TargetId, TargetKind, Template, VendorCategory};
use crate::load::model::{LoginSyntax, StrategySyntax, TargetFileFormat, TargetsSyntax};

/// What a template says.
#[derive(Clone, Copy, Debug)]
pub(super) struct TemplateView<'a> {
    /// Its name at the vendor.
    pub(super) vendor_name: &'a str,
    pub(super) texts: Texts<'a>,
}

impl JudgedTemplate {
    pub(super) fn view(&self) -> TemplateView<'_> {
        match self.says() {
            Ok(Template { name, title, body }) => {
                TemplateView { vendor_name: name.as_str(), texts: Texts { title, body } }
            }
            Err(syntax) => TemplateView { vendor_name: &syntax.name, texts: Texts::of(syntax) },
        }
    }
}

/// What an audience says.
#[derive(Clone, Copy, Debug)]
pub(super) struct AudienceView {
    /// The one group that it holds; nothing where it says none or several.
    pub(super) group: Option<Group>,
    /// How it lists the first kind of targets that it has.
    pub(super) listing: Listing,
    /// Whether a broadcast says how long ago those who are logged in did so.
    pub(super) has_bind_period: bool,
}

/// How an audience lists its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    Broadcast,
    InYaml(TargetKind),
    /// In a file with or without names for what stands in its lines.
    InFile(TargetKind, HasColumns),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HasColumns(pub(super) bool);

impl JudgedAudience {
    pub(super) fn view(&self) -> AudienceView {
        match self.says() {
            Ok(source) => AudienceView {
                group: Some(Group::to(source.recipients())),
                listing: match source {
                    AudienceSource::Broadcast(_) => Listing::Broadcast,
                    AudienceSource::Inline(kind, _) => Listing::InYaml(*kind),
                    AudienceSource::File { kind, file, .. } => {
                        Listing::InFile(*kind, HasColumns(file.format != TargetFileFormat::Text))
                    }
                },
                has_bind_period: matches!(
                    source,
                    AudienceSource::Broadcast(broadcast)
                        if broadcast.login == Login::LoggedIn && broadcast.within.is_some()
                ),
            },
            Err(syntax) => AudienceView {
                group: Group::of(syntax),
                listing: match group::targets(syntax).next() {
                    None => Listing::Broadcast,
                    Some((kind, TargetsSyntax::Inline(_))) => Listing::InYaml(kind),
                    Some((kind, TargetsSyntax::File(file))) => {
                        Listing::InFile(kind, HasColumns(audience_file::has_columns(file)))
                    }
                },
                has_bind_period: syntax.broadcast.as_ref().is_some_and(|broadcast| {
                    broadcast.within.is_some()
                        && matches!(broadcast.login, None | Some(LoginSyntax::LoggedIn))
                }),
            },
        }
    }

    /// Returns the ids that it lists first in YAML, if it lists any there.
    pub(super) fn ids(&self) -> Option<(TargetKind, Vec<&str>)> {
        match self.says() {
            Ok(AudienceSource::Inline(kind, ids)) => {
                Some((*kind, ids.iter().map(TargetId::as_str).collect()))
            }
            Ok(AudienceSource::Broadcast(_) | AudienceSource::File { .. }) => None,
            Err(syntax) => match group::targets(syntax).next() {
                Some((kind, TargetsSyntax::Inline(ids))) => {
                    Some((kind, ids.iter().map(String::as_str).collect()))
                }
                Some((_, TargetsSyntax::File(_))) | None => None,
            },
        }
    }
}

impl JudgedStrategy {
    /// Whether it waits for a time.
    pub(super) fn is_scheduled(&self) -> bool {
        match self.says() {
            Ok(strategy) => strategy.schedule != Schedule::Now,
            Err(syntax) => !matches!(syntax, StrategySyntax::Now { .. }),
        }
    }
}

impl JudgedClassification {
    /// Returns the keys that it writes, each with the vendor's parameter.
    pub(super) fn parameters(&self) -> Vec<(&'static str, [&'static str; 2])> {
        let (categories, others) = match self.says() {
            Ok(value) => (
                VendorCategory::ALL.map(|vendor| value.categories.iter().any(|(of, _)| *of == vendor)),
                [
                    value.huawei_level.is_some(),
                    value.oppo_level.is_some(),
                    value.vivo_message_type.is_some(),
                    value.xiaomi_channel_id.is_some(),
                    value.android_channel_id.is_some(),
                ],
            ),
            Err(syntax) => (
                VendorCategory::ALL.map(|vendor| classification::category(syntax, vendor).is_some()),
                [
                    syntax.huawei.as_ref().is_some_and(|huawei| huawei.level.is_some()),
                    syntax.oppo.as_ref().is_some_and(|oppo| oppo.level.is_some()),
                    syntax.vivo.as_ref().is_some_and(|vivo| vivo.message_type.is_some()),
                    syntax.xiaomi.as_ref().is_some_and(|xiaomi| xiaomi.channel_id.is_some()),
                    syntax.android.as_ref().is_some_and(|android| android.channel_id.is_some()),
                ],
            ),
        };
        let keys = VendorCategory::ALL
            .map(|vendor| ("ThirdChannelCategory", [vendor.as_str(), "category"]))
            .into_iter()
            .chain([
                ("NotifyLevel", ["huawei", "level"]),
                ("NotifyLevel", ["oppo", "level"]),
                ("Classification", ["vivo", "message_type"]),
                ("MiChannelId", ["xiaomi", "channel_id"]),
                ("ChannelId", ["android", "channel_id"]),
            ]);
        let is_written = categories.into_iter().chain(others);
        keys.zip(is_written).filter_map(|(key, is_written)| is_written.then_some(key)).collect()
    }
}

/// What a campaign says.
#[derive(Clone, Debug)]
pub(super) struct CampaignView<'a> {
    pub(super) template: &'a str,
    pub(super) audience: &'a str,
    pub(super) classification: Option<&'a str>,
    pub(super) strategy: &'a str,
    pub(super) values: &'a BTreeMap<String, String>,
    /// The placeholders whose values stand in the audience's file.
    pub(super) values_from: Vec<&'a str>,
    pub(super) call: CallChoice,
    pub(super) channel: Option<Channel>,
    pub(super) has_transparent: bool,
    pub(super) has_sms: bool,
    pub(super) has_live_activity: bool,
}

impl JudgedCampaign {
    /// Whether it says until when it is open anew.
    pub(super) fn is_reopened(&self) -> bool {
        match self.says() {
            Ok(own) => own.open_until.is_some(),
            Err(syntax) => syntax.open_until.is_some(),
        }
    }

    /// Whether a review approves how many people get it, and not which list.
    pub(super) fn has_reviewed_audience(&self) -> bool {
        match self.says() {
            Ok(own) => own.reviewed_up_to.is_some(),
            Err(syntax) => syntax.reviewed_audience.is_some(),
        }
    }

    pub(super) fn view(&self) -> CampaignView<'_> {
        match self.says() {
            Ok(own) => CampaignView {
                template: &own.template,
                audience: &own.audience,
                classification: own.classification.as_deref(),
                strategy: &own.strategy,
                values: &own.values,
                values_from: own.values_from.keys().map(String::as_str).collect(),
                call: own.call,
                channel: own.channel,
                has_transparent: own.transparent.is_some(),
                has_sms: own.sms.is_some(),
                has_live_activity: own.live_activity.is_some(),
            },
            Err(syntax) => CampaignView {
                template: &syntax.template,
                audience: &syntax.audience,
                classification: syntax.classification.as_deref(),
                strategy: &syntax.strategy,
                values: &syntax.values,
                values_from: syntax.values_from.keys().map(String::as_str).collect(),
                call: campaign::call(syntax),
                channel: syntax.channel.map(campaign::channel),
                has_transparent: syntax.transparent.is_some(),
                has_sms: syntax.sms.is_some(),
                has_live_activity: syntax.live_activity.is_some(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{PROJECT, diagnose_files};

    /// The codes that a workspace gets, in the order of their places.
    fn codes(campaign_file: &str, project: &str) -> Vec<String> {
        let text = diagnose_files(&[("campaignctl.yaml", project), ("a.yaml", campaign_file)]);
        let lines = text.lines().filter(|line| !line.starts_with(' '));
        lines.map(|line| line.split(' ').nth(1).unwrap().trim_end_matches([':', '?']).to_owned()).collect()
    }

    /// What several declarations come to is said whether each is sound in itself or not.
    #[test]
    fn an_unsound_declaration_is_still_held_against_others() {
        let file = |name: &str, id: &str, level: &str, time: &str, after: &str| {
            format!(
                "\
templates: {{ t: {{ name: \"{name}\", title: \"#x#\", body: Body }} }}
audiences: {{ a: {{ live_activities: [\"{id}\"] }} }}
classifications: {{ c: {{ huawei: {{ category: {level} }} }} }}
strategies: {{ s: {{ send: once, at: {time} }} }}
campaigns:
  c: {{ template: t, audience: a, classification: c, strategy: s, expires_after: {after} }}
"
            )
        };
        let project = PROJECT.replace("endpoint: sandbox", "endpoint: sandbox, api_version: 2019-08-21");
        let sound = codes(&file("T", "i", "finance", "2026-12-15T09:00:00+08:00", "5m"), &project);
        assert_eq!(sound, ["placeholder-without-value", "live-activity-audience", "api-version-lacks"]);
        let unsound = codes(&file("T,", " i", "nonsense", "tomorrow", "0s"), &project);
        let own = ["template-name", "bad-target", "unknown-category", "bad-time", "expires-after"];
        for code in sound.iter().map(String::as_str).chain(own) {
            assert!(unsound.iter().any(|said| said == code), "{code} of {unsound:?}");
        }
        assert_eq!(unsound.len(), sound.len() + own.len(), "{unsound:?}");
    }
}
