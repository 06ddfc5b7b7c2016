//! Everything that is tested from outside the rooms.

mod corpus;
mod editor;
mod schema;
mod signature;
mod valid_corpus;
