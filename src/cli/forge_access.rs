//! Which pull request a CI job is about, and with which token: by options, or by the variables that its runner sets.
//!
//! Sources, read on 2026-12-01: <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>,
//! <https://docs.gitlab.com/ci/variables/predefined_variables/>, <https://help.gitee.com/gitee-go/pipeline/parameter>,
//! <https://help.aliyun.com/zh/yunxiao/user-guide/environment-variables>, which has nothing on the merge request.

use std::path::Path;

use serde_json::Value;
use url::Url;

use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::plan_format::CommentOf;
use crate::cli::shell::Shell;
use crate::domain::{Secret, odd_character};
use crate::forge::{Client, Forge, ForgeError, Repository, of_commit};

/// Longest description of an event that is read; GitHub's own have at most 25 MB.
const EVENT_BYTES_MAX: u64 = 32 << 20;

/// Where to comment.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ForgeAccess {
    /// The forge that the pull request is on
    #[arg(long, value_enum)]
    forge: TalkedTo,
    /// The repository: `OWNER/NAME`, of Codeup `ORGANIZATION/NUMBER` [default: the CI job's]
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,
    /// The pull request's number [default: the CI job's, or the one that the job's commit came from]
    #[arg(long, value_name = "NUMBER")]
    number: Option<u64>,
    /// Address of the forge's API [default: the CI job's, or the public one]
    #[arg(long, value_name = "URL")]
    api_url: Option<Url>,
    /// Variable that holds the token [default: `GITHUB_TOKEN`, `GITLAB_TOKEN`, `GITEE_TOKEN`, `YUNXIAO_ACCESS_TOKEN`]
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum TalkedTo {
    Github,
    Gitlab,
    Gitee,
    Codeup,
}

/// What a runner says, in the order in which it counts.
struct Variables {
    repository: &'static [&'static str],
    number: &'static [&'static str],
    api_url: &'static [&'static str],
    public_api_url: &'static str,
    token: &'static [&'static str],
    commit: &'static str,
}

impl TalkedTo {
    fn variables(self) -> Variables {
        match self {
            Self::Github => Variables {
                repository: &["GITHUB_REPOSITORY"],
                number: &[],
                api_url: &["GITHUB_API_URL"],
                public_api_url: "https://api.github.com",
                token: &["GITHUB_TOKEN", "GH_TOKEN"],
                commit: "GITHUB_SHA",
            },
            Self::Gitlab => Variables {
                // Of a fork's merge request, the project that it is for.
                repository: &["CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID"],
                number: &["CI_MERGE_REQUEST_IID"],
                api_url: &["CI_API_V4_URL"],
                public_api_url: "https://gitlab.com/api/v4",
                token: &["GITLAB_TOKEN"],
                commit: "CI_COMMIT_SHA",
            },
            Self::Gitee => Variables {
                repository: &["GITEE_REPO"],
                number: &["GITEE_PULL_ID"],
                api_url: &[],
                public_api_url: "https://gitee.com/api/v5",
                token: &["GITEE_TOKEN"],
                commit: "GITEE_COMMIT",
            },
            Self::Codeup => Variables {
                repository: &[],
                number: &[],
                api_url: &[],
                public_api_url: "https://openapi-rdc.aliyuncs.com/oapi/v1",
                token: &["YUNXIAO_ACCESS_TOKEN"],
                commit: "CI_COMMIT_SHA",
            },
        }
    }
}

impl From<TalkedTo> for Forge {
    fn from(forge: TalkedTo) -> Self {
        match forge {
            TalkedTo::Github => Self::GitHub,
            TalkedTo::Gitlab => Self::GitLab,
            TalkedTo::Gitee => Self::Gitee,
            TalkedTo::Codeup => Self::Codeup,
        }
    }
}

impl ForgeAccess {
    /// Returns whose limits count.
    pub(in crate::cli) fn comment_of(&self) -> CommentOf {
        match self.forge {
            TalkedTo::Github => CommentOf::Github,
            TalkedTo::Gitlab => CommentOf::Gitlab,
            TalkedTo::Gitee => CommentOf::Gitee,
            TalkedTo::Codeup => CommentOf::Codeup,
        }
    }

