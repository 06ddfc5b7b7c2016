//! What `new campaign` wrote for a person to replace, left as it was in what is sent.

use std::collections::BTreeSet;

use crate::check::Parts;
use crate::check::judged::{JudgedAudience, JudgedCampaign, JudgedTemplate};
use crate::diagnostic::{Code, Diagnostic};

/// The skeleton's body; its title could be meant.
const BODY: &str = "What you want to say, within a hundred characters.";

/// The skeleton's id, and its kin, without case and punctuation.
const IDS: [&str; 4] = ["replaceme", "changeme", "fillme", "fillmein"];

/// The longest of them with a mark between any two letters.
const ID_BYTES_MAX: usize = 20;

/// `unedited-skeleton`: of a template or an audience that several campaigns use, once. What no campaign uses is sent to nobody.
#[derive(Default)]
pub(super) struct Unedited<'files> {
    templates: BTreeSet<&'files str>,
    audiences: BTreeSet<&'files str>,
}

impl<'files> Unedited<'files> {
    /// Looks at what a campaign sends, and to whom.
    pub(super) fn look(
        &mut self,
        out: &mut Vec<Diagnostic>,
        campaign: &JudgedCampaign,
        parts: &Parts<'files>,
    ) {
        if let Some(template) = parts.template
            && self.templates.insert(&template.name)
        {
            body(out, campaign, template);
        }
        if let Some(audience) = parts.audience
            && self.audiences.insert(&audience.name)
        {
            ids(out, campaign, audience);
        }
    }
}

fn body(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, template: &JudgedTemplate) {
    if template.view().texts.body.trim() == BODY {
        let message = format!("the body of template `{}` is still the skeleton's", template.name);
        out.push(
            Diagnostic::error(Code::UneditedSkeleton, template.value(&["body"]), message)
                .related(campaign.declared_at(), "the campaign that would send it")
                .help("write the text of your template as it stands in the mPaaS console"),
        );
    }
}

fn ids(out: &mut Vec<Diagnostic>, campaign: &JudgedCampaign, audience: &JudgedAudience) {
    let Some((kind, ids)) = audience.ids() else { return };
    let found = ids.into_iter().enumerate().find(|(_, id)| is_to_be_replaced(id));
    if let Some((index, id)) = found {
        let place = audience.value(&[kind.as_str(), &index.to_string()]);
        let message = format!("`{id}` stands for an id that was to be filled in");
        out.push(
            Diagnostic::error(Code::UneditedSkeleton, place, message)
                .related(campaign.declared_at(), "the campaign that would go to it")
                .help("list your own ids, or name a file: `{ file: audiences/NAME.csv, column: user_id }`"),
        );
    }
}

fn is_to_be_replaced(id: &str) -> bool {
    if id.len() > ID_BYTES_MAX {
        return false;
    }
    let letters = id.chars().filter(|c| !c.is_ascii_punctuation() && *c != ' ');
    let letters: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    IDS.contains(&letters.as_str())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, campaign_to, diagnose};

    #[test]
    fn a_campaign_cannot_send_what_a_skeleton_says() {
        let unedited = campaign_to("users: [u1, replace-me]", "")
            .replace("body: Body", "body: \"What you want to say, within a hundred characters.\"");
        insta::assert_snapshot!(diagnose(&unedited), @r"
        a.yaml:1:48 unedited-skeleton: the body of template `t` is still the skeleton's
            a.yaml:5:3 the campaign that would send it
            = write the text of your template as it stands in the mPaaS console
        a.yaml:2:31 unedited-skeleton: `replace-me` stands for an id that was to be filled in
            a.yaml:5:3 the campaign that would go to it
            = list your own ids, or name a file: `{ file: audiences/NAME.csv, column: user_id }`
        ");
        for id in ["REPLACE_ME", "<replace-me>", "changeme", "fill me in"] {
            let said = diagnose(&campaign_to(&format!("users: [\"{id}\"]"), ""));
            assert!(said.contains("unedited-skeleton"), "{id}: {said}");
        }
    }

    #[test]
    fn ids_that_only_resemble_it_are_taken() {
        for id in ["replace-me-1", "replaced", "me", "todo", "placement"] {
            assert_eq!(diagnose(&campaign_to(&format!("users: [\"{id}\"]"), "")), "", "{id}");
        }
    }

    /// Nothing of it is sent, and the ledger, other campaigns and editors are not held up by it.
    #[test]
    fn what_no_campaign_uses_may_wait_to_be_filled_in() {
        let beside = campaign("").replace("{ a: {", "{ b: { users: [replace-me] }, a: {");
        assert!(!diagnose(&beside).contains("unedited-skeleton"));
    }

    #[test]
    fn what_several_campaigns_use_is_said_once() {
        let campaigns = campaign_to("users: [replace-me]", "");
        let (_, first) = campaigns.rsplit_once("  c: ").unwrap();
        let said = diagnose(&format!("{campaigns}  d: {first}"));
        assert_eq!(said.matches("unedited-skeleton").count(), 1, "{said}");
    }
}
