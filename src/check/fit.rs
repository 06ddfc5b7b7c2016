//! Rules about what fits together: a campaign, its audience and its template.

use crate::check::group::Group;
use crate::check::judged::{JudgedAudience, JudgedCampaign, JudgedStrategy};
use crate::check::views::{HasColumns, Listing};
use crate::check::{Parts, call, placeholders, text_length};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::TargetKind;

/// Applies the rules of a campaign and what it refers to. What is not declared is not complained of again.
pub(super) fn fit(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, parts: &Parts<'_>) {
    if let Some(template) = parts.template
        && let texts = template.view().texts
        && !texts.are_endless()
        && !text_length::endless_values(out, campaign, texts)
    {
        placeholders::values(out, campaign, template);
    }
    if let Some(strategy) = parts.strategy {
        open_until_scheduled(out, campaign, strategy);
    }
    if let Some(audience) = parts.audience
        && let Some(group) = audience.view().group
    {
        broadcast_sms(out, campaign, audience, group);
        broadcast_live_activity(out, campaign, audience, group);
        broadcast_reviewed_audience(out, campaign, audience, group);
        live_activity_audience(out, campaign, audience, group);
        channel_platform(out, campaign, audience, group);
        call::call_mismatch(out, campaign, audience, group);
        values_without_file(out, campaign, audience);
    }
}

/// `wrong-value`: what the vendor sends at a time of its own is over then, and cannot be reopened.
fn open_until_scheduled(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, strategy: &JudgedStrategy) {
    if campaign.is_reopened() && strategy.is_scheduled() {
        let place = campaign.key(&["open_until"]);
        out.push(
            Diagnostic::error(Code::WrongValue, place, "only what is sent `now` can be reopened")
                .related(strategy.key(&["send"]), "the strategy")
                .help("remove `open_until`, or choose a strategy with `send: now`"),
        );
    }
}

