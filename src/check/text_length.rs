//! Rules about the length of titles and bodies (vendor page 311229).

use std::collections::BTreeMap;

use crate::check::Parts;
use crate::check::declared::Declarations;
use crate::check::judged::JudgedCampaign;
use crate::check::template::endless;
use crate::check::text_limits::{Channels, Excess, TEXT_BYTES_MAX, Text};
use crate::check::texts::Texts;
use crate::diagnostic::{Code, Diagnostic, number};
use crate::domain::{self, Channel, Measure};

/// What is too long about one text of one template, over all campaigns that fill it.
#[derive(Default)]
struct Found<'files> {
    excess: Excess,
    longest: Option<(usize, &'files str)>,
}

/// `text-too-long`: of a text that values make so long that it is not looked at any further. Returns whether it is.
pub(super) fn endless_values(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, texts: Texts<'_>) -> bool {
    let values = campaign.view().values;
    let bytes = texts.by_key().map(|(key, text)| (key, domain::rendered_bytes(text, values)));
    let too_long = bytes.into_iter().find(|(_, bytes)| *bytes > TEXT_BYTES_MAX);
    if let Some((key, bytes)) = too_long {
        let (name, bytes) = (&campaign.name, number(bytes as u64));
        let message = format!("the values of campaign `{name}` make the {key} {bytes} bytes long");
        out.push(endless(campaign.key(&["values"]), message));
    }
    too_long.is_some()
}

/// `text-too-long`: a vendor channel fails a push whose title or body is too long. One warning for each text,
/// measured as the campaigns fill it. What a campaign takes from its audience file is measured as that is read.
#[derive(Default)]
pub(super) struct TooLong<'files>(BTreeMap<(&'files str, Text), Found<'files>>);

impl<'files> TooLong<'files> {
    /// Measures the texts of a campaign.
    pub(super) fn measure(&mut self, campaign: &'files JudgedCampaign, parts: &Parts<'files>) {
        let view = campaign.view();
        let (Some(template), Some(audience)) = (parts.template, parts.audience) else { return };
        let texts = template.view().texts;
        let is_endless = |text| domain::rendered_bytes(text, view.values) > TEXT_BYTES_MAX;
        if !view.values_from.is_empty()
            || texts.are_endless()
            || texts.by_key().iter().any(|(_, text)| is_endless(text))
        {
            return;
        }
        let Some(group) = audience.view().group else { return };
        let channels = Channels::to(group, view.channel == Some(Channel::SelfBuilt));
        let measured = |text: &str| Measure::of(&domain::render(text, view.values));
        let (title, body) = (measured(texts.title), measured(texts.body));
        for (text, measure) in [(Text::Title, title), (Text::Body, body)] {
            let excess = channels.excess(text, measure, title.bytes + body.bytes);
            if !excess.is_none() {
                self.0
                    .entry((&template.name, text))
                    .or_default()
                    .add(excess, (measure.characters, &campaign.name));
            }
        }
    }

    /// Reports what is too long.
    pub(super) fn report(self, out: &mut Vec<Diagnostic>, declared: &Declarations<'_>) {
        for ((name, text), Found { excess, longest }) in self.0 {
            let template = &declared.templates[name];
            let (place, key) = (template.value(&[text.as_str()]), text.as_str());
            let message = format!("the {key} of template `{name}` is {}", excess.complaint());
            let mut diagnostic =
                Diagnostic::warning(Code::TextTooLong, place, message).help(excess.help(text));
            let campaign = longest.and_then(|(_, name)| declared.campaigns.get(name));
            if let (Some(campaign), Some((count, name))) = (campaign, longest) {
                let text = format!("`{name}` makes it {} characters", number(count as u64));
                diagnostic = diagnostic.related(campaign.declared_at(), text);
            }
            out.push(diagnostic);
        }
    }
}

