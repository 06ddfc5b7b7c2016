//! Where in which file, how bad, which code, what to do.
//!
//! A mistake in what was written is a value, so that one run reports all of them. Knows nothing of
//! colours and terminal widths: `render` draws these.

mod bounds;
mod code;
mod number;
mod place;
mod suggestion;

pub use bounds::{ALIKE_MAX, limit_alike};
pub use code::{Code, UnknownCode};
pub use number::number;
pub use place::{Place, Source, Span};
pub use suggestion::closest;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is planned or sent until it is mended.
    Error,
    /// Worth a look; stops nothing.
    Warning,
}

impl Severity {
    /// Returns `error` or `warning`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place and what there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// A piece of a file, a line of it, or the whole.
    pub place: Place,
    /// What to say there; empty where the place says enough.
    pub text: String,
}

/// One thing that is wrong, or looks wrong, with what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a mistake that nobody reports is lost"]
pub struct Diagnostic {
    /// Whether it stops a plan.
    pub severity: Severity,
    /// Its stable code.
    pub code: Code,
    /// What happened: lower case, no full stop, names in backticks.
    pub message: String,
    /// Where, first of all; nothing where no file is to blame.
    pub primary: Option<Label>,
    /// Other places that belong to it, such as the first of two declarations.
    pub related: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Starts an error at `place`.
    pub fn error(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, Some(place), message.into())
    }

    /// Starts a warning at `place`.
    pub fn warning(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, Some(place), message.into())
    }

    /// Starts an error that no file is to blame for.
    pub fn placeless(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, None, message.into())
    }

    fn new(severity: Severity, code: Code, place: Option<Place>, message: String) -> Self {
        let primary = place.map(|place| Label { place, text: String::new() });
        let message = bounds::shortened(message);
        Self { severity, code, message, primary, related: Vec::new(), help: None }
    }

    /// Says at the primary place, beside the caret, what is the matter there.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = bounds::shortened(text.into());
        }
        self
    }

    /// Adds another place that belongs to it.
    pub fn related(mut self, place: Place, text: impl Into<String>) -> Self {
        self.related.push(Label { place, text: bounds::shortened(text.into()) });
        self
    }

    /// Says what to do about it.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(bounds::shortened(text.into()));
        self
    }

    /// Whether it stops everything that follows.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Orders diagnostics as a reader meets them: by file, then position, then code; drops exact repeats.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|left, right| order_key(left).cmp(&order_key(right)));
    diagnostics.dedup();
}

fn order_key(diagnostic: &Diagnostic) -> (Option<(&str, u64, usize)>, Code, &str) {
    let place = diagnostic.primary.as_ref().map(|label| label.place.order_key());
    (place, diagnostic.code, &diagnostic.message)
}
