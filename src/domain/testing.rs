//! A campaign for unit tests, of this room and of others.

use std::collections::BTreeMap;

use crate::domain::{
    CallChoice, Campaign, Classification, ExpiresAfter, Recipients, Revision, Schedule, TargetKind, Template,
};

/// An immediate campaign to users that says the least that it can.
pub(crate) fn campaign() -> Campaign {
    Campaign {
        id: "c".parse().unwrap(),
        revision: Revision::FIRST,
        template: Template { name: "t".parse().unwrap(), title: "T".into(), body: "B".into() },
        values: BTreeMap::new(),
        values_from: BTreeMap::new(),
        recipients: Recipients::Targets(TargetKind::User),
        call: CallChoice::Auto,
        classification: Classification::default(),
        schedule: Schedule::Now,
        expires_after: ExpiresAfter::from_seconds(60).unwrap(),
        task_name: None,
        extended_params: BTreeMap::new(),
        channel: None,
        transparent: None,
        sms: None,
        live_activity: None,
    }
}
