//! One open session: the client's texts, and its questions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lsp_server::{ErrorCode, Notification, Request, RequestId, Response};
use lsp_types::{
    CompletionItem, CompletionParams, Diagnostic, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentFormattingParams, DocumentSymbolParams,
    DocumentSymbolResponse, GotoDefinitionParams, Hover, HoverContents, HoverParams, InitializeParams,
    MarkupContent, MarkupKind, Position, PublishDiagnosticsParams, ReferenceParams, RegistrationParams, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::load::{Boundary, Shapes};
use crate::lsp::analysis::Analysis;
use crate::lsp::buffers::{Buffer, Buffers, path_of, uri_of};
use crate::lsp::position::Encoding;
use crate::lsp::{capabilities, completion, describe, formatting, navigate, publish, workspace};

pub(super) struct Session {
    encoding: Encoding,
    does_watch: bool,
    buffers: Buffers,
    analysis: Analysis,
    /// Whether something has changed since the files were read.
    is_behind: bool,
    /// The documents that changed since diagnostics were published.
    changed: BTreeSet<PathBuf>,
    /// What was published last, by path; empty lists left out.
    published: BTreeMap<PathBuf, Vec<Diagnostic>>,
}

impl Session {
    /// Opens the workspace that the client's folders, or `directory`, lead to. Returns what the server can do.
    pub(super) fn open(
        params: &InitializeParams,
        directory: Option<PathBuf>,
        current: PathBuf,
        roots: &[PathBuf],
    ) -> (Self, Value) {
        let (directory, shown_as) = workspace::find(params, directory, current);
        let encoding = capabilities::encoding(&params.capabilities);
        let session = Self {
            encoding,
            does_watch: capabilities::does_watch(&params.capabilities),
            buffers: Buffers::new(),
            analysis: Analysis::new(&Arc::new(Boundary::new(directory, roots.to_vec())), shown_as),
            is_behind: true,
            changed: BTreeSet::new(),
            published: BTreeMap::new(),
        };
        let server = json!({ "name": "campaignctl", "version": env!("CARGO_PKG_VERSION") });
        let result = json!({ "capabilities": capabilities::of_server(encoding), "serverInfo": server });
        (session, result)
    }

    /// Returns the registration for changes of files on disk, if the client takes one.
    pub(super) fn registration(&self) -> Option<RegistrationParams> {
        self.does_watch.then(capabilities::watch)
    }

    /// Takes what the client tells; what it should not have told is passed over.
    pub(super) fn notified(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            "textDocument/didOpen" => {
                let Some(DidOpenTextDocumentParams { text_document: opened }) = read(params) else { return };
                self.move_to_workspace_of(&opened.uri);
                let Some(path) = self.path(&opened.uri) else { return };
                self.buffers.insert(path.clone(), Buffer::new(opened.uri, opened.version, opened.text));
                self.text_changed(path);
            }
            "textDocument/didChange" => {
                let Some(DidChangeTextDocumentParams { text_document, content_changes }) = read(params)
                else {
                    return;
                };
                let Some(path) = self.path(&text_document.uri) else { return };
                let Some(buffer) = self.buffers.get_mut(&path) else { return };
                buffer.edit(text_document.version, content_changes, self.encoding);
                self.text_changed(path);
            }
            "textDocument/didClose" => {
                let Some(DidCloseTextDocumentParams { text_document }) = read(params) else { return };
                let Some(path) = self.path(&text_document.uri) else { return };
                if self.buffers.remove(&path).is_some() {
                    self.analysis.reader.close(&path);
                    self.is_behind = true;
                }
            }
            "textDocument/didSave" => self.is_behind = true,
            "workspace/didChangeWatchedFiles" => {
                let Some(DidChangeWatchedFilesParams { changes }) = read(params) else { return };
                for change in changes {
                    let Some(path) = self.path(&change.uri) else { continue };
                    self.analysis.audiences.forget(&path);
                    if !self.buffers.contains_key(&path) {
                        self.analysis.reader.forget(&path);
                    }
                }
                self.is_behind = true;
            }
            _ => {}
        }
    }

    /// Where the open folder is no workspace, but some directory below it that a document is in: that one is it from now on.
    fn move_to_workspace_of(&mut self, uri: &Uri) {
        let reader = &self.analysis.reader;
        if reader.has_project() {
            return;
        }
        let Some(path) = self.path(uri) else { return };
        let Some(directory) = workspace::around(reader.directory(), &path) else { return };
        let shown_as = self.analysis.shown(&directory);
        let boundary = reader.boundary().moved_to(directory);
        self.analysis = Analysis::new(&Arc::new(boundary), shown_as);
        for (path, buffer) in &self.buffers {
            self.analysis.reader.open(path.clone(), buffer.text().to_owned());
        }
        self.is_behind = true;
    }

    fn text_changed(&mut self, path: PathBuf) {
        let Some(buffer) = self.buffers.get(&path) else { return };
        self.analysis.reader.open(path.clone(), buffer.text().to_owned());
        self.changed.insert(path);
        self.is_behind = true;
    }

    /// Reads what has changed, and returns the diagnostics of every file whose own have changed, and of every
    /// document that was edited.
    pub(super) fn publish(&mut self, shapes: &Shapes) -> Vec<PublishDiagnosticsParams> {
        self.refresh(shapes);
        let found = publish::by_file(&self.analysis, &self.buffers, self.encoding);
        let is_inside = |path: &&PathBuf| self.analysis.reader.holds(path);
        let paths: BTreeSet<PathBuf> = found
            .keys()
            .chain(self.published.keys())
            .filter(|path| found.get(*path) != self.published.get(*path))
            .chain(self.changed.iter().filter(is_inside))
            .cloned()
            .collect();
        self.changed.clear();
        let params = paths.iter().filter_map(|path| {
            let diagnostics = found.get(path).cloned().unwrap_or_default();
            let version = self.buffers.get(path).map(|buffer| buffer.version);
            Some(PublishDiagnosticsParams { uri: uri_of(&self.buffers, path)?, diagnostics, version })
        });
        let params = params.collect();
        self.published = found;
        params
    }

    fn refresh(&mut self, shapes: &Shapes) {
        if self.is_behind {
            self.analysis.refresh(shapes, &self.buffers, self.encoding);
            self.is_behind = false;
        }
    }

    /// Answers a question from what was read last and the text as it is now.
    pub(super) fn asked(&mut self, request: Request, shapes: &Shapes, now: DateTime<Utc>) -> Response {
        let Request { id, method, params } = request;
        if self.analysis.names.is_empty() {
            self.refresh(shapes);
        }
        match method.as_str() {
            "textDocument/completion" => answer(id, params, |params: CompletionParams| {
                let place = params.text_document_position;
                self.complete(&place.text_document.uri, place.position, now)
            }),
            "textDocument/hover" => answer(id, params, |params: HoverParams| {
                let place = params.text_document_position_params;
                self.hover(&place.text_document.uri, place.position, now)
            }),
            "textDocument/definition" => answer(id, params, |params: GotoDefinitionParams| {
                let place = params.text_document_position_params;
                let (path, buffer, offset) = self.at(&place.text_document.uri, place.position)?;
                Some(navigate::definition(&self.analysis, &self.buffers, (&path, buffer.text()), offset))
            }),
            "textDocument/references" => answer(id, params, |params: ReferenceParams| {
                let place = params.text_document_position;
                let (path, buffer, offset) = self.at(&place.text_document.uri, place.position)?;
                let with_declarations = params.context.include_declaration;
                let text = (path.as_path(), buffer.text());
                Some(navigate::references(&self.analysis, &self.buffers, text, offset, with_declarations))
            }),
            "textDocument/documentSymbol" => answer(id, params, |params: DocumentSymbolParams| {
                let (path, buffer, _) = self.at(&params.text_document.uri, Position::default())?;
                let symbols = navigate::symbols(&path, buffer.text(), &buffer.lines(self.encoding));
                Some(DocumentSymbolResponse::Nested(symbols))
            }),
            "textDocument/formatting" => answer(id, params, |params: DocumentFormattingParams| {
                let (path, buffer, _) = self.at(&params.text_document.uri, Position::default())?;
                Some(formatting::edits(&path.to_string_lossy(), buffer.text(), &buffer.lines(self.encoding)))
            }),
            _ => {
                let message = format!("there is no method `{method}` here");
                Response::new_err(id, ErrorCode::MethodNotFound as i32, message)
            }
        }
    }

    fn complete(&self, uri: &Uri, position: Position, now: DateTime<Utc>) -> Option<Vec<CompletionItem>> {
        let (path, buffer, offset) = self.at(uri, position)?;
        let lines = buffer.lines(self.encoding);
        let text = (navigate::is_project(&path), buffer.text(), &lines);
        Some(completion::complete(&self.analysis, text, offset, now))
    }

    fn hover(&self, uri: &Uri, position: Position, now: DateTime<Utc>) -> Option<Hover> {
        let (path, buffer, offset) = self.at(uri, position)?;
        let found = navigate::name_at(navigate::is_project(&path), buffer.text(), offset)?;
        let value = describe::describe(&self.analysis, &found.name, now)?;
        Some(Hover {
            contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
            range: Some(buffer.lines(self.encoding).range(&found.range)),
        })
    }

    /// Returns an open document of the workspace, and the byte offset of a position in its text.
    fn at(&self, uri: &Uri, position: Position) -> Option<(PathBuf, &Buffer, usize)> {
        let path = self.path(uri)?;
        let buffer = self.buffers.get(&path)?;
        let is_inside = self.analysis.reader.holds(&path);
        is_inside.then(|| (path, buffer, buffer.lines(self.encoding).offset(position)))
    }

    /// Returns the path of an address, as it is below the workspace.
    fn path(&self, uri: &Uri) -> Option<PathBuf> {
        Some(workspace::below(self.analysis.reader.directory(), path_of(uri)?))
    }
}

fn read<P: DeserializeOwned>(params: Value) -> Option<P> {
    serde_json::from_value(params).ok()
}

fn answer<P: DeserializeOwned, R: serde::Serialize>(
    id: RequestId,
    params: Value,
    result: impl FnOnce(P) -> Option<R>,
) -> Response {
    match serde_json::from_value(params) {
        Ok(params) => Response::new_ok(id, result(params)),
        Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}
