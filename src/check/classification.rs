//! Rules about classifications.

use crate::check::declaration::Declaration;
use crate::check::{names, wire_text};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{Classification, HuaweiLevel, OppoLevel, VendorCategory, VivoMessageType};
use crate::load::model::{CategorySyntax, ClassificationSyntax, HuaweiLevelSyntax, VivoMessageTypeSyntax};

/// Applies the rules of one classification.
pub(super) fn classification(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, ClassificationSyntax>,
) -> Classification {
    let syntax = declaration.syntax;
    let mut categories = Vec::new();
    for vendor in VendorCategory::ALL {
        let Some(CategorySyntax(text)) = category(syntax, vendor) else { continue };
        wire_text::check(out, "category", text, || declaration.value(&[vendor.as_str(), "category"]));
        category_mixup(out, declaration, vendor, text);
        if let Some(code) = unknown_category(out, declaration, vendor, text) {
            categories.push((vendor, code));
        }
    }
    let xiaomi_channel_id = syntax.xiaomi.as_ref().and_then(|xiaomi| xiaomi.channel_id.clone());
    let android_channel_id = syntax.android.as_ref().and_then(|android| android.channel_id.clone());
    for (vendor, channel_id) in [("xiaomi", &xiaomi_channel_id), ("android", &android_channel_id)] {
        if let Some(channel_id) = channel_id {
            wire_text::check(out, "channel_id", channel_id, || declaration.value(&[vendor, "channel_id"]));
        }
    }
    Classification {
        categories,
        huawei_level: syntax.huawei.as_ref().and_then(|huawei| huawei.level).map(|level| match level {
            HuaweiLevelSyntax::Low => HuaweiLevel::Low,
            HuaweiLevelSyntax::Normal => HuaweiLevel::Normal,
        }),
        oppo_level: syntax
            .oppo
            .as_ref()
            .and_then(|oppo| oppo.level)
            .map(|level| OppoLevel::of(level).expect("the schema lists the levels that OPPO has")),
        vivo_message_type: syntax.vivo.as_ref().and_then(|vivo| vivo.message_type).map(|kind| match kind {
            VivoMessageTypeSyntax::Operational => VivoMessageType::Operational,
            VivoMessageTypeSyntax::System => VivoMessageType::System,
        }),
        xiaomi_channel_id,
        android_channel_id,
    }
}

pub(super) fn category(syntax: &ClassificationSyntax, vendor: VendorCategory) -> Option<&CategorySyntax> {
    match vendor {
        VendorCategory::Huawei => syntax.huawei.as_ref()?.category.as_ref(),
        VendorCategory::Honor => syntax.honor.as_ref()?.category.as_ref(),
        VendorCategory::Harmonyos => syntax.harmonyos.as_ref()?.category.as_ref(),
        VendorCategory::Vivo => syntax.vivo.as_ref()?.category.as_ref(),
        VendorCategory::Oppo => syntax.oppo.as_ref()?.category.as_ref(),
        VendorCategory::Xiaomi => syntax.xiaomi.as_ref()?.category.as_ref(),
    }
}

/// `unknown-category`: a name becomes its code; a code is taken as written, because vendors add codes.
///
/// A code has a digit or a capital letter. A word without either is a name, and must be one that a vendor
/// page gives; where no page gives names, only another vendor's name is a slip for certain.
fn unknown_category(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, ClassificationSyntax>,
    vendor: VendorCategory,
    text: &str,
) -> Option<String> {
    if let Some(code) = vendor.code_of(text) {
        return Some(code);
    }
    let is_code = text.contains(|c: char| c.is_ascii_digit() || c.is_uppercase());
    let others: Vec<&str> = VendorCategory::ALL
        .into_iter()
        .filter(|other| *other != vendor && other.names().contains(&text))
        .map(VendorCategory::as_str)
        .collect();
    if is_code || vendor.names().is_empty() && others.is_empty() {
        return Some(text.to_owned());
    }
    let key = vendor.as_str();
    let message = match others.as_slice() {
        [] => format!("`{key}` has no category named `{text}`"),
        _ => format!("`{text}` is a category of {}, not of `{key}`", names::listed(&others)),
    };
    let own_code = format!("no page names the categories of `{key}`: write its own code, such as \"1\"");
    let help = names::did_you_mean(text, vendor.names().iter().copied(), &own_code);
    let place = declaration.value(&[key, "category"]);
    out.push(Diagnostic::error(Code::UnknownCategory, place, message).help(help));
    None
}

