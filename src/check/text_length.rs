//! Rules about the length of titles and bodies (vendor page 311229).

use std::collections::BTreeMap;

use crate::check::audience::Group;
use crate::check::declaration::{Declaration, Declarations};
use crate::check::placeholders::texts;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain;
use crate::load::model::{CampaignSyntax, ChannelSyntax, TemplateSyntax};

/// Most bytes of title and body together, on Android and iOS.
const TOTAL_BYTES_MAX: usize = 2048;

/// Most bytes of a title or body, filled: four times what the most generous channel takes (Honor: 4096). Every
/// campaign fills its template, and a value stands wherever its placeholder does: without a bound two files could
/// amount to more than the memory.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// How a vendor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Characters of any script.
    Characters,
    /// A Chinese character counts for two.
    HalfWidths,
}

impl Unit {
    fn count(self, text: &str) -> usize {
        match self {
            Self::Characters => text.chars().count(),
            Self::HalfWidths => text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum(),
        }
    }

    fn limit(self, limit: usize) -> String {
        match self {
            Self::Characters => limit.to_string(),
            Self::HalfWidths => format!("{limit} (a Chinese character counts for 2)"),
        }
    }
}

/// A vendor channel's limits.
struct Limits {
    vendor: &'static str,
    is_android: bool,
    unit: Unit,
    title: usize,
    body: usize,
}

const LIMITS: [Limits; 6] = [
    Limits { vendor: "Huawei", is_android: true, unit: Unit::Characters, title: 40, body: 1024 },
    Limits { vendor: "Honor", is_android: true, unit: Unit::HalfWidths, title: 60, body: 4096 },
    Limits { vendor: "Xiaomi", is_android: true, unit: Unit::Characters, title: 50, body: 128 },
    Limits { vendor: "OPPO", is_android: true, unit: Unit::Characters, title: 32, body: 200 },
    Limits { vendor: "vivo", is_android: true, unit: Unit::HalfWidths, title: 40, body: 100 },
    Limits { vendor: "HarmonyOS", is_android: false, unit: Unit::Characters, title: 30, body: 2048 },
];

/// What is too long about one text of one template, over all campaigns that fill it.
#[derive(Default)]
struct Excess<'workspace> {
    vendors: Vec<bool>,
    is_over_total: bool,
    longest: Option<(usize, &'workspace str)>,
}

/// Whether a template's texts are far beyond what any channel takes, before they are filled.
pub(super) fn is_endless(template: &TemplateSyntax) -> bool {
    texts(template).iter().any(|(_, text)| text.len() > TEXT_BYTES_MAX)
}

/// `text-too-long`: a text of such length that it is not looked at any further.
pub(super) fn endless_template(out: &mut Vec<Diagnostic>, template: &Declaration<'_, TemplateSyntax>) {
    for (key, text) in texts(template.syntax) {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("the {key} of template `{}` has {} bytes", template.name, text.len());
            out.push(endless(template.value(&[key]), message));
        }
    }
}

/// `text-too-long`: the same of a text that values make so long. Returns whether it is.
pub(super) fn endless_values(
    out: &mut Vec<Diagnostic>,
    campaign: &Declaration<'_, CampaignSyntax>,
    template: &TemplateSyntax,
) -> bool {
    let bytes =
        texts(template).map(|(key, text)| (key, domain::rendered_bytes(text, &campaign.syntax.values)));
    let too_long = bytes.into_iter().find(|(_, bytes)| *bytes > TEXT_BYTES_MAX);
    if let Some((key, bytes)) = too_long {
        let message = format!("the values of campaign `{}` make the {key} {bytes} bytes long", campaign.name);
        out.push(endless(campaign.key(&["values"]), message));
    }
    too_long.is_some()
}

fn endless(place: Place, message: String) -> Diagnostic {
    Diagnostic::error(Code::TextTooLong, place, message).help(format!(
        "shorten it: no channel takes more than a few thousand bytes, and none {TEXT_BYTES_MAX}"
    ))
}

