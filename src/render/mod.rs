//! Values to text and JSON.
//!
//! Takes values of every room and returns texts; writes to no stream, asks no terminal, computes no fact.
//! Texts carry ANSI colours, which never carry meaning alone; `cli` strips them where nobody sees them.

pub mod caller;
mod comment_limits;
pub mod diagnostic;
mod difference;
pub mod doubt;
pub mod escape;
pub mod explain;
pub mod format;
pub mod history;
mod html;
pub mod json;
mod markdown;
pub mod page;
pub mod plan;
pub mod report;
mod report_json;
mod report_markdown;
pub mod review;
pub mod status;
pub mod status_page;
pub mod text;
mod when;
pub mod window;
mod written;

pub use comment_limits::CommentLimits;
pub use report_json::{ReportDocument, report_from_json};
