//! What the client can do, and what it may ask of the server.

use lsp_types::{
    ClientCapabilities, CompletionOptions, DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher,
    GlobPattern, HoverProviderCapability, OneOf, Registration, RegistrationParams, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
};

use crate::lsp::position::Encoding;

/// Every file that a workspace can name: audiences may have any ending.
const WATCHED: &str = "**/*";

/// Returns what columns count from now on.
pub(super) fn encoding(client: &ClientCapabilities) -> Encoding {
    let general = client.general.as_ref();
    let offered = general.and_then(|general| general.position_encodings.as_deref());
    Encoding::choose(offered.unwrap_or_default())
}

/// Whether the client tells of changed files if it is asked to.
pub(super) fn does_watch(client: &ClientCapabilities) -> bool {
    let workspace = client.workspace.as_ref();
    let watching = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watching.and_then(|watching| watching.dynamic_registration).unwrap_or(false)
}

/// Returns the request to tell of changed files.
pub(super) fn watch() -> RegistrationParams {
    let watchers =
        vec![FileSystemWatcher { glob_pattern: GlobPattern::String(WATCHED.to_owned()), kind: None }];
    let options = DidChangeWatchedFilesRegistrationOptions { watchers };
    let registration = Registration {
        id: "watched-files".to_owned(),
        method: "workspace/didChangeWatchedFiles".to_owned(),
        register_options: serde_json::to_value(options).ok(),
    };
    RegistrationParams { registrations: vec![registration] }
}

/// Returns what the server can do.
pub(super) fn of_server(encoding: Encoding) -> ServerCapabilities {
    let trigger_characters = [":", " ", "\"", "'", "{", ","].map(str::to_owned).to_vec();
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(trigger_characters),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}
