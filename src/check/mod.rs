//! The rules about what was written.
//!
//! Turns syntax into domain values and every mistake into a diagnostic, one function for each rule, all of
//! them in one run. Knows no clock, no ledger and no network: rules that need those are guards of `plan`.
//! `load` comes before, `resolve` after.

mod checked;

pub use checked::{AudienceSource, Checked, Declared, OwnContent, Project, Strategy};
