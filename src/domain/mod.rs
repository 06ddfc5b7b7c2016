//! The nouns, as types that cannot hold a wrong value.
//!
//! Knows nothing of YAML, JSON, files, clocks or the network: a value of these types is right by
//! construction, and every other room may look in here.

mod broadcast;
mod call;
mod campaign;
mod classification;
mod environment;
mod firing_times;
mod hash_row;
mod ledger_place;
mod life;
mod message_key;
mod name;
mod phones;
mod redactor;
mod review_policy;
mod row_seal;
mod schedule;
mod secret;
mod showing;
mod target;
mod target_hasher;
mod target_row;
mod target_set;
mod template;
#[cfg(test)]
pub(crate) mod testing;
mod text_length;
mod visible;

pub use broadcast::{Broadcast, Login, Platform, Within};
pub use call::{Call, CallChoice, UnknownCall};
pub use campaign::{
    ActivityEvent, Campaign, Channel, EXTENDED_PARAMS_MAX, EXTENDED_PARAMS_RESERVED, ExpiresAfter,
    ExpiresAfterZero, JsonObject, LiveActivity, Recipients, Revision, RevisionZero, Sms, SmsStrategy,
    Transparent, Urgency,
};
pub use classification::{Classification, HuaweiLevel, OppoLevel, VendorCategory, VivoMessageType};
pub use environment::{ApiVersion, Endpoint, EndpointRefused, Environment};
pub use ledger_place::{Addressing, LedgerPlace, LedgerRefused, ObjectService, ObjectsPlace, PostgresPlace};
pub use life::{Life, OpenFor};
pub use message_key::{MessageKey, MessageKeys};
pub use name::{CampaignId, EnvironmentName, InvalidName, ProjectName};
pub use phones::Phones;
pub use redactor::{Redactor, without_secrets_of_addresses};
pub use review_policy::{ApprovalRule, ApprovedPushes, ReviewPolicy, is_signer_name};
pub use row_seal::{RowSeal, Sealing, Unsealing};
pub use schedule::{
    Cycle, InvalidCycle, InvalidRepeat, REPEAT_DAYS_AHEAD_MAX, Repeat, Schedule, UNEXECUTED_TASKS_MAX,
    VENDOR_OFFSET_SECONDS, vendor_zone,
};
pub use secret::{Credentials, Secret};
pub use showing::{Alert, SHOWING_RULES, ShowingRule, ShowingSource, ShownIn, ShownMessage};
pub use target::{InvalidTargetId, LedgerSalt, TargetHash, TargetId, TargetIdRef, TargetKind};
pub use target_hasher::{TargetHashBatch, TargetHasher};
pub use target_row::{Addressee, RowValues, TargetRow};
pub use target_set::{TargetSet, TargetSetBuilder};
pub use template::{
    InvalidTemplateName, TEMPLATE_NAME_CHARS_MAX, Template, TemplateName, placeholder_counts,
    placeholder_ranges, placeholders, render, rendered_bytes,
};
pub use text_length::{LengthUnit, Measure, TEXT_LENGTHS_SOURCE, TEXT_LIMITS, TextLimits, TooLong};
pub use visible::{LineFeeds, TextFlaw, is_blank, is_invisible, odd_character};
