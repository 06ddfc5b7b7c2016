//! A campaign file that was judged by itself: its values, and what the rules about several declarations ask of each.
//!
//! What is sound is kept as its value alone, so that the syntax of ten thousand files is not in memory at a time.
//! Knows no other file.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::check::api_version::BindPeriod;
use crate::check::audience::{self, Group};
use crate::check::declaration::{Declaration, Section};
use crate::check::placeholders::Texts;
use crate::check::remains::RemainsJudged;
use crate::check::{
    AudienceSource, Declared, OwnContent, Strategy, audience_file, call, campaign, classification, names,
    project, strategy, template,
};
use crate::diagnostic::{Diagnostic, Place, Source};
use crate::domain::{
    CallChoice, Channel, Classification, Login, Schedule, TargetId, TargetKind, Template, VendorCategory,
};
use crate::load::model::{
    AudienceSyntax, CampaignFile, CampaignSyntax, ClassificationSyntax, LoginSyntax, ProjectFile,
    StrategySyntax, TargetFileFormat, TargetsSyntax, TemplateSyntax,
};
use crate::load::{Document, Places};

/// What a campaign file declares, judged as far as it can be by itself.
#[derive(Debug)]
pub struct JudgedFile {
    places: Arc<Places>,
    /// What is wrong with the names.
    pub(super) bad_names: Vec<Diagnostic>,
    pub(super) templates: Vec<JudgedTemplate>,
    pub(super) audiences: Vec<JudgedAudience>,
    pub(super) classifications: Vec<JudgedClassification>,
    pub(super) strategies: Vec<JudgedStrategy>,
    pub(super) campaigns: Vec<JudgedCampaign>,
    /// What is sound of declarations whose shape has a mistake.
    pub(super) remains: RemainsJudged,
}

impl JudgedFile {
    /// Returns the file's text.
    pub(super) fn source(&self) -> &Arc<Source> {
        self.places.source()
    }
}

/// Applies the rules that need no other campaign file: of a name that is declared twice, to each.
#[must_use]
pub fn file(project: Option<&Document<ProjectFile>>, document: &Document<CampaignFile>) -> JudgedFile {
    let judged = of_model(project, document, document.model());
    match document.remains() {
        None => judged,
        Some(remains) => {
            let rest = of_model(project, document, remains.model());
            JudgedFile { remains: RemainsJudged::of(rest, remains), ..judged }
        }
    }
}

fn of_model(
    project: Option<&Document<ProjectFile>>,
    document: &Document<CampaignFile>,
    model: &CampaignFile,
) -> JudgedFile {
    let zone = zone(project);
    let period = BindPeriod::of(project);
    let places = Arc::new(document.places());
    let mut bad_names = Vec::new();
    let CampaignFile { templates, audiences, classifications, strategies, campaigns } = model;
    let mut of = Of { document, places: &places, bad_names: &mut bad_names };
    JudgedFile {
        templates: of.each(Section::Templates, templates, template::template),
        audiences: of.each(Section::Audiences, audiences, |out, declaration| {
            audience::audience(out, declaration, period)
        }),
        classifications: of.each(Section::Classifications, classifications, |out, declaration| {
            Some(classification::classification(out, declaration))
        }),
        strategies: of.each(Section::Strategies, strategies, |out, declaration| {
            strategy::strategy(out, declaration, zone)
        }),
        campaigns: of.each(Section::Campaigns, campaigns, |out, declaration| {
            campaign::own_content(out, declaration, zone)
        }),
        places: Arc::clone(&places),
        bad_names,
        remains: RemainsJudged::default(),
    }
}

fn zone(project: Option<&Document<ProjectFile>>) -> Tz {
    project.map_or(project::DEFAULT_TIME_ZONE, project::time_zone)
}

struct Of<'file> {
    document: &'file Document<CampaignFile>,
    places: &'file Arc<Places>,
    bad_names: &'file mut Vec<Diagnostic>,
}

