//! Rules about what a campaign says itself.

use chrono_tz::Tz;

use crate::check::comment::text_in_comment;
use crate::check::declaration::Declaration;
use crate::check::{
    OwnContent, duration, foreign_placeholder, live_activity, params, sms, time, transparent, values_from,
    wire_text,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{CallChoice, Channel, ExpiresAfter, Revision};
use crate::load::model::{CallSyntax, CampaignSyntax, ChannelSyntax};

/// Applies the rules of one campaign that need nothing else; times without an offset are in `zone`.
pub(super) fn own_content(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    zone: Tz,
) -> Option<OwnContent> {
    let syntax = declaration.syntax;
    if let Some(task_name) = &syntax.task_name {
        wire_text::check(out, "task_name", task_name, || declaration.value(&["task_name"]));
    }
    for name in syntax.values.keys() {
        text_in_comment(out, &declaration.value(&["values", name]), || format!("the value of `{name}`"));
    }
    wire_text::campaign_texts(out, declaration);
    foreign_placeholder::values(out, declaration);
    values_from::values_from(out, declaration);
    params::extended_params(out, declaration);
    let expires_after = expires_after(out, declaration);
    let transparent =
        syntax.transparent.as_ref().map(|syntax| transparent::transparent(out, declaration, syntax));
    let sms = syntax.sms.as_ref().map(|syntax| sms::sms(out, declaration, syntax));
    let live_activity = syntax
        .live_activity
        .as_ref()
        .map(|syntax| live_activity::live_activity(out, declaration, syntax, zone));
    let current = syntax.revision.map_or(Revision::FIRST, revision);
    let withdrawn = syntax.withdrawn.map(revision);
    if withdrawn.is_some_and(|withdrawn| withdrawn > current) {
        let message = format!("`withdrawn` must not be higher than `revision`, which is {current}");
        out.push(
            Diagnostic::error(Code::WrongValue, declaration.value(&["withdrawn"]), message)
                .help("name the last revision whose tasks you deleted in the mPaaS console"),
        );
    }
    if syntax.reviewed_audience.is_some() && !syntax.values_from.is_empty() {
        let place = declaration.key(&["reviewed_audience"]);
        let message = "a list that nobody reads before it is sent cannot give the message its words";
        out.push(
            Diagnostic::error(Code::WrongValue, place, message)
                .related(declaration.key(&["values_from"]), "these come from the list")
                .help("take the values from `values`, or remove `reviewed_audience` and have each list approved"),
        );
    }
    let open_until = syntax.open_until.as_ref().and_then(|text| {
        let read = time::instant(text, zone);
        read.map_err(|error| out.push(error.report(declaration.value(&["open_until"])))).ok()
    });
    Some(OwnContent {
        template: syntax.template.clone(),
        audience: syntax.audience.clone(),
        classification: syntax.classification.clone(),
        strategy: syntax.strategy.clone(),
        revision: current,
        withdrawn,
        open_until,
        is_closed: syntax.closed,
        reviewed_up_to: syntax.reviewed_audience.map(|reviewed| reviewed.up_to),
        values: syntax.values.clone(),
        values_from: values_from::columns(declaration),
        call: call(syntax),
        expires_after: expires_after?,
        task_name: syntax.task_name.clone(),
        extended_params: syntax.extended_params.clone(),
        channel: syntax.channel.map(channel),
        transparent: required(transparent)?,
        sms: required(sms)?,
        live_activity,
    })
}

fn revision(number: u32) -> Revision {
    Revision::new(number).expect("the schema asks for 1 or more")
}

/// Returns the call that a campaign chooses.
pub(super) fn call(syntax: &CampaignSyntax) -> CallChoice {
    match syntax.call {
        None | Some(CallSyntax::Auto) => CallChoice::Auto,
        Some(CallSyntax::Template) => CallChoice::Template,
        Some(CallSyntax::Multiple) => CallChoice::Multiple,
    }
}

/// Returns the channel that a campaign chooses.
pub(super) fn channel(syntax: ChannelSyntax) -> Channel {
    match syntax {
        ChannelSyntax::Default => Channel::Default,
        ChannelSyntax::SelfBuilt => Channel::SelfBuilt,
    }
}

/// Turns “given, but unsound” into nothing at all, and keeps “not given”.
#[allow(clippy::option_option, reason = "absent is sound, and unsound is not absent")]
fn required<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        None => Some(None),
        Some(sound) => sound.map(Some),
    }
}

