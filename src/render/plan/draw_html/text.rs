//! Pieces of lines as HTML: what is the tool's own as it is, what is somebody else's apart from its neighbours.

use maud::{Markup, html};

use crate::render::html::{Foreign, language};
use crate::render::plan::view::{Label, Span, Text};

/// Returns a line.
pub(super) fn spans<'a>(spans: impl IntoIterator<Item = &'a Span>) -> Markup {
    html! { @for piece in spans { (span(piece)) } }
}

/// Returns pieces that are no line.
pub(super) fn each(pieces: &[&Span]) -> Markup {
    html! { @for (place, piece) in pieces.iter().enumerate() { @if place > 0 { ", " } (span(piece)) } }
}

/// Returns a piece, marked as what it is.
pub(super) fn span(piece: &Span) -> Markup {
    let text = bare(piece);
    match (piece.label, &piece.text) {
        (Label::Name | Label::Command | Label::Code | Label::Place, _) | (_, Text::Quoted(_)) => {
            html! { code { (text) } }
        }
        (Label::Strong | Label::Project | Label::Environment, _) => html! { strong { (text) } },
        _ => text,
    }
}

/// Returns its text alone. What is foreign may run the other way, and turns nothing around it.
pub(super) fn bare(piece: &Span) -> Markup {
    match &piece.text {
        Text::Own(text) => html! { (text) },
        Text::Foreign(text) | Text::Quoted(text) => foreign(text),
        Text::Sentence(text) => html! { bdi { (sentence(text)) } },
    }
}

/// Returns a sentence in which names and commands stand in backticks.
pub(super) fn sentence(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 0 { (Foreign(part)) } @else { code { (Foreign(part)) } }
        }
    }
}

/// Returns a foreign text.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi lang=[language(text)] { (Foreign(text)) } }
}