    /// Returns the pull request, which may be asked for by the job's commit, with its name in words.
    ///
    /// # Errors
    ///
    /// Returns a failure where neither options nor variables say what has to be known.
    pub(in crate::cli) async fn client(&self, shell: &Shell) -> Result<(Client, String)> {
        let (forge, variables) = (Forge::from(self.forge), self.forge.variables());
        let repository = self.repository.clone().or_else(|| first(shell, variables.repository));
        let repository =
            repository.ok_or_else(|| unnamed("repository", "--repository", variables.repository))?;
        let repository = Repository::new(forge, &repository).map_err(|error| {
            Failure::from_error(ExitStatus::Written, &error).help("name it: `--repository`")
        })?;
        let name = repository.to_string();
        let api_url = match (&self.api_url, first(shell, variables.api_url)) {
            (Some(url), _) => url.clone(),
            (None, Some(url)) => url.parse().map_err(|_| {
                Failure::new(ExitStatus::Written, format!("`{url}` is no address of an API"))
                    .help("name it: `--api-url`")
            })?,
            (None, None) => variables.public_api_url.parse().expect("the table has addresses"),
        };
        let token = self.token(shell, &variables)?;
        let said = shell.speaker();
        let client = Client::new(forge, api_url, repository, token, Box::new(move |text| said(text)))?;
        let event = if forge == Forge::GitHub { event(shell) } else { None };
        let number = self.number.or_else(|| first(shell, variables.number)?.parse().ok());
        let number = number.or_else(|| number_of(event.as_ref()?));
        let number = match (number, commit_of(event.as_ref()).or_else(|| shell.variable(variables.commit))) {
            (Some(number), _) => Some(number),
            (None, Some(commit)) => of_commit(&client, &commit).await?,
            (None, None) => None,
        };
        let number = number.ok_or_else(|| unnamed("pull request", "--number", variables.number))?;
        Ok((client.about(number), format!("{name}#{number}")))
    }

    fn token(&self, shell: &Shell, variables: &Variables) -> Result<Secret> {
        let (found, names) = match &self.token_env {
            Some(name) => (shell.variable(name), format!("`{name}`")),
            None => (
                first(shell, variables.token),
                variables.token.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "),
            ),
        };
        let token = found.ok_or_else(|| {
            Failure::new(ExitStatus::Credentials, format!("there is no token in {names}"))
                .help("set it, or name another variable: `--token-env`")
        })?;
        match odd_character(&token) {
            None => Ok(Secret::new(token)),
            Some(odd) => Err(Failure::new(ExitStatus::Credentials, format!("{names} {odd}"))
                .help("set it again: tokens have visible ASCII characters only")),
        }
    }
}

fn first(shell: &Shell, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| shell.variable(name))
}

fn unnamed(what: &str, option: &str, variables: &[&str]) -> Failure {
    let help = match variables.first() {
        Some(variable) => format!("name it: `{option}`; a CI job has it in `{variable}`"),
        None => format!("name it: `{option}`"),
    };
    Failure::new(ExitStatus::Written, format!("nothing says which {what} to comment on")).help(help)
}

/// Returns what GitHub's runner says of the event that started the job.
fn event(shell: &Shell) -> Option<Value> {
    let path = shell.variable("GITHUB_EVENT_PATH")?;
    let path = Path::new(&path);
    let is_read = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= EVENT_BYTES_MAX);
    is_read.then(|| serde_json::from_slice(&std::fs::read(path).ok()?).ok())?
}

/// Returns the number of an event's pull request. A workflow's run has one only where the branch is not a fork's.
fn number_of(event: &Value) -> Option<u64> {
    let of_run = &event["workflow_run"]["pull_requests"];
    let of_run =
        of_run.as_array().filter(|requests| requests.len() == 1).map(|requests| &requests[0]["number"]);
    let is_request = !event["issue"]["pull_request"].is_null();
    let of_comment = is_request.then(|| &event["issue"]["number"]);
    let named = [Some(&event["pull_request"]["number"]), of_run, of_comment];
    named.into_iter().flatten().find_map(Value::as_u64)
}

/// Returns the commit that a workflow's run was about, which is not the one that this job has.
fn commit_of(event: Option<&Value>) -> Option<String> {
    event?["workflow_run"]["head_sha"].as_str().map(str::to_owned)
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        let status = match &error {
            ForgeError::Refused { status: 401 | 403, .. } | ForgeError::OddToken => ExitStatus::Credentials,
            ForgeError::RateLimited { .. } | ForgeError::Unreachable { .. } => ExitStatus::Quota,
            ForgeError::Refused { status: 404, .. }
            | ForgeError::Setup(_)
            | ForgeError::Insecure(_)
            | ForgeError::Redirected { .. }
            | ForgeError::NoPullRequest(_)
            | ForgeError::SeveralPullRequests { .. } => ExitStatus::Written,
            ForgeError::Refused { .. } | ForgeError::Unreadable { .. } | ForgeError::TooManyComments(_) => {
                ExitStatus::Other
            }
        };
        Self::from_error(status, &error).help(error.help())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_names_its_pull_request_if_it_has_one() {
        for (event, number) in [
            (json!({ "pull_request": { "number": 7 }, "number": 7 }), Some(7)),
            (json!({ "workflow_run": { "pull_requests": [{ "number": 8 }] } }), Some(8)),
            (json!({ "workflow_run": { "pull_requests": [] , "head_sha": "a" } }), None),
            (json!({ "workflow_run": { "pull_requests": [{ "number": 8 }, { "number": 9 }] } }), None),
            (json!({ "issue": { "number": 10, "pull_request": {} } }), Some(10)),
            (json!({ "issue": { "number": 10 } }), None),
            (json!({ "ref": "refs/heads/main" }), None),
            (json!([]), None),
        ] {
            assert_eq!(number_of(&event), number, "{event}");
        }
    }
}
