//! Rules about what fits together: a campaign, its audience and its template.

use crate::check::audience::Group;
use crate::check::declaration::Declaration;
use crate::check::{Parts, placeholders};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::TargetKind;
use crate::load::model::{AudienceSyntax, CampaignSyntax};

/// Applies the rules of a campaign and what it refers to. What is not declared is not complained of again.
pub(super) fn fit(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    parts: &Parts<'_, '_>,
) {
    if let Some(template) = parts.template {
        placeholders::values(out, campaign, template);
    }
    if let Some(audience) = parts.audience
        && let Some(group) = Group::of(audience.syntax)
    {
        broadcast_sms(out, campaign, audience, group);
        broadcast_live_activity(out, campaign, audience, group);
        live_activity_audience(out, campaign, audience, group);
        channel_platform(out, campaign, audience, group);
    }
}

/// `broadcast-sms`: `PushBroadcast` has no SMS parameters.
fn broadcast_sms(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    audience: &Declaration<'_, AudienceSyntax>,
    group: Group,
) {
    if matches!(group, Group::Broadcast(_)) && campaign.syntax.sms.is_some() {
        out.push(
            Diagnostic::error(Code::BroadcastSms, campaign.key(&["sms"]), "a broadcast cannot send an SMS")
                .related(audience.key(&["broadcast"]), "the broadcast")
                .help("remove `sms`, or send it to an audience of `users` or devices"),
        );
    }
}

/// `broadcast-live-activity`: `PushBroadcast` has no Live Activity parameters.
fn broadcast_live_activity(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    audience: &Declaration<'_, AudienceSyntax>,
    group: Group,
) {
    if matches!(group, Group::Broadcast(_)) && campaign.syntax.live_activity.is_some() {
        let message = "a broadcast cannot change a Live Activity";
        out.push(
            Diagnostic::error(Code::BroadcastLiveActivity, campaign.key(&["live_activity"]), message)
                .related(audience.key(&["broadcast"]), "the broadcast")
                .help("send it to an audience of `live_activity_tokens` or `live_activities`"),
        );
    }
}

/// `live-activity-audience`: a Live Activity's change goes to tokens or activity ids, and nothing else does
/// (`DeliveryType` 5 and 6, vendor page 2871127).
fn live_activity_audience(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    audience: &Declaration<'_, AudienceSyntax>,
    group: Group,
) {
    let Group::Targets(kind) = group else { return };
    let key = kind.as_str();
    match (campaign.syntax.live_activity.is_some(), kind.is_live_activity()) {
        (true, false) => out.push(
            Diagnostic::error(
                Code::LiveActivityAudience,
                campaign.key(&["live_activity"]),
                format!("a Live Activity cannot be changed through `{key}`"),
            )
            .related(audience.key(&[key]), "the audience")
            .help("send it to an audience of `live_activity_tokens` or `live_activities`"),
        ),
        (false, true) => out.push(
            Diagnostic::error(
                Code::LiveActivityAudience,
                campaign.value(&["audience"]),
                format!("`{key}` take a Live Activity's change, and the campaign has none"),
            )
            .related(audience.key(&[key]), "the audience")
            .help("add `live_activity` with its `event` and `state`, or choose another audience"),
        ),
        (true, true) | (false, false) => {}
    }
}

/// `channel-platform`: the choice is between Android channels.
fn channel_platform(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    audience: &Declaration<'_, AudienceSyntax>,
    group: Group,
) {
    if campaign.syntax.channel.is_some() && !group.has_android() {
        let key = match group {
            Group::Targets(kind) => TargetKind::as_str(kind),
            Group::Broadcast(_) => "broadcast",
        };
        let message = "the choice of an Android channel has no effect without Android phones";
        out.push(
            Diagnostic::warning(Code::ChannelPlatform, campaign.key(&["channel"]), message)
                .related(audience.key(&[key]), "the audience")
                .help("remove it"),
        );
    }
}
