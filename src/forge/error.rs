//! Why a comment is not as it should be.

use std::time::Duration;

use crate::forge::Forge;

/// Why a forge did not do what it was asked for. Holds no token.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// No connection could be set up: a proxy or certificate of the environment cannot be used.
    #[error("no connection can be set up: {0}")]
    Setup(String),
    /// The address of the API is none that a token may be sent to.
    #[error("`{0}` is no address that a token can be sent to")]
    Insecure(String),
    /// The token has characters that no header can have.
    #[error("the token has a character that no token has")]
    OddToken,
    /// It answered, and will not do it.
    #[error("{forge} answered {status} when it was asked {what}{}", after_colon(.said))]
    Refused {
        /// Who answered.
        forge: Forge,
        /// The HTTP status.
        status: u16,
        /// What it was asked for.
        what: &'static str,
        /// Its own words, without secrets; may be empty.
        said: String,
    },
    /// It wants to be left alone for longer than anybody waits.
    #[error("{forge} has had too many requests, and asks to wait {}", seconds(.wait))]
    RateLimited {
        /// Who answered.
        forge: Forge,
        /// How long from now.
        wait: Duration,
    },
    /// There was no answer, or none that says anything, several times in a row.
    #[error("{forge} could not be reached when it was asked {what}: {why}")]
    Unreachable {
        /// Who was asked.
        forge: Forge,
        /// What for.
        what: &'static str,
        /// The last reason.
        why: String,
    },
    /// It named another address. The token is not sent there.
    #[error("{forge} answered that it moved to `{to}`, and the token was not sent there")]
    Redirected {
        /// Who answered.
        forge: Forge,
        /// The origin that it named.
        to: String,
    },
    /// It answered something else than its documents say.
    #[error("{forge} answered {what} in another form than its documents have")]
    Unreadable {
        /// Who answered.
        forge: Forge,
        /// What was asked for.
        what: &'static str,
    },
    /// A list went on without an end.
    #[error("the pull request has more than {0} comments")]
    TooManyComments(usize),
    /// A commit is in no pull request.
    #[error("commit `{0}` is of no pull request")]
    NoPullRequest(String),
    /// A commit is in several pull requests, and none of them says that it is its own.
    #[error("commit `{commit}` is of {count} pull requests")]
    SeveralPullRequests {
        /// The commit.
        commit: String,
        /// How many.
        count: usize,
    },
}

impl ForgeError {
    /// Says what to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Setup(_) => "see what `HTTPS_PROXY` and `SSL_CERT_FILE` name",
            Self::Insecure(_) => "write it with `https://` and nothing before the host: `--api-url`",
            Self::OddToken => "set it again: tokens have visible ASCII characters only",
            Self::Refused { status: 401, .. } => "set a token that is valid",
            Self::Refused { status: 403, .. } => {
                "give the token the right to write comments and labels of pull requests; docs/comment.md has the names"
            }
            Self::Refused { status: 404, .. } => {
                "see that `--repository` and `--number` name a pull request that the token may read"
            }
            Self::Refused { .. } => "docs/comment.md has what is asked for",
            Self::RateLimited { .. } | Self::Unreachable { .. } => {
                "run it again later: that makes no second comment"
            }
            Self::Redirected { .. } => {
                "name the repository and the API as they are called now: `--repository`, `--api-url`"
            }
            Self::Unreadable { .. } => "see that `--api-url` names the forge's API",
            Self::TooManyComments(_) => {
                "post the output of `campaignctl show PLAN --format markdown` by hand"
            }
            Self::NoPullRequest(_) | Self::SeveralPullRequests { .. } => "name it: `--number NUMBER`",
        }
    }
}

fn after_colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

fn seconds(wait: &Duration) -> String {
    match wait.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}
