//! Files to spanned syntax.
//!
//! Reads a workspace's YAML and audience files. Does not know that a name must be declared anywhere, nor
//! what a value means; never stops at the first mistake. `check` comes next.

pub mod model;
