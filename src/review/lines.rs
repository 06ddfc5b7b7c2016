//! What the files come to, line by line.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::{CampaignId, Recipients};
use crate::ledger::ContentDigest;
use crate::resolve::{AudienceContents, AudienceSource, Desired, DesiredCampaign};
use crate::review::line::{Line, People, When};

/// Makes the lines of all campaigns that may still send something, by name: as the files come to them now, with no end of their
/// approval.
///
/// # Panics
///
/// Never: every campaign's audience was read.
#[must_use]
pub fn lines(desired: &Desired, contents: &BTreeMap<String, AudienceContents>) -> BTreeMap<CampaignId, Line> {
    // Several campaigns may have one audience.
    let audiences: BTreeMap<&str, String> = desired
        .audiences
        .iter()
        .map(|(name, audience)| (name.as_str(), audience_digest(&audience.source, &contents[name])))
        .collect();
    let sends = desired.campaigns.iter().filter(|each| sends(each));
    let current = sends.map(|each| {
        let name = &each.audience.name;
        (each.campaign.id.clone(), line(each, &contents[name], &audiences[name.as_str()]))
    });
    current.collect()
}

/// Whether a campaign may send anything: what was closed or withdrawn needs nobody's approval.
fn sends(desired: &DesiredCampaign) -> bool {
    let is_withdrawn = desired.withdrawn.is_some_and(|last| desired.campaign.revision <= last);
    !desired.life.is_closed && !is_withdrawn
}

fn line(desired: &DesiredCampaign, contents: &AudienceContents, audience: &str) -> Line {
    let campaign = &desired.campaign;
    let people = match (campaign.recipients, desired.reviewed_up_to) {
        (Recipients::Broadcast(broadcast), _) => People::Everyone(broadcast.platform.as_str().to_owned()),
        (Recipients::Targets(kind), Some(most)) => People::UpTo(kind.as_str().to_owned(), most),
        (Recipients::Targets(kind), None) => {
            People::Exactly(kind.as_str().to_owned(), contents.targets.len() as u64)
        }
    };
    let content = ContentDigest::of(campaign).to_string();
    let is_pinned = desired.reviewed_up_to.is_none();
    Line {
        campaign: campaign.id.clone(),
        revision: campaign.revision,
        content: content.trim_start_matches("sha256:").to_owned(),
        people,
        audience: is_pinned.then(|| audience.to_owned()),
        when: When::of(&campaign.schedule, &desired.life),
        until: None,
    }
}

/// Returns the digest of an audience: what it is, and every byte that lists who is in it. No ledger's salt is in it, as files
/// alone make it.
fn audience_digest(source: &AudienceSource, contents: &AudienceContents) -> String {
    let mut hasher = Sha256::new();
    let mut feed = |part: &[u8]| {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    };
    match source {
        AudienceSource::Broadcast(broadcast) => {
            let within = broadcast.within.map_or("", |within| within.as_str());
            for part in ["broadcast", broadcast.platform.as_str(), broadcast.login.as_str(), within] {
                feed(part.as_bytes());
            }
        }
        AudienceSource::Inline(kind, ids) => {
            feed(b"list");
            feed(kind.as_str().as_bytes());
            for id in ids {
                feed(id.as_str().as_bytes());
            }
        }
        AudienceSource::File { kind, file, .. } => {
            feed(b"file");
            feed(kind.as_str().as_bytes());
            feed(file.format.as_str().as_bytes());
            feed(file.column_or_field.as_deref().unwrap_or_default().as_bytes());
            let (_, bytes) = contents.file.as_ref().expect("it was read");
            feed(bytes);
        }
    }
    hex::encode(hasher.finalize())
}
