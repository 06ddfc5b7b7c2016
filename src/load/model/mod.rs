//! What the two kinds of YAML file say, as they say it.
//!
//! These types parse the files and generate the JSON Schemas, so their doc comments are the texts an
//! editor shows. They hold what was written, right or wrong; `check` makes domain values of it.
//! Names of the vendor's parameters stand in backticks after “wire”.

mod audience;
mod campaign;
mod classification;
mod project;
mod strategy;
mod template;

pub use audience::{
    AudienceSyntax, BroadcastSyntax, LoginSyntax, PlatformSyntax, TargetFileFormat, TargetFileSyntax,
    TargetsSyntax, WithinSyntax,
};
pub use campaign::{
    ActivityEventSyntax, CallSyntax, CampaignFile, CampaignSyntax, ChannelSyntax, LiveActivitySyntax,
    ReviewedAudienceSyntax, SmsStrategySyntax, SmsSyntax, TransparentSyntax, UrgencySyntax,
};
pub use classification::{
    AndroidSyntax, CategoryOnlySyntax, CategorySyntax, ClassificationSyntax, HuaweiLevelSyntax, HuaweiSyntax,
    OppoSyntax, VivoMessageTypeSyntax, VivoSyntax, XiaomiSyntax,
};
pub use project::{ApiVersionSyntax, ApprovalSyntax, EnvironmentSyntax, LimitsSyntax, ProjectFile};
pub use strategy::{CycleSyntax, DaySyntax, StrategySyntax};
pub use template::TemplateSyntax;
