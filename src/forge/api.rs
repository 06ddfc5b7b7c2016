//! What differs between forges: where things are, and what they are called.
//!
//! Sources, read on 2026-12-01: GitHub's own description of its REST API (the npm package `@octokit/openapi`);
//! <https://docs.gitlab.com/api/notes/> and <https://docs.gitlab.com/api/merge_requests/>;
//! <https://gitee.com/api/v5/swagger>; and of Codeup
//! <https://help.aliyun.com/zh/yunxiao/developer-reference/createchangerequestcomment> with its neighbours
//! `listmergerequestcomments`, `updatechangerequestcomment`, `listchangerequestpatchsets` and `getcurrentuser`.

use hyper::http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::forge::Forge;

/// What a page of a list has at most; every forge with pages takes it.
pub(super) const PAGE_ROWS: usize = 100;

/// The addresses of one forge, below its API's, and the names of what it answers, as JSON pointers. `{repository}`, `{number}`,
/// `{organization}`, `{comment}`, `{label}` and `{commit}` stand for what they say.
pub(super) struct Api {
    /// The header that carries the token, and what stands before it there.
    pub(super) token: (&'static str, &'static str),
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// Who the token is of.
    pub(super) me: &'static str,
    pub(super) listing: Listing,
    pub(super) create: &'static str,
    pub(super) edit: (Method, &'static str),
    /// What a comment's text is called, its author's id and its own.
    pub(super) text: &'static str,
    pub(super) author: &'static str,
    pub(super) id: &'static str,
    pub(super) labels: Labels,
    /// The pull requests of a commit: where, what their number is called, and the commits that a merge leaves.
    pub(super) of_commit: Option<(&'static str, &'static str, &'static [&'static str])>,
}

/// How comments are listed.
pub(super) enum Listing {
    /// A page at a time; the query asks for the oldest first.
    Pages(&'static str, &'static str),
    /// All at once, to a question that is posted, once for each state that a comment may have.
    Asked(&'static str, &'static [bool]),
}

