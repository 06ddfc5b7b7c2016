//! Finds the comment, and makes it and the label what they should be: one comment, whatever happens in between.

use std::collections::BTreeSet;

use hyper::http::Method;
use serde_json::{Value, json};

use crate::forge::api::{
    CODEUP_VERSIONS, Labels, Listing, codeup_comment, codeup_question, codeup_version, github_graphql,
    github_viewer,
};
use crate::forge::client::{Ask, Client, Failed};
use crate::forge::{Forge, ForgeError};

/// So often a comment is tried to be made, each time only after a look whether it is there.
const TRIES_MAX: u32 = 3;

/// How the pull request should be.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The comment; its first line, which no other comment begins with, is how it is found again.
    pub text: &'a str,
    /// The label that it should have, and those of the same kind that it should not.
    pub labels: Option<(&'a str, Vec<&'a str>)>,
}

/// What was done for the comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is new.
    Created,
    /// It said something else before.
    Edited,
    /// It was right already.
    Nothing,
}

/// How the pull request is now.
#[derive(Debug)]
#[must_use = "the label may not be as it should"]
pub struct Kept {
    /// What was done for the comment.
    pub comment: Done,
    /// Whether it has the label; a forge without labels in its API has none.
    pub label: Result<bool, ForgeError>,
}

/// A comment of the token's own user that begins with the marker.
struct Own {
    id: String,
    text: String,
}

/// Makes comment and label what they should be. Safe to be called again after any error.
///
/// # Errors
///
/// Returns [`ForgeError`] where the comment is not there as it should be, or where that is not known.
pub async fn keep(client: &Client, wanted: &Wanted<'_>) -> Result<Kept, ForgeError> {
    let keeper = Keeper { client, text: wanted.text, me: me(client).await? };
    let comment = match keeper.find().await? {
        Some(own) if is_same(&own.text, wanted.text) => Done::Nothing,
        Some(own) if keeper.edit(&own.id).await? => Done::Edited,
        // Somebody deleted it in between.
        Some(_) | None => keeper.create().await?,
    };
    let label = match &wanted.labels {
        Some((label, others)) => set_label(client, label, others).await,
        None => Ok(false),
    };
    Ok(Kept { comment, label })
}

struct Keeper<'a> {
    client: &'a Client,
    text: &'a str,
    /// The id of the token's own user: nobody else's comment is touched, whatever it begins with.
    me: String,
}

