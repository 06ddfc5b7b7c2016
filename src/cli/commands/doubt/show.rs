use std::collections::{BTreeMap, HashSet};

use clap_complete::engine::ArgValueCandidates;

use crate::cli::commands::doubt::find;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result, completion};
use crate::domain::{MessageKey, MessageKeys, Platform, Recipients, TargetHash, TargetId, TargetKind};
use crate::ledger::{Doubt, Ledger};
use crate::render;
use crate::render::doubt::{Addressed, OpenDoubt, Shown};
use crate::resolve::{Audience, Desired};

/// Show whose pushes a batch in doubt has, with their message keys
///
/// The ledger keeps hashes of targets, not their ids. The ids are looked up in the
/// audiences of the files, the campaign's own first, and each is proven by its hash. Anyone who has left the files cannot be named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl -e production doubt show 41")]
pub(super) struct Args {
    /// The batches: numbers or task names, as `doubt list` shows them
    #[arg(value_name = "BATCH", required = true, add = ArgValueCandidates::new(completion::batches))]
    batches: Vec<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let desired = session.desired(None)?;
    let ledger = session.view_ledger(&desired, "doubt show")?.ledger;
    let doubts: Vec<&Doubt> = args
        .batches
        .iter()
        .map(|batch| find(&ledger, batch, desired.time_zone, "nothing is shown"))
        .collect::<Result<_>>()?;
    let ids = recompute(&desired, &ledger, &doubts)?;
    let shown: Vec<Shown> = doubts
        .iter()
        .map(|doubt| {
            Shown::of(OpenDoubt::of(doubt, &ledger), doubt, addressed(&desired, &ledger, doubt, &ids))
        })
        .collect();
    shell.answer(&if args.json {
        render::json::pretty(&shown)
    } else {
        render::doubt::shown(&shown, desired.time_zone, shell.caller(), shell.width())
    })?;
    Ok(ExitStatus::Done)
}

/// Targets whose ids the files give, by the hashes that the ledger has.
type Ids = BTreeMap<TargetHash, (TargetKind, TargetId)>;

/// Looks for the targets of batches in the audiences of the files, those of their own campaigns first, and reads on only while
/// some are missing.
fn recompute(desired: &Desired, ledger: &Ledger, doubts: &[&Doubt]) -> Result<Ids> {
    let salt = *ledger.salt();
    let mut missing: HashSet<TargetHash> =
        doubts.iter().flat_map(|doubt| doubt.intent.targets.iter().copied()).collect();
    missing.remove(&TargetHash::of_broadcast(&salt));
    let is_own = |audience: &Audience| {
        let mut campaigns =
            desired.campaigns.iter().filter(|campaign| campaign.audience.name == audience.name);
        campaigns.any(|campaign| doubts.iter().any(|doubt| doubt.intent.campaign == campaign.campaign.id))
    };
    let mut audiences: Vec<&Audience> = desired.audiences.values().map(AsRef::as_ref).collect();
    audiences.sort_by_key(|audience| !is_own(audience));
    let mut ids = Ids::new();
    for audience in audiences {
        let Recipients::Targets(kind) = audience.recipients() else { continue };
        if missing.is_empty() {
            break;
        }
        let unreadable =
            |message: &str| Failure::new(ExitStatus::Written, message.to_owned()).help("nothing is shown");
        for id in audience.targets().map_err(|mistake| unreadable(&mistake.message))? {
            // A line without an id names nobody.
            let Ok(id) = id else { continue };
            let hash = TargetHash::of(&salt, kind, &id);
            if missing.remove(&hash) {
                ids.insert(hash, (kind, id));
            }
        }
    }
    Ok(ids)
}

/// Returns what can be said of a batch's targets, in the order of its request.
fn addressed(desired: &Desired, ledger: &Ledger, doubt: &Doubt, ids: &Ids) -> Vec<Addressed> {
    let (project, environment) = (&desired.project, &desired.environment.name);
    let (campaign, revision) = (&doubt.intent.campaign, doubt.intent.revision);
    let broadcast = TargetHash::of_broadcast(ledger.salt());
    let of = |hash: &TargetHash| {
        if *hash == broadcast {
            let platform = platform(ledger, doubt)?;
            let key = MessageKey::of_broadcast(project, environment, campaign, revision, platform);
            return Some(Addressed::new(&format!("everyone on {}", platform.as_str()), key));
        }
        let (kind, id) = ids.get(hash)?;
        let keys = MessageKeys::of_targets(project, environment, campaign, revision, *kind);
        Some(Addressed::new(id.as_str(), keys.key(id)))
    };
    doubt.intent.targets.iter().filter_map(of).collect()
}

/// Returns the platform of a broadcast, as it was recorded.
fn platform(ledger: &Ledger, doubt: &Doubt) -> Option<Platform> {
    let history = ledger.history(&doubt.intent.campaign, doubt.intent.revision)?;
    let content = history.content.as_map();
    let name = content.get("audience")?.get("broadcast")?.get("platform")?.as_str()?;
    [Platform::Android, Platform::Ios, Platform::Harmonyos].into_iter().find(|known| known.as_str() == name)
}
