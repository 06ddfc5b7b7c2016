//! Which of the vendor's push calls carries a campaign.
//!
//! It depends on what the campaign asks for and on the size of its whole audience, and is no content. An intent's `action`
//! says which one it was, and whoever asks the vendor later goes by that.

use std::fmt;
use std::str::FromStr;

use crate::domain::{Campaign, Recipients};

/// A push call of the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `PushTemplate`: a few targets, all with the same values.
    Template,
    /// `PushMultiple`: many targets, each with values of its own.
    Multiple,
    /// `PushBroadcast`: everyone on a platform.
    Broadcast,
}

/// A name that is none of the calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no call that pushes")]
pub struct UnknownCall(String);

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Call {
    type Err = UnknownCall;

    fn from_str(name: &str) -> Result<Self, UnknownCall> {
        let all = [Self::Template, Self::Multiple, Self::Broadcast];
        all.into_iter().find(|call| call.as_str() == name).ok_or_else(|| UnknownCall(name.to_owned()))
    }
}

impl Call {
    /// Returns the call's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Template => "PushTemplate",
            Self::Multiple => "PushMultiple",
            Self::Broadcast => "PushBroadcast",
        }
    }

    /// Returns how many targets one request takes at most (vendor pages 2871127, `targetMsgkey`, and 2871128); a
    /// broadcast is one.
    #[must_use]
    pub fn targets_max(self) -> usize {
        match self {
            Self::Template => 10,
            Self::Multiple => 100,
            Self::Broadcast => 1,
        }
    }

    /// Whether its tasks can be looked up by name, immediate ones too (overview page: batch and broadcast tasks).
    #[must_use]
    pub fn is_listed_by_name(self) -> bool {
        matches!(self, Self::Multiple | Self::Broadcast)
    }
}

/// Which call a campaign to targets asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallChoice {
    /// Whichever fits.
    #[default]
    Auto,
    /// `PushTemplate`.
    Template,
    /// `PushMultiple`.
    Multiple,
}

impl Campaign {
    /// Returns the call that carries it to an audience of so many different targets.
    ///
    /// The size is that of the whole audience, not of what is left to push: a campaign that is taken up again after a
    /// crash goes on as it began. No part of the content: neither what a phone shows nor a message key hangs on it, so a
    /// list that grows beyond ten is no change after a send.
    #[must_use]
    pub fn call(&self, audience_targets: usize) -> Call {
        let Recipients::Targets(kind) = self.recipients else { return Call::Broadcast };
        let needs_template = self.sms.is_some() || self.live_activity.is_some() || kind.is_live_activity();
        let is_few = self.values_from.is_empty() && audience_targets <= Call::Template.targets_max();
        match self.call {
            CallChoice::Template => Call::Template,
            CallChoice::Auto if needs_template || is_few => Call::Template,
            CallChoice::Auto | CallChoice::Multiple => Call::Multiple,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{ActivityEvent, JsonObject, LiveActivity, Sms, SmsStrategy, TargetKind, testing};

    fn campaign(call: CallChoice) -> Campaign {
        Campaign { call, ..testing::campaign() }
    }

    #[test]
    fn ten_targets_go_in_one_call_and_eleven_in_the_other() {
        let auto = campaign(CallChoice::Auto);
        assert_eq!(
            [1, 10, 11, 10_000_000].map(|targets| auto.call(targets)),
            [Call::Template, Call::Template, Call::Multiple, Call::Multiple]
        );
    }

    #[test]
    fn who_names_a_call_gets_it() {
        assert_eq!(campaign(CallChoice::Template).call(1_000), Call::Template);
        assert_eq!(campaign(CallChoice::Multiple).call(1), Call::Multiple);
    }

    #[test]
    fn values_of_ones_own_ask_for_the_call_that_has_them() {
        let values_from = BTreeMap::from([("name".to_owned(), "nickname".to_owned())]);
        assert_eq!(Campaign { values_from, ..campaign(CallChoice::Auto) }.call(1), Call::Multiple);
    }

    #[test]
    fn what_only_one_call_has_asks_for_it() {
        let sms = Sms {
            strategy: SmsStrategy::Concurrent,
            sign_name: "A".into(),
            template_code: "S".into(),
            params: BTreeMap::new(),
        };
        assert_eq!(Campaign { sms: Some(sms), ..campaign(CallChoice::Auto) }.call(11), Call::Template);
        let state = JsonObject::from_serialised("{}".into());
        let change = Campaign {
            live_activity: Some(LiveActivity { event: ActivityEvent::Update, state: Some(state) }),
            recipients: Recipients::Targets(TargetKind::LiveActivity),
            ..campaign(CallChoice::Auto)
        };
        assert_eq!(change.call(11), Call::Template);
    }
}
