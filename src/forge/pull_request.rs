//! Which pull request a commit came from: after a merge, nothing else tells.

use std::collections::BTreeSet;

use crate::forge::ForgeError;
use crate::forge::client::Client;
use crate::forge::keep::id;

/// Returns the number of the pull request that a commit belongs to, or nothing where this forge is not asked for that: the one
/// that says that the commit is its own, or else the only one.
///
/// # Errors
///
/// Returns `NoPullRequest` and `SeveralPullRequests`, and whatever else the forge refuses.
pub async fn of_commit(client: &Client, commit: &str) -> Result<Option<u64>, ForgeError> {
    let Some((path, number, commits)) = client.api.of_commit else { return Ok(None) };
    if commit.is_empty() || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ForgeError::NoPullRequest(commit.to_owned()));
    }
    let path = path.replace("{commit}", commit);
    let found = client.pages(&path, "", "for the pull requests of a commit").await?;
    let is_own = |request: &&serde_json::Value| {
        commits.iter().any(|name| request.pointer(name).and_then(|value| value.as_str()) == Some(commit))
    };
    let numbered = |request: &serde_json::Value| id(request, number)?.parse().ok();
    let own: BTreeSet<u64> = found.iter().filter(is_own).filter_map(numbered).collect();
    let all: BTreeSet<u64> = found.iter().filter_map(numbered).collect();
    let chosen = if own.is_empty() { &all } else { &own };
    match chosen.len() {
        0 => Err(ForgeError::NoPullRequest(commit.to_owned())),
        1 => Ok(chosen.first().copied()),
        count => Err(ForgeError::SeveralPullRequests { commit: commit.to_owned(), count }),
    }
}