impl Keeper<'_> {
    /// Returns the oldest comment that is ours.
    async fn find(&self) -> Result<Option<Own>, ForgeError> {
        let what = "for the comments";
        let api = &self.client.api;
        let comments = match api.listing {
            Listing::Pages(path, query) => self.client.pages(path, query, what).await?,
            Listing::Asked(path, states) => {
                let mut comments = Vec::new();
                for state in states {
                    let (url, question) = (self.client.url(path, &[]), codeup_question(*state));
                    let ask = Ask { method: Method::POST, url, body: Some(&question), what };
                    comments.extend(self.client.list(ask).await?);
                }
                comments
            }
        };
        let marker = first_line(self.text);
        let mut own = comments.iter().filter_map(|comment| {
            let is_mine = id(comment, api.author).is_some_and(|author| author == self.me);
            let text = comment[api.text].as_str()?;
            let is_there = comment["is_deleted"] != Value::Bool(true);
            let is_ours = is_mine && is_there && first_line(text) == marker;
            is_ours.then(|| Some(Own { id: id(comment, api.id)?, text: text.to_owned() }))?
        });
        Ok(own.next())
    }

    /// Returns whether the comment was still there.
    async fn edit(&self, id: &str) -> Result<bool, ForgeError> {
        let (method, path) = &self.client.api.edit;
        let body = json!({ self.client.api.text: self.text });
        let url = self.client.url(path, &[("{comment}", id)]);
        let ask = Ask { method: method.clone(), url, body: Some(&body), what: "to edit the comment" };
        match self.client.ask(ask).await {
            Ok(_) => Ok(true),
            Err(ForgeError::Refused { status: 404 | 410, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(&self) -> Result<Done, ForgeError> {
        let what = "to add a comment";
        let url = self.client.url(self.client.api.create, &[]);
        let body = self.new_comment().await?;
        let ask = Ask { method: Method::POST, url, body: Some(&body), what };
        let mut tries = 0;
        loop {
            let why = match self.client.ask_once(&ask).await {
                Ok(_) => return Ok(Done::Created),
                Err(Failed::Refused(error)) => return Err(error),
                Err(Failed::Lost(why)) => why,
            };
            tries += 1;
            self.client.pause(tries).await;
            // It may have done so, though it did not say it.
            match self.find().await? {
                Some(own) if is_same(&own.text, self.text) => return Ok(Done::Created),
                Some(own) if self.edit(&own.id).await? => return Ok(Done::Edited),
                Some(_) | None if tries >= TRIES_MAX => return Err(self.client.unreachable(what, why)),
                Some(_) | None => {}
            }
        }
    }

    async fn new_comment(&self) -> Result<Value, ForgeError> {
        if self.client.forge != Forge::Codeup {
            return Ok(json!({ self.client.api.text: self.text }));
        }
        let what = "for the versions of the merge request";
        let url = self.client.url(CODEUP_VERSIONS, &[]);
        let versions = self.client.list(Ask { method: Method::GET, url, body: None, what }).await?;
        let version = codeup_version(&versions);
        let version = version.ok_or(ForgeError::Unreadable { forge: self.client.forge, what })?;
        Ok(codeup_comment(self.text, version))
    }
}

/// Returns the id of the token's own user.
async fn me(client: &Client) -> Result<String, ForgeError> {
    let what = "whose the token is";
    let url = client.url(client.api.me, &[]);
    let asked = client.ask(Ask { method: Method::GET, url, body: None, what }).await;
    let (answer, pointer) = match asked {
        // An app's token, as a workflow has it, is nobody's there.
        Err(ForgeError::Refused { status: 403, .. }) if client.forge == Forge::GitHub => {
            let (url, body) = (github_graphql(client.base()), github_viewer());
            let answer = client.ask(Ask { method: Method::POST, url, body: Some(&body), what }).await?;
            (answer, "/data/viewer/databaseId")
        }
        asked => (asked?, "/id"),
    };
    id(&answer, pointer).ok_or(ForgeError::Unreadable { forge: client.forge, what })
}

/// Sets a label and takes the others away; returns whether the forge has labels in its API.
async fn set_label(client: &Client, label: &str, others: &[&str]) -> Result<bool, ForgeError> {
    let what = "to set a label";
    match client.api.labels {
        Labels::None => return Ok(false),
        Labels::Together(path) => {
            let body = json!({ "add_labels": label, "remove_labels": others.join(",") });
            let url = client.url(path, &[]);
            client.ask(Ask { method: Method::PUT, url, body: Some(&body), what }).await?;
        }
        Labels::OneByOne { all, one, is_wrapped } => {
            let present: BTreeSet<String> = client
                .pages(all, "", "for the labels")
                .await?
                .iter()
                .filter_map(|label| label["name"].as_str().map(str::to_owned))
                .collect();
            for other in others.iter().filter(|other| present.contains(**other)) {
                let url = client.url(one, &[("{label}", other)]);
                match client.ask(Ask { method: Method::DELETE, url, body: None, what }).await {
                    // Somebody took it away in between.
                    Ok(_) | Err(ForgeError::Refused { status: 404, .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if !present.contains(label) {
                // Adding it twice adds it once.
                let body = if is_wrapped { json!({ "labels": [label] }) } else { json!([label]) };
                let url = client.url(all, &[]);
                client.ask(Ask { method: Method::POST, url, body: Some(&body), what }).await?;
            }
        }
    }
    Ok(true)
}

/// Returns an id, which is a number or a text.
pub(super) fn id(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// Whether two comments say the same: a forge may keep other line breaks, and none at the end.
fn is_same(one: &str, other: &str) -> bool {
    one.trim_end().lines().eq(other.trim_end().lines())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end()
}