/// `expires-after`: whole seconds, at least one (`ExpiredSeconds`, result code 3020).
fn expires_after(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
) -> Option<ExpiresAfter> {
    let read = duration::seconds(&declaration.syntax.expires_after);
    let message = match read.map(ExpiresAfter::from_seconds) {
        Ok(Ok(expires_after)) => return Some(expires_after),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    out.push(
        Diagnostic::error(Code::ExpiresAfter, declaration.value(&["expires_after"]), message)
            .help("write seconds, minutes, hours or days: `300s`, `5m`, `2h 30m`, `7d`"),
    );
    None
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    #[test]
    fn a_push_is_valid_for_whole_seconds() {
        let expires = |text: &str| diagnose(&campaign("").replace("after: 5m", &format!("after: {text}")));
        assert_eq!(expires("1s"), "");
        insta::assert_snapshot!(expires("0s"), @r"
        a.yaml:5:62 expires-after: a message cannot expire after zero seconds
            = write seconds, minutes, hours or days: `300s`, `5m`, `2h 30m`, `7d`
        ");
        insta::assert_snapshot!(expires("1500ms"), @r"
        a.yaml:5:62 expires-after: `1500ms` is no whole number of seconds
            = write seconds, minutes, hours or days: `300s`, `5m`, `2h 30m`, `7d`
        ");
        insta::assert_snapshot!(expires("5M"), @r"
        a.yaml:5:62 expires-after: `5M` counts in months or years, which have no fixed length
            = write seconds, minutes, hours or days: `300s`, `5m`, `2h 30m`, `7d`
        ");
        insta::assert_snapshot!(expires("\"300\""), @r"
        a.yaml:5:62 expires-after: `300` lacks its unit
            = write seconds, minutes, hours or days: `300s`, `5m`, `2h 30m`, `7d`
        ");
    }

    #[test]
    fn a_list_that_nobody_approved_gives_no_words() {
        assert_eq!(diagnose(&campaign(", reviewed_audience: { up_to: 5 }")), "");
        let said = diagnose(&campaign(", reviewed_audience: { up_to: 5 }, values_from: { name: nick }"));
        assert!(said.contains("wrong-value: a list that nobody reads before it is sent"), "{said}");
    }

    #[test]
    fn only_this_or_an_earlier_revision_can_be_withdrawn() {
        for sound in ["revision: 2, withdrawn: 1", "revision: 2, withdrawn: 2", "withdrawn: 1"] {
            assert_eq!(diagnose(&campaign(&format!(", {sound}"))), "");
        }
        let said = diagnose(&campaign(", revision: 2, withdrawn: 3"));
        assert!(
            said.contains("wrong-value: `withdrawn` must not be higher than `revision`, which is 2"),
            "{said}"
        );
    }

    #[test]
    fn a_task_name_is_visible() {
        assert_eq!(diagnose(&campaign(", task_name: 十二月 payday")), "");
        insta::assert_snapshot!(diagnose(&campaign(", task_name: \" \"")), @r"
        a.yaml:5:77 wrong-value: `task_name` is blank
            = write it, or remove the key
        ");
        insta::assert_snapshot!(diagnose(&campaign(", task_name: \"a\\nb\"")), @r"
        a.yaml:5:77 wrong-value: `task_name` contains the control character U+000A
            = remove it: it would be sent
        ");
    }
}