/// `text-too-long`: a vendor channel fails a push whose title or body is too long. One warning for each text,
/// measured as the campaigns fill it.
pub(super) fn text_too_long(out: &mut Vec<Diagnostic>, declared: &Declarations<'_>) {
    let mut found: BTreeMap<(&str, &str), Excess<'_>> = BTreeMap::new();
    for campaign in declared.campaigns.values() {
        let syntax = campaign.syntax;
        let Some(template) = declared.templates.get(syntax.template.as_str()) else { continue };
        let is_endless = |text| domain::rendered_bytes(text, &syntax.values) > TEXT_BYTES_MAX;
        if self::is_endless(template.syntax)
            || texts(template.syntax).iter().any(|(_, text)| is_endless(text))
        {
            continue;
        }
        let audience = declared.audiences.get(syntax.audience.as_str());
        let Some(group) = audience.and_then(|audience| Group::of(audience.syntax)) else { continue };
        let is_self_built = syntax.channel == Some(ChannelSyntax::SelfBuilt);
        let filled = texts(template.syntax).map(|(key, text)| (key, domain::render(text, &syntax.values)));
        let total_bytes: usize = filled.iter().map(|(_, text)| text.len()).sum();
        for (key, text) in &filled {
            let vendors = LIMITS.iter().map(|limits| {
                let limit = if *key == "title" { limits.title } else { limits.body };
                applies(limits, group, is_self_built) && limits.unit.count(text) > limit
            });
            let vendors: Vec<bool> = vendors.collect();
            let has_total = group.has_android() || group.has_ios();
            let is_over_total = *key == "body" && has_total && total_bytes > TOTAL_BYTES_MAX;
            if is_over_total || vendors.contains(&true) {
                let excess = found.entry((template.name, key)).or_default();
                excess.add(&vendors, is_over_total, (text.chars().count(), campaign.name));
            }
        }
    }
    for ((name, key), excess) in found {
        let template = &declared.templates[name];
        let campaign = excess.longest.and_then(|(_, name)| declared.campaigns.get(name));
        let mut diagnostic = report(template, key, &excess);
        if let (Some(campaign), Some((count, name))) = (campaign, excess.longest) {
            let text = format!("`{name}` makes it {count} characters");
            diagnostic = diagnostic.related(campaign.declared_at(), text);
        }
        out.push(diagnostic);
    }
}

/// Whether a push to `group` can go through a vendor's channel.
fn applies(limits: &Limits, group: Group, is_self_built: bool) -> bool {
    if limits.is_android { group.has_android() && !is_self_built } else { group.has_harmonyos() }
}

impl<'workspace> Excess<'workspace> {
    fn add(&mut self, vendors: &[bool], is_over_total: bool, campaign: (usize, &'workspace str)) {
        self.vendors.resize(vendors.len(), false);
        for (mine, theirs) in self.vendors.iter_mut().zip(vendors) {
            *mine |= theirs;
        }
        self.is_over_total |= is_over_total;
        if self.longest.is_none_or(|(count, _)| campaign.0 > count) {
            self.longest = Some(campaign);
        }
    }
}

fn report(template: &Declaration<'_, TemplateSyntax>, key: &'static str, excess: &Excess<'_>) -> Diagnostic {
    let too_short: Vec<&Limits> = LIMITS
        .iter()
        .zip(&excess.vendors)
        .filter_map(|(limits, is_over)| is_over.then_some(limits))
        .collect();
    let names: Vec<&str> = too_short.iter().map(|limits| limits.vendor).collect();
    let mut limits: Vec<String> = too_short
        .iter()
        .map(|limits| {
            let limit = if key == "title" { limits.title } else { limits.body };
            format!("{} takes {}", limits.vendor, limits.unit.limit(limit))
        })
        .collect();
    if excess.is_over_total {
        limits.push(format!("title and body together take {TOTAL_BYTES_MAX} bytes on Android and iOS"));
    }
    let message = if names.is_empty() {
        format!("the {key} of template `{}` is longer than a push can carry", template.name)
    } else {
        format!("the {key} of template `{}` is too long for {}", template.name, names.join(", "))
    };
    Diagnostic::warning(Code::TextTooLong, template.value(&[key]), message)
        .help(format!("{}; a longer push is dropped", limits.join(", ")))
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
            = vivo takes 40 (a Chinese character counts for 2); a longer push is dropped
        ");
        assert_eq!(title(&"x".repeat(32), android, ""), "");
        insta::assert_snapshot!(title(&"x".repeat(51), android, ""), @r"
        a.yaml:1:35 text-too-long?: the title of template `t` is too long for Huawei, Xiaomi, OPPO, vivo
            a.yaml:5:3 `c` makes it 51 characters
            = Huawei takes 40, Xiaomi takes 50, OPPO takes 32, vivo takes 40 (a Chinese character counts for 2); a longer push is dropped
        ");
        assert_eq!(body(&"字".repeat(50), android, ""), "");
        insta::assert_snapshot!(body(&"x".repeat(129), android, ""), @r"
        a.yaml:1:48 text-too-long?: the body of template `t` is too long for Xiaomi, vivo
            a.yaml:5:3 `c` makes it 129 characters
            = Xiaomi takes 128, vivo takes 100 (a Chinese character counts for 2); a longer push is dropped
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
            a.yaml:5:3 `c` makes it 2044 characters
            = title and body together take 2048 bytes on Android and iOS; a longer push is dropped
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
        a.yaml:1:35 text-too-long: the title of template `t` has 16385 bytes
            = shorten it: no channel takes more than a few thousand bytes, and none 16384
        ");
        let value = format!(", values: {{ m: {} }}", "y".repeat(1000));
        insta::assert_snapshot!(body(&"#m#".repeat(17), "users: [u]", &value), @r"
        a.yaml:5:66 text-too-long: the values of campaign `c` make the body 17000 bytes long
            = shorten it: no channel takes more than a few thousand bytes, and none 16384
        ");
    }
}
