//! Files to spanned syntax.
//!
//! Reads a workspace's YAML and audience files. Does not know that a name must be declared anywhere, nor
//! what a value means; never stops at the first mistake: what can be read is returned beside what is wrong.
//! `schema` hands in the compiled shapes, `check` comes next.

mod boundary;
mod document;
mod file;
pub mod model;
mod names;
mod no_project;
mod outline;
mod places;
mod reader;
mod remains;
mod schema_line;
mod shape;
pub mod targets;
mod workspace;
mod yaml;

pub use boundary::{Boundary, OpenError};
pub use document::{Document, parse};
pub use file::{from_text as checked_text, read_whole, without_mark};
pub use names::PROJECT_FILE;
pub use no_project::no_project;
pub use outline::{Entry, Mapping, Outline, outline};
pub use places::Places;
pub use reader::Reader;
pub use remains::Remains;
pub use shape::{Shape, Shapes};
pub use workspace::{Workspace, files, project_alone, within, workspace, workspace_of};
