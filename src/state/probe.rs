//! Where tests look at a store, or make it fail, between two of its durable steps. Outside of tests there is nothing to it.

use std::io;

#[cfg(test)]
use std::sync::Arc;

/// An instant between two durable steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::state) enum Point {
    /// Nothing of an append was written yet.
    Appending,
    /// All of it is durable, and nobody was told.
    Appended,
    /// Some steps of putting a draft in place are done.
    Replacing,
}

/// What a test does at these instants; an error makes the step before it fail.
#[cfg(test)]
pub(in crate::state) type Hook = Arc<dyn Fn(Point) -> io::Result<()> + Send + Sync>;

/// Passed on from a store to its writers and drafts.
#[derive(Clone, Default)]
pub(in crate::state) struct Probe {
    #[cfg(test)]
    pub(in crate::state) hook: Option<Hook>,
}

impl Probe {
    #[cfg_attr(not(test), expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests use them"))]
    pub(in crate::state) fn pass(&self, point: Point) -> io::Result<()> {
        #[cfg(test)]
        if let Some(hook) = &self.hook {
            return hook(point);
        }
        #[cfg(not(test))]
        let _ = point;
        Ok(())
    }
}