/// `broadcast-sms`: `PushBroadcast` has no SMS parameters.
fn broadcast_sms(
    out: &mut Vec<Diagnostic>,
    campaign: &JudgedCampaign,
    audience: &JudgedAudience,
    group: Group,
) {
    if matches!(group, Group::Broadcast(_)) && campaign.view().has_sms {
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
    campaign: &JudgedCampaign,
    audience: &JudgedAudience,
    group: Group,
) {
    if matches!(group, Group::Broadcast(_)) && campaign.view().has_live_activity {
        let message = "a broadcast cannot change a Live Activity";
        out.push(
            Diagnostic::error(Code::BroadcastLiveActivity, campaign.key(&["live_activity"]), message)
                .related(audience.key(&["broadcast"]), "the broadcast")
                .help("send it to an audience of `live_activity_tokens` or `live_activities`"),
        );
    }
}

/// `wrong-value`: a broadcast has no list that could be another one every night.
fn broadcast_reviewed_audience(
    out: &mut Vec<Diagnostic>,
    campaign: &JudgedCampaign,
    audience: &JudgedAudience,
    group: Group,
) {
    if matches!(group, Group::Broadcast(_)) && campaign.has_reviewed_audience() {
        let message = "a broadcast goes to everyone, and nobody counts them";
        out.push(
            Diagnostic::error(Code::WrongValue, campaign.key(&["reviewed_audience"]), message)
                .related(audience.key(&["broadcast"]), "the broadcast")
                .help("remove `reviewed_audience`"),
        );
    }
}

/// `live-activity-audience`: a Live Activity's change goes to tokens or activity ids, and nothing else does
/// (`DeliveryType` 5 and 6, vendor page 2871127).
fn live_activity_audience(
    out: &mut Vec<Diagnostic>,
    campaign: &JudgedCampaign,
    audience: &JudgedAudience,
    group: Group,
) {
    let Group::Targets(kind) = group else { return };
    let key = kind.as_str();
    match (campaign.view().has_live_activity, kind.is_live_activity()) {
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
    campaign: &JudgedCampaign,
    audience: &JudgedAudience,
    group: Group,
) {
    if campaign.view().channel.is_some() && !group.has_android() {
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

/// `values-without-file`: only CSV, JSON Lines and Parquet have columns.
fn values_without_file(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, audience: &JudgedAudience) {
    if campaign.view().values_from.is_empty() {
        return;
    }
    let (what, place) = match audience.view().listing {
        Listing::Broadcast => ("is a broadcast", audience.key(&["broadcast"])),
        Listing::InYaml(kind) => ("is a list in YAML", audience.key(&[kind.as_str()])),
        Listing::InFile(kind, HasColumns(false)) => {
            ("is a text file", audience.value(&[kind.as_str(), "file"]))
        }
        Listing::InFile(_, HasColumns(true)) => return,
    };
    let message = format!("audience `{}` {what}, and has no columns to take values from", audience.name);
    out.push(
        Diagnostic::error(Code::ValuesWithoutFile, campaign.key(&["values_from"]), message)
            .related(place, "the audience")
            .help("list its targets in a CSV, JSON Lines or Parquet file, with a column for each value"),
    );
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, campaign_to, diagnose};

    const ACTIVITY: &str = ", live_activity: { event: update, state: { a: 1 } }";
    const SMS: &str = ", sms: { strategy: concurrent, sign_name: A, template_code: S, params: {} }";
    const BROADCAST: &str = "broadcast: { platform: ios, within: 7d }";

    #[test]
    fn a_broadcast_takes_neither_sms_nor_live_activity() {
        assert_eq!(diagnose(&campaign(SMS)), "");
        assert_eq!(diagnose(&campaign_to("live_activities: [x]", ACTIVITY)), "");
        insta::assert_snapshot!(diagnose(&campaign_to(BROADCAST, SMS)), @r"
        a.yaml:5:66 broadcast-sms: a broadcast cannot send an SMS
            a.yaml:2:19 the broadcast
            = remove `sms`, or send it to an audience of `users` or devices
        ");
        insta::assert_snapshot!(diagnose(&campaign_to(BROADCAST, ACTIVITY)), @r"
        a.yaml:5:66 broadcast-live-activity: a broadcast cannot change a Live Activity
            a.yaml:2:19 the broadcast
            = send it to an audience of `live_activity_tokens` or `live_activities`
        ");
    }

    #[test]
    fn a_live_activity_and_its_audience_need_each_other() {
        insta::assert_snapshot!(diagnose(&campaign(ACTIVITY)), @r"
        a.yaml:5:66 live-activity-audience: a Live Activity cannot be changed through `users`
            a.yaml:2:19 the audience
            = send it to an audience of `live_activity_tokens` or `live_activities`
        ");
        insta::assert_snapshot!(diagnose(&campaign_to("live_activity_tokens: [x]", "")), @r"
        a.yaml:5:31 live-activity-audience: `live_activity_tokens` take a Live Activity's change, and the campaign has none
            a.yaml:2:19 the audience
            = add `live_activity` with its `event` and `state`, or choose another audience
        ");
    }

    #[test]
    fn an_android_channel_needs_android() {
        assert_eq!(diagnose(&campaign(", channel: default")), "");
        insta::assert_snapshot!(diagnose(&campaign_to("harmonyos_devices: [d]", ", channel: self_built")), @r"
        a.yaml:5:66 channel-platform?: the choice of an Android channel has no effect without Android phones
            a.yaml:2:19 the audience
            = remove it
        ");
        insta::assert_snapshot!(diagnose(&campaign_to(BROADCAST, ", channel: self_built")), @r"
        a.yaml:5:66 channel-platform?: the choice of an Android channel has no effect without Android phones
            a.yaml:2:19 the audience
            = remove it
        ");
    }

    #[test]
    fn columns_are_a_files() {
        let own_values = |audience: &str| {
            diagnose(
                &campaign_to(audience, ", values_from: { name: nick }")
                    .replace("body: Body", "body: \"#name#\""),
            )
        };
        for sound in ["{ file: a.jsonl, field: id }", "{ file: a.csv.gz, column: id }"] {
            assert_eq!(own_values(&format!("users: {sound}")), "", "{sound}");
        }
        insta::assert_snapshot!(own_values("users: [u]"), @r"
        a.yaml:5:66 values-without-file: audience `a` is a list in YAML, and has no columns to take values from
            a.yaml:2:19 the audience
            = list its targets in a CSV, JSON Lines or Parquet file, with a column for each value
        ");
        insta::assert_snapshot!(own_values("users: { file: a.txt }"), @r"
        a.yaml:5:66 values-without-file: audience `a` is a text file, and has no columns to take values from
            a.yaml:2:34 the audience
            = list its targets in a CSV, JSON Lines or Parquet file, with a column for each value
        ");
        insta::assert_snapshot!(own_values("broadcast: { platform: ios, within: 7d }"), @r"
        a.yaml:5:66 values-without-file: audience `a` is a broadcast, and has no columns to take values from
            a.yaml:2:19 the audience
            = list its targets in a CSV, JSON Lines or Parquet file, with a column for each value
        ");
    }
}