/// `category-mixup`: from 11 on, Huawei's codes mean other things to `HarmonyOS` (vendor pages 436435 and
/// 2835878), so a bare number there is easily the wrong table's. A name says which is meant.
fn category_mixup(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, ClassificationSyntax>,
    vendor: VendorCategory,
    text: &str,
) {
    if vendor != VendorCategory::Harmonyos {
        return;
    }
    let Some(huawei) = VendorCategory::Huawei.name_of(text) else { return };
    let harmonyos = VendorCategory::Harmonyos.name_of(text);
    if harmonyos == Some(huawei) {
        return;
    }
    let here = harmonyos.map_or("nothing".to_owned(), |name| format!("`{name}`"));
    let message = format!("code {text} means {here} to HarmonyOS, but `{huawei}` to Huawei");
    let by_name = |name: &str| VendorCategory::Harmonyos.code_of(name).is_some();
    let help = match harmonyos {
        Some(name) if by_name(huawei) => format!("write the name: `{name}`, or `{huawei}`"),
        Some(name) => format!("write the name `{name}` if you mean it; HarmonyOS has no `{huawei}`"),
        None if by_name(huawei) => format!("write the name `{huawei}`"),
        None => format!("HarmonyOS has no `{huawei}`: write a name that it has"),
    };
    let place = declaration.value(&["harmonyos", "category"]);
    out.push(Diagnostic::warning(Code::CategoryMixup, place, message).help(help));
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    fn classification(entries: &str) -> String {
        diagnose(&format!("{}classifications: {{ k: {{ {entries} }} }}\n", campaign(", classification: k")))
    }

    #[test]
    fn a_name_is_one_that_a_page_gives_and_a_code_is_taken_as_written() {
        for sound in [
            "huawei: { category: finance }",
            "huawei: { category: \"15\" }",
            "huawei: { category: NEW_CODE }",
            "vivo: { category: im }",
            "oppo: { category: ACCOUNT }",
            "honor: { category: notice }",
            "xiaomi: { category: \"1\" }",
        ] {
            assert_eq!(classification(sound), "", "{sound}");
        }
        insta::assert_snapshot!(classification("huawei: { category: finanse }"), @r"
        a.yaml:6:45 unknown-category: `huawei` has no category named `finanse`
            = did you mean `finance`?
        ");
        insta::assert_snapshot!(classification("harmonyos: { category: system_reminder }"), @r"
        a.yaml:6:48 unknown-category: `system_reminder` is a category of `huawei`, not of `harmonyos`
            = there are `im`, `voip`, `subscription`, `travel`, `health`, `work`, `account`, `express` and 5 more
        ");
        insta::assert_snapshot!(classification("honor: { category: finance }"), @r#"
        a.yaml:6:44 unknown-category: `finance` is a category of `huawei`, `harmonyos`, not of `honor`
            = no page names the categories of `honor`: write its own code, such as "1"
        "#);
        insta::assert_snapshot!(classification("vivo: { category: news }"), @r"
        a.yaml:6:43 unknown-category: `vivo` has no category named `news`
            = there is only `im`
        ");
    }

    #[test]
    fn huaweis_codes_are_not_harmonyos_codes() {
        assert_eq!(classification("huawei: { category: \"14\" }, harmonyos: { category: \"10\" }"), "");
        assert_eq!(classification("harmonyos: { category: mail }"), "");
        insta::assert_snapshot!(classification("harmonyos: { category: \"11\" }"), @r"
        a.yaml:6:48 category-mixup?: code 11 means `mail` to HarmonyOS, but `system_reminder` to Huawei
            = write the name `mail` if you mean it; HarmonyOS has no `system_reminder`
        ");
        insta::assert_snapshot!(classification("harmonyos: { category: \"12\" }"), @r"
        a.yaml:6:48 category-mixup?: code 12 means `customer_service` to HarmonyOS, but `mail` to Huawei
            = write the name: `customer_service`, or `mail`
        ");
        insta::assert_snapshot!(classification("harmonyos: { category: \"14\" }"), @r"
        a.yaml:6:48 category-mixup?: code 14 means nothing to HarmonyOS, but `marketing` to Huawei
            = write the name `marketing`
        ");
    }

    #[test]
    fn stray_white_space_does_not_reach_the_vendor() {
        insta::assert_snapshot!(classification("xiaomi: { channel_id: \"1 \", category: \"1 \" }"), @r"
        a.yaml:6:47 wrong-value: `channel_id` ends with white space: U+0020
            = remove it: it would be sent
        a.yaml:6:63 wrong-value: `category` ends with white space: U+0020
            = remove it: it would be sent
        ");
    }
}
