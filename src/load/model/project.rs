//! The project file `campaignctl.yaml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// The project file of a campaignctl workspace: which mPaaS apps its campaigns can go to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "campaignctl project file")]
pub struct ProjectFile {
    /// Version of the file format. Always `1`.
    #[schemars(range(min = 1, max = 1), example = 1)]
    pub version: u32,
    /// Name of the project: 1 to 64 letters, digits, `-`, `_` or `.`. It is part of every message key
    /// (wire `TargetMsgkey`, `Msgkey`), so changing it changes every key.
    #[schemars(example = &"acme")]
    pub project: String,
    /// IANA time zone of dates and times that name no offset. The vendor counts days in `Asia/Shanghai`,
    /// which is the default.
    #[serde(default)]
    #[schemars(example = &"Asia/Shanghai")]
    pub time_zone: Option<String>,
    /// How long after its first push a campaign that is sent `now` is also sent to who joins its audience, where its
    /// strategy does not say: a length of time, or `always`. Default `24h`.
    #[serde(default)]
    #[schemars(example = &"7d", example = &"always")]
    pub open_for: Option<String>,
    /// How long an approval of what is sent as soon as it is applied counts, from when `campaignctl review` wrote its line:
    /// a length of time. Default `48h`.
    #[serde(default)]
    #[schemars(example = &"48h")]
    pub review_valid: Option<String>,
    /// The environment that commands use when `-e` names none.
    #[serde(default)]
    #[schemars(example = &"sandbox")]
    pub default_environment: Option<String>,
    /// How large audience files may be. What is larger is refused where it breaks the bound.
    #[serde(default)]
    #[schemars(example = example_limits())]
    pub limits: Option<LimitsSyntax>,
    /// The environments by name: 1 to 64 letters, digits, `-`, `_` or `.`.
    #[schemars(example = example_environments())]
    pub environments: BTreeMap<String, EnvironmentSyntax>,
}

/// How large an audience file may be.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "limits")]
pub struct LimitsSyntax {
    /// Most rows, repeats included. Default 200000000. Each different target takes 16 bytes of memory.
    #[serde(default)]
    #[schemars(range(min = 1), example = 5_000_000)]
    pub audience_rows: Option<u64>,
    /// Most bytes once unpacked. Default 68719476736, which is 64 GiB.
    #[serde(default)]
    #[schemars(range(min = 1), example = 1_073_741_824)]
    pub audience_unpacked_bytes: Option<u64>,
    /// Most bytes of a line, at most 16777216. Default 65536, which is 64 KiB.
    #[serde(default)]
    #[schemars(range(min = 1, max = 16_777_216), example = 131_072)]
    pub audience_line_bytes: Option<u32>,
    /// Most unpacked bytes for each packed one, once 1 GiB is unpacked. Default 200.
    #[serde(default)]
    #[schemars(range(min = 1), example = 500)]
    pub audience_ratio: Option<u64>,
}

