//! The stable codes of everything that can be wrong.

macro_rules! codes {
    ($($variant:ident = $text:literal, $summary:literal;)*) => {
        /// A diagnostic's stable code. Machines match on it; a corpus file under `tests/` and a page in
        /// `docs/codes` are named after each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, files first, then YAML, shape and rules.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the code as it is printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// Returns one sentence on what the code means.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)*
                }
            }

            /// Returns the code's page, in Markdown: what it means, why it matters, a wrong and a right
            /// example, how to fix it. Its first paragraph begins with the summary.
            #[must_use]
            pub fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../docs/codes/", $text, ".md")),)*
                }
            }
        }
    };
}

codes! {
    // Files.
    NoProject = "no-project", "There is no project file `campaignctl.yaml` in the workspace directory.";
    UnreadableFile = "unreadable-file", "A file or directory could not be read.";
    NotAFile = "not-a-file", "A path that should be a file is a directory, a device or a pipe.";
    FileOutside = "file-outside", "A path leads to a file outside the workspace.";
    LinkLoop = "link-loop", "A symbolic link leads back to itself or to a directory above it.";
    FileTooLarge = "file-too-large", "A YAML file is larger than any that a person reviews.";
    NotUtf8 = "not-utf8", "A file is not UTF-8 text.";
    SchemaLine = "schema-line", "The comment that tells an editor the file's schema is missing or wrong.";
    // YAML.
    YamlSyntax = "yaml-syntax", "The text is not YAML.";
    SeveralDocuments = "several-documents", "A file contains more than one YAML document.";
    DuplicateKey = "duplicate-key", "A mapping has the same key twice.";
    UnknownTag = "unknown-tag", "A node has a YAML tag, which would change its meaning.";
    RecursiveAlias = "recursive-alias", "An alias is inside the very node that it repeats.";
    ExpansionLimit = "expansion-limit", "Aliases expand to more than a reviewer could have meant.";
    NestedTooDeep = "nested-too-deep", "Nodes are nested deeper than any campaign needs.";
    AmbiguousScalar = "ambiguous-scalar", "Two YAML readers take the same text for different values.";
    // Shape.
    UnknownKey = "unknown-key", "A key that the format does not have.";
    MissingKey = "missing-key", "A required key is absent.";
    WrongType = "wrong-type", "A value has the wrong type.";
    WrongValue = "wrong-value", "A value is outside what the format allows.";
    // Names and references.
    BadName = "bad-name", "A name has characters or a length that names cannot have.";
    DuplicateName = "duplicate-name", "The same name is declared twice in the workspace.";
    UnknownName = "unknown-name", "A reference to something that is not declared.";
    UnusedName = "unused-name", "A declaration that no campaign uses.";
    UneditedSkeleton = "unedited-skeleton", "An example text or id of a skeleton was left where your own belongs.";
    // Project.
    BadLedger = "bad-ledger", "A ledger's address names no store that can be reached safely.";
    SecretInFile = "secret-in-file", "A password or a key stands in a file of the workspace.";
    BadEndpoint = "bad-endpoint", "An endpoint that requests cannot safely go to.";
    BadTimeZone = "bad-time-zone", "A time zone that is not in the IANA database.";
    ReversedZone = "reversed-zone", "A time zone whose sign means the opposite of what it says.";
    SharedLedger = "shared-ledger", "Two environments keep their ledger in the same directory.";
    SharedApp = "shared-app", "Two environments push to the same app: a campaign applied in both arrives twice.";
    // Templates.
    TemplateName = "template-name", "A template name that the vendor refuses.";
    TemplateNameTwice = "template-name-twice", "Two templates mirror the same vendor template with different texts.";
    EmptyText = "empty-text", "An empty title or body: vendor channels drop such a push.";
    TextInComment = "text-in-comment", "A `#` after a bare text begins a comment, and the rest of the text is lost.";
    PlaceholderWithoutValue = "placeholder-without-value", "A placeholder that the campaign gives no value.";
    ValueWithoutPlaceholder = "value-without-placeholder", "A value that no placeholder of the template uses.";
    ForeignPlaceholder = "foreign-placeholder", "Something that looks like a placeholder, but that the vendor does not fill.";
    ValueTwice = "value-twice", "A placeholder gets its value from both `values` and `values_from`.";
    TextTooLong = "text-too-long", "A title or body is longer than a vendor channel delivers.";
    // Audiences.
    AudienceKind = "audience-kind", "An audience does not say exactly one kind of recipient.";
    AudienceEmpty = "audience-empty", "An audience has no targets.";
    AudienceFile = "audience-file", "An audience file is missing what its format needs, such as the named column.";
    AudienceTooLarge = "audience-too-large", "An audience file has more rows or bytes than the project's limits allow.";
    AudienceLine = "audience-line", "A line of an audience file has no valid target id.";
    AudienceValue = "audience-value", "A line of an audience file is missing a value that a campaign takes from it, or has one that cannot be sent.";
    ValueConflict = "value-conflict", "A target is listed twice in an audience file, with different values.";
    AudienceFormat = "audience-format", "The lines of a text audience file look like another format.";
    SuspiciousId = "suspicious-id", "A target id that a spreadsheet or an export seems to have changed.";
    SuspiciousValue = "suspicious-value", "A value that a spreadsheet or an export seems to have changed.";
    BadTarget = "bad-target", "A target id that is not valid.";
    DuplicateTarget = "duplicate-target", "A target is listed twice in an inline audience; it gets one push.";
    MissingWithin = "missing-within", "A broadcast is missing the period that its login choice requires.";
    // What fits together.
    CallMismatch = "call-mismatch", "A `call` that cannot send what the campaign asks for.";
    ValuesWithoutFile = "values-without-file", "Values for each target are taken from an audience that has no columns.";
    BroadcastSms = "broadcast-sms", "An SMS on a broadcast, which the vendor cannot send.";
    BroadcastLiveActivity = "broadcast-live-activity", "A Live Activity on a broadcast, which the vendor cannot send.";
    LiveActivityAudience = "live-activity-audience", "A Live Activity and its audience do not go together.";
    LiveActivityState = "live-activity-state", "A Live Activity's update has no state, or an empty one.";
    DismissWithUpdate = "dismiss-with-update", "A dismissal time on an update, where the vendor ignores it.";
    SmsIncomplete = "sms-incomplete", "An SMS is missing its sign name, template code or parameters.";
    UrgencyWithoutPayload = "urgency-without-payload", "An urgency without a transparent payload has no effect.";
    UrgencyVendor = "urgency-vendor", "An urgency for vendors that do not support one.";
    ChannelPlatform = "channel-platform", "An Android channel choice on an audience without Android.";
    ReservedParam = "reserved-param", "An extended parameter whose key the vendor keeps for itself.";
    TooManyParams = "too-many-params", "More extended parameters than the vendor accepts.";
    // Classification.
    UnknownCategory = "unknown-category", "A category name that is in no vendor documentation.";
    CategoryMixup = "category-mixup", "A category code that means different things to two vendors.";
    ApiVersionLacks = "api-version-lacks", "A parameter that the chosen API version does not have.";
    // Time.
    ExpiresAfter = "expires-after", "A validity period of zero, or none that can be read.";
    BadTime = "bad-time", "A date or time that does not exist or cannot be read.";
    CycleDays = "cycle-days", "Days outside the cycle, on a daily cycle, or none where some are needed.";
    RepeatWindow = "repeat-window", "A repeating push that ends before it starts or spans more than 180 days.";
    RepeatZone = "repeat-zone", "A repeating time whose conversion to UTC+8 would move its days.";
    // With the clock and the ledger at hand: guards of the plan.
    TimePast = "time-past", "A push whose time has passed, or a repeating one whose last time has.";
    RepeatPast = "repeat-past", "A repeating push whose last day has passed.";
    RepeatTooFar = "repeat-too-far", "A repeating push that ends more than 180 days from today.";
    StillWaiting = "still-waiting", "A new revision, while an earlier one waits at the vendor and will be sent as well.";
    Renamed = "renamed", "A campaign under a new name that repeats a removed one to the same people.";
    AudienceReplaced = "audience-replaced", "An audience no longer lists anybody its campaign was sent to.";
    NotReviewed = "not-reviewed", "A push that nobody approved as it is: the campaign is held.";
    ReviewExpired = "review-expired", "A push whose approval has ended: the campaign is held.";
    ApprovalsMissing = "approvals-missing", "A push whose approval too few people signed: the campaign is held.";
    ReviewDiffers = "review-differs", "The review lock is not what the files come to.";
    TooManyTasks = "too-many-tasks", "More scheduled and repeating tasks than the vendor keeps: the campaign is held.";
}

/// There is no such code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no diagnostic code `{0}`")]
pub struct UnknownCode(pub String);

impl std::str::FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let found = Self::ALL.iter().find(|code| code.as_str() == text);
        found.copied().ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
