//! Rules about the vendor's older API version.

use std::collections::BTreeMap;

use crate::check::declared::Declarations;
use crate::check::group::Group;
use crate::check::judged::JudgedCampaign;
use crate::check::names;
use crate::check::views::AudienceView;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::load::Document;
use crate::load::model::{ApiVersionSyntax, ProjectFile};

/// Most uses that one diagnostic points at.
const USES_MAX: usize = 3;

/// Where a workspace uses a parameter first, by the parameter's name.
type Uses = BTreeMap<&'static str, Place>;

/// `api-version-lacks`: version 2019-08-21 knows neither times nor vendor options (its last SDK, 1.0.0). A
/// scheduled push could go out at once there, so this is an error. Said once for each environment.
pub(super) fn api_version_lacks(
    out: &mut Vec<Diagnostic>,
    document: &Document<ProjectFile>,
    declared: &Declarations<'_>,
) {
    let mut uses_of_all = None;
    for (name, environment) in &document.model().environments {
        if environment.api_version != Some(ApiVersionSyntax::V20190821) {
            continue;
        }
        let mut uses: Uses = uses_of_all.get_or_insert_with(|| uses(declared)).clone();
        if environment.tenant_id.is_some() {
            uses.insert("TenantId", document.key(&["environments", name, "tenant_id"]));
        }
        if uses.is_empty() {
            continue;
        }
        let parameters: Vec<&str> = uses.keys().copied().collect();
        let message = format!("API version 2019-08-21 lacks {}", names::listed(&parameters));
        let place = document.value(&["environments", name, "api_version"]);
        let mut diagnostic = Diagnostic::error(Code::ApiVersionLacks, place, message)
            .help("remove `api_version`: the default, 2020-10-28, has everything");
        for (parameter, place) in uses.iter().take(USES_MAX) {
            diagnostic = diagnostic.related(place.clone(), format!("needs `{parameter}`"));
        }
        out.push(diagnostic);
    }
}

fn uses(declared: &Declarations<'_>) -> Uses {
    let mut uses = Uses::new();
    for campaign in declared.campaigns.values() {
        campaign_uses(&mut uses, declared, campaign);
    }
    uses
}

fn campaign_uses(uses: &mut Uses, declared: &Declarations<'_>, campaign: &JudgedCampaign) {
    let view = campaign.view();
    let mut add = |parameter, place: &dyn Fn() -> Place| {
        uses.entry(parameter).or_insert_with(place);
    };
    if view.has_sms {
        add("SmsStrategy", &|| campaign.key(&["sms"]));
    }
    if view.has_live_activity {
        add("ActivityEvent", &|| campaign.key(&["live_activity"]));
    }
    if view.has_transparent {
        add("TransparentMessagePayload", &|| campaign.key(&["transparent"]));
    }
    if let Some(strategy) = declared.strategies.get(view.strategy)
        && strategy.is_scheduled()
    {
        add("StrategyType", &|| strategy.value(&["send"]));
    }
    if let Some(audience) = declared.audiences.get(view.audience)
        && let AudienceView { group: Some(Group::Broadcast(_)), has_bind_period, .. } = audience.view()
    {
        if has_bind_period {
            add("BindPeriod", &|| audience.key(&["broadcast", "within"]));
        }
        if view.channel.is_some() {
            add("AndroidChannel", &|| campaign.key(&["channel"]));
        }
    }
    let classification = view.classification.and_then(|name| declared.classifications.get(name));
    if let Some(classification) = classification {
        for (parameter, path) in classification.parameters() {
            add(parameter, &|| classification.key(&path));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::diagnose_files;

    #[test]
    fn the_old_version_is_refused_what_it_lacks_and_only_that() {
        let project = "\
version: 1
project: acme
environments: { old: { app_id: A, workspace_id: w, endpoint: sandbox, api_version: 2019-08-21, tenant_id: T } }
";
        let everything = "\
templates: { t: { name: T, title: Title, body: Body } }
audiences: { a: { users: [u] }, b: { broadcast: { platform: android, within: 7d } } }
classifications: { k: { huawei: { category: im, level: low }, vivo: { message_type: system }, xiaomi: { channel_id: \"1\" }, android: { channel_id: x } } }
strategies: { s: { send: once, at: 2026-12-15T09:00 } }
campaigns:
  c: { template: t, audience: a, strategy: s, classification: k, expires_after: 5m, transparent: { payload: { fcm: {} } } }
  d: { template: t, audience: b, strategy: s, expires_after: 5m, channel: default }
";
        insta::assert_snapshot!(diagnose_files(&[("campaignctl.yaml", project), ("a.yaml", everything)]), @r"
        campaignctl.yaml:3:84 api-version-lacks: API version 2019-08-21 lacks `AndroidChannel`, `BindPeriod`, `ChannelId`, `Classification`, `MiChannelId`, `NotifyLevel`, `StrategyType`, `TenantId`, `ThirdChannelCategory`, `TransparentMessagePayload`
            a.yaml:7:66 needs `AndroidChannel`
            a.yaml:2:70 needs `BindPeriod`
            a.yaml:3:135 needs `ChannelId`
            = remove `api_version`: the default, 2020-10-28, has everything
        ");
        let plain = "\
templates: { t: { name: T, title: Title, body: Body } }
audiences: { a: { users: [u] }, b: { broadcast: { platform: android, login: all, within: 7d } } }
strategies: { s: { send: now } }
campaigns:
  c: { template: t, audience: a, strategy: s, expires_after: 5m, extended_params: { a: b }, channel: self_built }
  d: { template: t, audience: b, strategy: s, expires_after: 5m }
";
        let project = project.replace(", tenant_id: T", "");
        assert_eq!(diagnose_files(&[("campaignctl.yaml", &project), ("a.yaml", plain)]), "");
    }
}