/// One mPaaS app, workspace, endpoint and ledger.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "environment")]
pub struct EnvironmentSyntax {
    /// The mPaaS app: wire `AppId`.
    #[schemars(length(min = 1), example = &"ONEX570DA89211721")]
    pub app_id: String,
    /// The mPaaS workspace: wire `WorkspaceId`.
    #[schemars(length(min = 1), example = &"default")]
    pub workspace_id: String,
    /// The tenant, where the account has one: wire `TenantId`.
    #[serde(default)]
    #[schemars(length(min = 1), example = &"ABCDEFGH")]
    pub tenant_id: Option<String>,
    /// Where requests go: `sandbox` for the built-in vendor sandbox, or the vendor's address. Only `https`,
    /// except to this machine.
    #[schemars(example = &"https://mpaas.cn-hangzhou.aliyuncs.com", example = &"sandbox")]
    pub endpoint: String,
    /// The region, where the gateway wants it said: wire `RegionId`.
    #[serde(default)]
    #[schemars(length(min = 1), example = &"cn-hangzhou")]
    pub region: Option<String>,
    /// Version of the vendor's API: wire `Version`. Default `2020-10-28`; `2019-08-21` lacks most options.
    #[serde(default)]
    #[schemars(example = &"2020-10-28")]
    pub api_version: Option<ApiVersionSyntax>,
    /// Most requests begun in one second, 1 to 10000. Default 20; the vendor's own limit is not published.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000), example = 50)]
    pub requests_per_second: Option<u32>,
    /// Most requests in flight at the same time, 1 to 256. Default 8.
    #[serde(default)]
    #[schemars(range(min = 1, max = 256), example = 16)]
    pub concurrency: Option<u32>,
    /// Most scheduled and repeating tasks that the vendor keeps until they are executed, 1 to 100000. Default 100, which is
    /// the vendor's own; write what it raised that to for your account.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000), example = 500)]
    pub unexecuted_tasks_max: Option<u32>,
    /// How long to wait for one reply, as seconds or minutes, 1s to 10m. Default `30s`. A request that
    /// takes longer is in doubt, and is never repeated by itself.
    #[serde(default)]
    #[schemars(example = &"30s")]
    pub timeout: Option<String>,
    /// Where the ledger is: a directory, relative to this file, or a store that several machines share:
    /// `postgres://ROLE@HOST/DATABASE`, `s3://BUCKET/PREFIX?region=REGION` or `oss://BUCKET/PREFIX?region=REGION`.
    /// Default `.campaignctl/ENVIRONMENT`. Keep it between runs: without it nobody knows what was sent. Passwords and
    /// keys come from the environment variables.
    #[serde(default)]
    #[schemars(length(min = 1), example = &".campaignctl/production")]
    pub ledger: Option<String>,
    /// Whether a push leaves only if its line in `review/ENVIRONMENT.lock` is what the files come to: what was approved is what
    /// is sent. `campaignctl review` writes the lines.
    #[serde(default)]
    #[schemars(example = true)]
    pub require_review: bool,
    /// Who must sign a line of the review lock besides, with `campaignctl approve`. Every rule that is about a push counts.
    /// Needs `require_review: true`.
    #[serde(default)]
    #[schemars(example = example_approvals())]
    pub approvals: Vec<ApprovalSyntax>,
}

/// Which pushes need signatures, and whose: one of `over` and `broadcast`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "approval rule")]
pub struct ApprovalSyntax {
    /// Pushes to more than so many people, and every broadcast.
    #[serde(default)]
    #[schemars(example = 10_000)]
    pub over: Option<u64>,
    /// `true`: broadcasts.
    #[serde(default)]
    #[schemars(example = true)]
    pub broadcast: Option<bool>,
    /// How many different keys must have signed. Default 1.
    #[serde(default)]
    #[schemars(range(min = 1, max = 16), example = 2)]
    pub signers: Option<u32>,
    /// Who must be among them: names in the allowed signers file that `CAMPAIGNCTL_ALLOWED_SIGNERS` names, each with a key of
    /// its own.
    #[serde(default)]
    #[schemars(example = ["marketing", "compliance"])]
    pub of: Vec<String>,
}

/// A version of the vendor's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ApiVersionSyntax {
    /// The version of the vendor's older samples.
    #[serde(rename = "2019-08-21")]
    V20190821,
    /// The current version.
    #[serde(rename = "2020-10-28")]
    V20201028,
}

fn example_approvals() -> serde_json::Value {
    serde_json::json!([{ "over": 10_000, "signers": 2 }, { "broadcast": true, "signers": 2, "of": ["marketing", "compliance"] }])
}

fn example_limits() -> serde_json::Value {
    serde_json::json!({ "audience_rows": 5_000_000 })
}

fn example_environments() -> serde_json::Value {
    serde_json::json!({
        "sandbox": { "app_id": "ONEX570DA89211721", "workspace_id": "test", "endpoint": "sandbox" }
    })
}