impl Of<'_> {
    /// Applies the rules of one section to each of its declarations.
    fn each<T, S: Clone>(
        &mut self,
        section: Section,
        entries: &BTreeMap<String, Box<S>>,
        rules: impl Fn(&mut Vec<Diagnostic>, &Declaration<'_, S>) -> Option<T>,
    ) -> Vec<Judged<T, S>> {
        let judged = entries.iter().map(|(name, syntax)| {
            let declaration = Declaration { section, name, syntax: &**syntax, document: self.document };
            names::bad_name(self.bad_names, &declaration);
            let mut mistakes = Vec::new();
            let value = rules(&mut mistakes, &declaration);
            let is_sound = !mistakes.iter().any(Diagnostic::is_error);
            Judged {
                section,
                name: name.clone(),
                places: Arc::clone(self.places),
                says: value
                    .filter(|_| is_sound)
                    .map(|value| Box::new(Declared { value, declared_at: declaration.declared_at() }))
                    .ok_or_else(|| syntax.clone()),
                mistakes,
            }
        });
        judged.collect()
    }
}

/// One declaration after the rules of its own.
#[derive(Debug)]
pub(super) struct Judged<T, S> {
    pub(super) section: Section,
    pub(super) name: String,
    places: Arc<Places>,
    /// Its value; what was written, where that is unsound in itself.
    pub(super) says: Result<Box<Declared<T>>, Box<S>>,
    /// What is wrong with it in itself.
    pub(super) mistakes: Vec<Diagnostic>,
}

pub(super) type JudgedTemplate = Judged<Template, TemplateSyntax>;
pub(super) type JudgedAudience = Judged<AudienceSource, AudienceSyntax>;
pub(super) type JudgedClassification = Judged<Classification, ClassificationSyntax>;
pub(super) type JudgedStrategy = Judged<Strategy, StrategySyntax>;
pub(super) type JudgedCampaign = Judged<OwnContent, CampaignSyntax>;

impl<T, S> Judged<T, S> {
    /// Returns the place of the key that declares it.
    pub(super) fn declared_at(&self) -> Place {
        match &self.says {
            Ok(declared) => declared.declared_at.clone(),
            Err(_) => self.key(&[]),
        }
    }

    /// Returns its value, or what was written where that is unsound in itself.
    fn says(&self) -> Result<&T, &S> {
        match &self.says {
            Ok(declared) => Ok(&declared.value),
            Err(syntax) => Err(syntax),
        }
    }

    /// Returns the place of a value inside it; of the nearest ancestor's where there is none.
    pub(super) fn value(&self, path: &[&str]) -> Place {
        self.places.value(&self.full(path))
    }

    /// Returns the place of a key inside it; of the nearest ancestor's where there is none.
    pub(super) fn key(&self, path: &[&str]) -> Place {
        self.places.key(&self.full(path))
    }

    fn full<'path>(&'path self, path: &[&'path str]) -> Vec<&'path str> {
        [self.section.as_str(), self.name.as_str()].into_iter().chain(path.iter().copied()).collect()
    }
}

impl JudgedTemplate {
    /// Returns its name at the vendor.
    pub(super) fn vendor_name(&self) -> &str {
        match self.says() {
            Ok(template) => template.name.as_str(),
            Err(syntax) => &syntax.name,
        }
    }

    pub(super) fn texts(&self) -> Texts<'_> {
        match self.says() {
            Ok(Template { title, body, .. }) => Texts { title, body },
            Err(syntax) => Texts::of(syntax),
        }
    }
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
    /// Returns the one group that it holds; nothing where it says none or several.
    pub(super) fn group(&self) -> Option<Group> {
        match self.says() {
            Ok(source) => Some(Group::to(source.recipients())),
            Err(syntax) => Group::of(syntax),
        }
    }

    /// Returns the ids that it lists first in YAML, if it lists any there.
    pub(super) fn ids(&self) -> Option<(TargetKind, Vec<&str>)> {
        match self.says() {
            Ok(AudienceSource::Inline(kind, ids)) => {
                Some((*kind, ids.iter().map(TargetId::as_str).collect()))
            }
            Ok(AudienceSource::Broadcast(_) | AudienceSource::File { .. }) => None,
            Err(syntax) => match audience::targets(syntax).next() {
                Some((kind, TargetsSyntax::Inline(ids))) => {
                    Some((kind, ids.iter().map(String::as_str).collect()))
                }
                Some((_, TargetsSyntax::File(_))) | None => None,
            },
        }
    }

