//! One batch of a campaign as a request: its name at the vendor, its message keys, and the call that carries it.

use crate::domain::{
    Addressee, Broadcast, Call, Campaign, Environment, MessageKey, MessageKeys, ProjectName, Recipients,
    TargetKind,
};
use crate::mpaas::push_multiple::MultipleTarget;
use crate::mpaas::request::Request;

/// A campaign on its way to the vendor, by the call that carries it.
#[derive(Clone, Copy, Debug)]
pub struct Push<'a> {
    /// The project; derived task names begin with its name.
    pub project: &'a ProjectName,
    /// The environment that it goes to.
    pub environment: &'a Environment,
    /// What is said, when and how.
    pub campaign: &'a Campaign,
    /// The call that carries it; what fits into one is the same for all of its batches.
    pub call: Call,
}

impl Push<'_> {
    /// Returns the task name of a batch, of all that take so many requests: unique at the vendor, because that is how a task is
    /// found there. Several projects may push through one app.
    #[must_use]
    pub fn task_name(&self, requests: u64, number: u32) -> String {
        let Self { project, environment, campaign, .. } = self;
        let is_alone = number == 1 && requests == 1;
        match &campaign.task_name {
            Some(name) if is_alone => name.clone(),
            Some(name) => format!("{name}#{number}"),
            None => format!("{project}/{}/{}@{}#{number}", environment.name, campaign.id, campaign.revision),
        }
    }

    /// Returns the request of a batch of targets, as many as one takes at most.
    #[must_use]
    pub fn to_targets<'t>(
        &self,
        kind: TargetKind,
        targets: impl Iterator<Item = &'t Addressee>,
        task_name: &str,
    ) -> Request {
        let Self { project, environment, campaign, call } = self;
        let keys = MessageKeys::of_targets(project, &environment.name, &campaign.id, campaign.revision, kind);
        if *call == Call::Multiple {
            let target =
                |Addressee { id, values }: &'t Addressee| MultipleTarget { id, key: keys.key(id), values };
            let targets: Vec<MultipleTarget<'_>> = targets.map(target).collect();
            return Request::push_multiple(environment, campaign, task_name, &targets);
        }
        let targets: Vec<_> = targets.map(|Addressee { id, .. }| (id, keys.key(id))).collect();
        Request::push_template(environment, campaign, task_name, &targets)
    }

    /// Returns the request of a broadcast.
    #[must_use]
    pub fn to_everyone(&self, broadcast: &Broadcast, task_name: &str) -> Request {
        let Self { project, environment, campaign, .. } = self;
        let (id, revision) = (&campaign.id, campaign.revision);
        let key = MessageKey::of_broadcast(project, &environment.name, id, revision, broadcast.platform);
        Request::push_broadcast(environment, campaign, broadcast, task_name, &key)
    }

    /// Returns the first request that goes out for a campaign to `targets`, each once, if none went out before.
    #[must_use]
    pub fn first_request(&self, targets: &[Addressee], requests: u64) -> Request {
        let task_name = self.task_name(requests, 1);
        match &self.campaign.recipients {
            Recipients::Targets(kind) => {
                self.to_targets(*kind, targets.iter().take(self.call.targets_max()), &task_name)
            }
            Recipients::Broadcast(broadcast) => self.to_everyone(broadcast, &task_name),
        }
    }
}
