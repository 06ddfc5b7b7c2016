//! Values to text.
//!
//! Turns what other rooms computed into what people and machines read. Writes no stream, knows no terminal,
//! computes no fact: colour and width are handed in.

pub mod diagnostic;