/// How labels are set.
pub(super) enum Labels {
    /// Each by itself: where they are, and whether those to add stand in an object.
    OneByOne { all: &'static str, one: &'static str, is_wrapped: bool },
    /// With the pull request that has them.
    Together(&'static str),
    /// The API has none.
    None,
}

impl Api {
    pub(super) fn of(forge: Forge) -> Self {
        match forge {
            Forge::GitHub => Self {
                token: ("authorization", "Bearer "),
                headers: &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")],
                me: "user",
                listing: Listing::Pages("repos/{repository}/issues/{number}/comments", ""),
                create: "repos/{repository}/issues/{number}/comments",
                edit: (Method::PATCH, "repos/{repository}/issues/comments/{comment}"),
                text: "body",
                author: "/user/id",
                id: "/id",
                labels: Labels::OneByOne {
                    all: "repos/{repository}/issues/{number}/labels",
                    one: "repos/{repository}/issues/{number}/labels/{label}",
                    is_wrapped: true,
                },
                of_commit: Some((
                    "repos/{repository}/commits/{commit}/pulls",
                    "/number",
                    &["/merge_commit_sha", "/head/sha"],
                )),
            },
            Forge::GitLab => Self {
                token: ("private-token", ""),
                headers: &[],
                me: "user",
                listing: Listing::Pages(
                    "projects/{repository}/merge_requests/{number}/notes",
                    "&sort=asc&order_by=created_at",
                ),
                create: "projects/{repository}/merge_requests/{number}/notes",
                edit: (Method::PUT, "projects/{repository}/merge_requests/{number}/notes/{comment}"),
                text: "body",
                author: "/author/id",
                id: "/id",
                labels: Labels::Together("projects/{repository}/merge_requests/{number}"),
                of_commit: Some((
                    "projects/{repository}/repository/commits/{commit}/merge_requests",
                    "/iid",
                    &["/merge_commit_sha", "/squash_commit_sha", "/sha"],
                )),
            },
            Forge::Gitee => Self {
                token: ("authorization", "Bearer "),
                headers: &[],
                me: "user",
                listing: Listing::Pages("repos/{repository}/pulls/{number}/comments", "&direction=asc"),
                create: "repos/{repository}/pulls/{number}/comments",
                edit: (Method::PATCH, "repos/{repository}/pulls/comments/{comment}"),
                text: "body",
                author: "/user/id",
                id: "/id",
                labels: Labels::OneByOne {
                    all: "repos/{repository}/pulls/{number}/labels",
                    one: "repos/{repository}/pulls/{number}/labels/{label}",
                    is_wrapped: false,
                },
                of_commit: None,
            },
            Forge::Codeup => Self {
                token: ("x-yunxiao-token", ""),
                headers: &[],
                me: "platform/user",
                listing: Listing::Asked(
                    "codeup/organizations/{organization}/repositories/{repository}/changeRequests/{number}/comments/list",
                    &[false, true],
                ),
                create: "codeup/organizations/{organization}/repositories/{repository}/changeRequests/{number}/comments",
                edit: (
                    Method::PUT,
                    "codeup/organizations/{organization}/repositories/{repository}/changeRequests/{number}/comments/{comment}",
                ),
                text: "content",
                author: "/author/userId",
                id: "/comment_biz_id",
                labels: Labels::None,
                of_commit: None,
            },
        }
    }
}

/// Codeup ties each comment to a version of the merge request; these are its versions.
pub(super) const CODEUP_VERSIONS: &str =
    "codeup/organizations/{organization}/repositories/{repository}/changeRequests/{number}/diffs/patches";

/// Returns the version of Codeup's that a comment on all of a merge request belongs to: the latest of what is to be merged.
pub(super) fn codeup_version(versions: &[Value]) -> Option<&str> {
    let sources = versions.iter().filter(|version| version["relatedMergeItemType"] == "MERGE_SOURCE");
    sources.max_by_key(|version| version["versionNo"].as_u64())?["patchSetBizId"].as_str()
}

/// Returns the question for Codeup's comments on all of a merge request, those that count as resolved or the others.
pub(super) fn codeup_question(is_resolved: bool) -> Value {
    json!({ "comment_type": "GLOBAL_COMMENT", "state": "OPENED", "resolved": is_resolved })
}

/// Returns what Codeup wants to know of a new comment besides its text.
pub(super) fn codeup_comment(text: &str, version: &str) -> Value {
    json!({
        "comment_type": "GLOBAL_COMMENT", "content": text, "draft": false, "resolved": false, "patchset_biz_id": version,
    })
}

/// Where GitHub's GraphQL API is, which tells also an app's token whose it is; `GET /user` knows persons only.
pub(super) fn github_graphql(api: &Url) -> Url {
    let mut graphql = api.clone();
    let path = api.path().trim_end_matches('/').trim_end_matches("/v3");
    graphql.set_path(&format!("{path}/graphql"));
    graphql
}

/// Asks GitHub's GraphQL API whose the token is.
pub(super) fn github_viewer() -> Value {
    json!({ "query": "query { viewer { databaseId } }" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_api_of_github_is_beside_the_first() {
        for (api, graphql) in [
            ("https://api.github.com", "https://api.github.com/graphql"),
            ("https://git.acme.example/api/v3/", "https://git.acme.example/api/graphql"),
        ] {
            assert_eq!(github_graphql(&api.parse().unwrap()).as_str(), graphql);
        }
    }

    #[test]
    fn a_comment_of_codeup_belongs_to_the_latest_version_of_what_is_merged() {
        let version = |kind: &str, number: u64, id: &str| json!({ "relatedMergeItemType": kind, "versionNo": number, "patchSetBizId": id });
        let versions = [
            version("MERGE_SOURCE", 1, "a"),
            version("MERGE_SOURCE", 2, "b"),
            version("MERGE_TARGET", 9, "c"),
        ];
        assert_eq!(codeup_version(&versions), Some("b"));
        assert_eq!(codeup_version(&versions[2..]), None);
    }
}