    /// Returns how it lists the first kind of targets that it has.
    pub(super) fn listing(&self) -> Listing {
        match self.says() {
            Ok(AudienceSource::Broadcast(_)) => Listing::Broadcast,
            Ok(AudienceSource::Inline(kind, _)) => Listing::InYaml(*kind),
            Ok(AudienceSource::File { kind, file, .. }) => {
                Listing::InFile(*kind, HasColumns(file.format != TargetFileFormat::Text))
            }
            Err(syntax) => match audience::targets(syntax).next() {
                None => Listing::Broadcast,
                Some((kind, TargetsSyntax::Inline(_))) => Listing::InYaml(kind),
                Some((kind, TargetsSyntax::File(file))) => {
                    Listing::InFile(kind, HasColumns(audience_file::has_columns(file)))
                }
            },
        }
    }

    /// Whether a broadcast says how long ago those who are logged in did so.
    pub(super) fn has_bind_period(&self) -> bool {
        match self.says() {
            Ok(source) => {
                matches!(
                    source,
                    AudienceSource::Broadcast(broadcast)
                        if broadcast.login == Login::LoggedIn && broadcast.within.is_some()
                )
            }
            Err(syntax) => {
                let broadcast = syntax.broadcast.as_ref().filter(|broadcast| broadcast.within.is_some());
                broadcast
                    .is_some_and(|broadcast| matches!(broadcast.login, None | Some(LoginSyntax::LoggedIn)))
            }
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
        let mut used: Vec<(&str, [&str; 2])> = VendorCategory::ALL
            .into_iter()
            .filter(|vendor| match self.says() {
                Ok(value) => value.categories.iter().any(|(of, _)| of == vendor),
                Err(syntax) => classification::category(syntax, *vendor).is_some(),
            })
            .map(|vendor| ("ThirdChannelCategory", [vendor.as_str(), "category"]))
            .collect();
        let others = match self.says() {
            Ok(value) => [
                value.huawei_level.is_some(),
                value.oppo_level.is_some(),
                value.vivo_message_type.is_some(),
                value.xiaomi_channel_id.is_some(),
                value.android_channel_id.is_some(),
            ],
            Err(syntax) => [
                syntax.huawei.as_ref().is_some_and(|huawei| huawei.level.is_some()),
                syntax.oppo.as_ref().is_some_and(|oppo| oppo.level.is_some()),
                syntax.vivo.as_ref().is_some_and(|vivo| vivo.message_type.is_some()),
                syntax.xiaomi.as_ref().is_some_and(|xiaomi| xiaomi.channel_id.is_some()),
                syntax.android.as_ref().is_some_and(|android| android.channel_id.is_some()),
            ],
        };
        let keys = [
            ("NotifyLevel", ["huawei", "level"]),
            ("NotifyLevel", ["oppo", "level"]),
            ("Classification", ["vivo", "message_type"]),
            ("MiChannelId", ["xiaomi", "channel_id"]),
            ("ChannelId", ["android", "channel_id"]),
        ];
        used.extend(keys.into_iter().zip(others).filter_map(|(key, is_used)| is_used.then_some(key)));
        used
    }
}

/// What a campaign says, as far as rules about several declarations ask.
#[derive(Clone, Debug)]
pub(super) struct CampaignWords<'a> {
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

    pub(super) fn words(&self) -> CampaignWords<'_> {
        match self.says() {
            Ok(own) => CampaignWords {
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
            Err(syntax) => CampaignWords {
                template: &syntax.template,
                audience: &syntax.audience,
                classification: syntax.classification.as_deref(),
                strategy: &syntax.strategy,
                values: &syntax.values,
                values_from: syntax.values_from.keys().map(String::as_str).collect(),
                call: call::choice(syntax),
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
