//! Keeps one comment of a pull request, and one label, as they should be. The only room that talks to a forge.
//!
//! The comment is a text whose first line tells it from all others; what else it says is the caller's. Knows no plan, no
//! environment variable and no clock: what differs between forges is a table (`api`), and the token goes to the API's host
//! and nowhere else.

mod api;
mod client;
mod error;
mod keep;
mod pull_request;
mod reply;
mod repository;

use std::fmt;

pub use client::Client;
pub use error::ForgeError;
pub use keep::{Done, Kept, Wanted, keep};
pub use pull_request::of_commit;
pub use repository::{InvalidRepository, Repository};

/// A forge that is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// github.com, or a server of one's own.
    GitHub,
    /// gitlab.com, or a server of one's own.
    GitLab,
    /// gitee.com.
    Gitee,
    /// Codeup of Alibaba Cloud DevOps (Yunxiao).
    Codeup,
}

impl fmt::Display for Forge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Gitee => "Gitee",
            Self::Codeup => "Codeup",
        })
    }
}