impl<'files> Found<'files> {
    fn add(&mut self, excess: Excess, campaign: (usize, &'files str)) {
        self.excess.add(excess);
        if self.longest.is_none_or(|(count, _)| campaign.0 > count) {
            self.longest = Some(campaign);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign_to, diagnose};

    fn title(title: &str, audience: &str, extra: &str) -> String {
        diagnose(&campaign_to(audience, extra).replace("title: Title", &format!("title: \"{title}\"")))
    }

    fn body(body: &str, audience: &str, extra: &str) -> String {
        diagnose(&campaign_to(audience, extra).replace("body: Body", &format!("body: \"{body}\"")))
    }

    #[test]
    fn each_limit_is_the_last_length_that_passes() {
        let android = "android_devices: [d]";
        assert_eq!(title(&"字".repeat(20), android, ""), "");
        insta::assert_snapshot!(title(&"字".repeat(21), android, ""), @r"
        a.yaml:1:35 text-too-long?: the title of template `t` is too long for vivo
            a.yaml:5:3 `c` makes it 21 characters
            = vivo takes 40 (a Chinese character counts as 2); a longer push is dropped
        ");
        assert_eq!(title(&"x".repeat(32), android, ""), "");
        insta::assert_snapshot!(title(&"x".repeat(51), android, ""), @r"
        a.yaml:1:35 text-too-long?: the title of template `t` is too long for Huawei, Xiaomi, OPPO, vivo
            a.yaml:5:3 `c` makes it 51 characters
            = Huawei takes 40, Xiaomi takes 50, OPPO takes 32, vivo takes 40 (a Chinese character counts as 2); a longer push is dropped
        ");
        assert_eq!(body(&"字".repeat(50), android, ""), "");
        insta::assert_snapshot!(body(&"x".repeat(129), android, ""), @r"
        a.yaml:1:48 text-too-long?: the body of template `t` is too long for Xiaomi, vivo
            a.yaml:5:3 `c` makes it 129 characters
            = Xiaomi takes 128, vivo takes 100 (a Chinese character counts as 2); a longer push is dropped
        ");
        assert_eq!(title(&"字".repeat(30), "harmonyos_devices: [d]", ""), "");
        insta::assert_snapshot!(title(&"字".repeat(31), "harmonyos_devices: [d]", ""), @r"
        a.yaml:1:35 text-too-long?: the title of template `t` is too long for HarmonyOS
            a.yaml:5:3 `c` makes it 31 characters
            = HarmonyOS takes 30; a longer push is dropped
        ");
    }

    #[test]
    fn ios_and_mpaas_own_channel_only_bound_the_bytes() {
        let ios = "ios_devices: [d]";
        assert_eq!(title(&"字".repeat(100), ios, ""), "");
        assert_eq!(body(&"字".repeat(100), "android_devices: [d]", ", channel: self_built"), "");
        assert_eq!(body(&"x".repeat(2043), ios, ""), "");
        insta::assert_snapshot!(body(&"x".repeat(2044), ios, ""), @r"
        a.yaml:1:48 text-too-long?: the body of template `t` is longer than a push can carry
            a.yaml:5:3 `c` makes it 2 044 characters
            = title and body together take 2 048 bytes on Android and iOS; a longer push is dropped
        ");
    }

    #[test]
    fn length_is_measured_with_the_values_and_said_once_for_each_text() {
        let text = campaign_to("users: [u]", ", values: { m: \"12345678901234567890123456789\" }")
            .replace("title: Title", "title: \"您好 #m#\"")
            .replace(
                "  c:",
                "  d: { template: t, audience: a, strategy: s, expires_after: 5m, values: { m: ok } }\n  c:",
            );
        insta::assert_snapshot!(diagnose(&text), @r"
        a.yaml:1:35 text-too-long?: the title of template `t` is too long for HarmonyOS
            a.yaml:6:3 `c` makes it 32 characters
            = HarmonyOS takes 30; a longer push is dropped
        ");
    }

    #[test]
    fn a_text_beyond_all_measure_is_refused_before_it_is_filled() {
        insta::assert_snapshot!(title(&"x".repeat(16 * 1024 + 1), "users: [u]", ""), @r"
        a.yaml:1:35 text-too-long: the title of template `t` has 16 385 bytes
            = shorten it: no channel takes more than a few thousand bytes, and none 16 384
        ");
        let value = format!(", values: {{ m: {} }}", "y".repeat(1000));
        insta::assert_snapshot!(body(&"#m#".repeat(17), "users: [u]", &value), @r"
        a.yaml:5:66 text-too-long: the values of campaign `c` make the body 17 000 bytes long
            = shorten it: no channel takes more than a few thousand bytes, and none 16 384
        ");
    }
}
