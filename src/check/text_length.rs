//! Rules about the length of titles and bodies (vendor page 311229).

use std::collections::BTreeMap;

use crate::check::audience::Group;
use crate::check::declaration::{Declaration, Declarations};
use crate::check::placeholders::texts;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain;
use crate::load::model::{ChannelSyntax, TemplateSyntax};

/// Most bytes of title and body together, on Android and iOS.
const TOTAL_BYTES_MAX: usize = 2048;

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

/// `text-too-long`: a vendor channel fails a push whose title or body is too long. One warning for each text,
/// measured as the campaigns fill it.
pub(super) fn text_too_long(out: &mut Vec<Diagnostic>, declared: &Declarations<'_>) {
    let mut found: BTreeMap<(&str, &str), Excess<'_>> = BTreeMap::new();
    for campaign in declared.campaigns.values() {
        let syntax = campaign.syntax;
        let Some(template) = declared.templates.get(syntax.template.as_str()) else { continue };
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
