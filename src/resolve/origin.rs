//! Where each of the vendor's parameters of a campaign was written.

use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::domain::{CampaignId, EnvironmentName};
use crate::load::model::{CampaignFile, CampaignSyntax};
use crate::load::{Document, Workspace};

/// The kinds of declaration that a campaign is made of.
#[derive(Clone, Copy)]
enum Of {
    Campaign,
    Template,
    Audience,
    Classification,
    Strategy,
    Environment,
}

/// Which keys become which parameter: of several, the first that is written.
const KEYS: [(&str, Of, &[&[&str]]); 34] = [
    ("AppId", Of::Environment, &[&["app_id"]]),
    ("WorkspaceId", Of::Environment, &[&["workspace_id"]]),
    ("TenantId", Of::Environment, &[&["tenant_id"]]),
    ("TaskName", Of::Campaign, &[&["task_name"]]),
    ("TemplateName", Of::Template, &[&["name"]]),
    ("TemplateKeyValue", Of::Campaign, &[&["values_from"], &["values"]]),
    ("ExpiredSeconds", Of::Campaign, &[&["expires_after"]]),
    ("ExtendedParams", Of::Campaign, &[&["extended_params"]]),
    ("StrategyType", Of::Strategy, &[&["send"]]),
    ("StrategyContent", Of::Strategy, &[&["at"], &["every"], &["from"]]),
    ("DeliveryType", Of::Audience, &[&["broadcast", "platform"], &[]]),
    ("TargetMsgkey", Of::Audience, &[&[]]),
    ("TargetMsg", Of::Audience, &[&[]]),
    ("PushStatus", Of::Audience, &[&["broadcast", "login"]]),
    ("BindPeriod", Of::Audience, &[&["broadcast", "within"]]),
    ("UnBindPeriod", Of::Audience, &[&["broadcast", "within"]]),
    ("NotifyType", Of::Campaign, &[&["channel"]]),
    ("AndroidChannel", Of::Campaign, &[&["channel"]]),
    ("ThirdChannelCategory", Of::Classification, &[&[]]),
    ("NotifyLevel", Of::Classification, &[&["huawei", "level"], &["oppo", "level"]]),
    ("Classification", Of::Classification, &[&["vivo", "message_type"]]),
    ("MiChannelId", Of::Classification, &[&["xiaomi", "channel_id"]]),
    ("ChannelId", Of::Classification, &[&["android", "channel_id"]]),
    ("TransparentMessagePayload", Of::Campaign, &[&["transparent", "payload"]]),
    ("TransparentMessageUrgency", Of::Campaign, &[&["transparent", "urgency"]]),
    ("SmsStrategy", Of::Campaign, &[&["sms", "strategy"]]),
    ("SmsSignName", Of::Campaign, &[&["sms", "sign_name"]]),
    ("SmsTemplateCode", Of::Campaign, &[&["sms", "template_code"]]),
    ("SmsTemplateParam", Of::Campaign, &[&["sms", "params"]]),
    ("ActivityEvent", Of::Campaign, &[&["live_activity", "event"]]),
    ("ActivityContentState", Of::Campaign, &[&["live_activity", "state"]]),
    ("DismissalDate", Of::Campaign, &[&["live_activity", "dismiss_at"]]),
    ("Title", Of::Template, &[&["title"]]),
    ("Content", Of::Template, &[&["body"]]),
];

/// Returns where a campaign's parameters are written, by their wire names, and the template's words under `Title`
/// and `Content`. What has a default and is not written, and what is derived, is absent.
#[must_use]
pub fn origins(
    workspace: &Workspace,
    campaign: &CampaignId,
    environment: &EnvironmentName,
) -> BTreeMap<&'static str, Place> {
    let Some((own, document)) = find(workspace, campaign) else { return BTreeMap::new() };
    let mut places = BTreeMap::new();
    for (parameter, of, keys) in KEYS {
        let place = match of {
            Of::Campaign => first(document, &["campaigns", campaign.as_str()], keys),
            Of::Template => declared(workspace, "templates", &own.template, keys),
            Of::Audience => declared(workspace, "audiences", &own.audience, keys),
            Of::Classification => own
                .classification
                .as_ref()
                .and_then(|name| declared(workspace, "classifications", name, keys)),
            Of::Strategy => declared(workspace, "strategies", &own.strategy, keys),
            Of::Environment => {
                let project = workspace.project.as_deref();
                project.and_then(|project| first(project, &["environments", environment.as_str()], keys))
            }
        };
        places.extend(place.map(|place| (parameter, place)));
    }
    places
}

fn find<'a>(
    workspace: &'a Workspace,
    campaign: &CampaignId,
) -> Option<(&'a CampaignSyntax, &'a Document<CampaignFile>)> {
    let of_file = |file: &'a Document<CampaignFile>| {
        file.model().campaigns.get(campaign.as_str()).map(|declared| (&**declared, file))
    };
    workspace.files.iter().find_map(|file| of_file(file))
}

fn declared(workspace: &Workspace, section: &str, name: &str, keys: &[&[&str]]) -> Option<Place> {
    workspace.files.iter().find_map(|file| first(file, &[section, name], keys))
}

/// Returns the place of the first of some keys that is written below a declaration.
fn first<T>(document: &Document<T>, declaration: &[&str], keys: &[&[&str]]) -> Option<Place> {
    keys.iter().find_map(|key| {
        let path = [declaration, key].concat();
        document.has(&path).then(|| document.key(&path))
    })
}
