//! Rules about extended parameters.

use crate::check::declaration::Declaration;
use crate::diagnostic::{Code, Diagnostic, number};
use crate::domain::{EXTENDED_PARAMS_MAX, EXTENDED_PARAMS_RESERVED};
use crate::load::model::CampaignSyntax;

/// Applies the rules of a campaign's extended parameters.
pub(super) fn extended_params(out: &mut Vec<Diagnostic>, declaration: &Declaration<'_, CampaignSyntax>) {
    reserved_param(out, declaration);
    too_many_params(out, declaration);
}

/// `reserved-param`: keys that the vendor keeps for itself (vendor page 2871133).
fn reserved_param(out: &mut Vec<Diagnostic>, declaration: &Declaration<'_, CampaignSyntax>) {
    for key in declaration.syntax.extended_params.keys() {
        if EXTENDED_PARAMS_RESERVED.contains(&key.as_str()) {
            let message = format!("the vendor keeps the extended parameter `{key}` for itself");
            out.push(
                Diagnostic::error(Code::ReservedParam, declaration.key(&["extended_params", key]), message)
                    .help("rename it, here and in the app that reads it"),
            );
        }
    }
}

/// `too-many-params`: at most 20 (result code 3035, vendor page 2871134).
fn too_many_params(out: &mut Vec<Diagnostic>, declaration: &Declaration<'_, CampaignSyntax>) {
    let count = declaration.syntax.extended_params.len();
    if count > EXTENDED_PARAMS_MAX {
        let count = number(count as u64);
        let message =
            format!("there are {count} extended parameters, and the vendor takes {EXTENDED_PARAMS_MAX}");
        out.push(
            Diagnostic::error(Code::TooManyParams, declaration.key(&["extended_params"]), message)
                .help("put several into one value, for example as JSON text"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    #[test]
    fn the_vendors_own_keys_are_refused_and_its_system_keys_are_not() {
        assert_eq!(diagnose(&campaign(", extended_params: { badge: \"1\", sound: s, 页: \"1\" }")), "");
        insta::assert_snapshot!(diagnose(&campaign(", extended_params: { taskId: \"1\", channel: c }")), @r"
        a.yaml:5:85 reserved-param: the vendor keeps the extended parameter `taskId` for itself
            = rename it, here and in the app that reads it
        a.yaml:5:98 reserved-param: the vendor keeps the extended parameter `channel` for itself
            = rename it, here and in the app that reads it
        ");
    }

    #[test]
    fn twenty_is_the_most() {
        let params = |count: u32| {
            let entries: Vec<String> = (0..count).map(|number| format!("p{number}: v")).collect();
            diagnose(&campaign(&format!(", extended_params: {{ {} }}", entries.join(", "))))
        };
        assert_eq!(params(20), "");
        insta::assert_snapshot!(params(21), @r"
        a.yaml:5:66 too-many-params: there are 21 extended parameters, and the vendor takes 20
            = put several into one value, for example as JSON text
        ");
    }
}
