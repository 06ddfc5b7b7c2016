//! A minimal client of the language server protocol.

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lsp::client::read_message;

/// Longest silence of the server before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running language server.
pub(super) struct Client {
    server: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    requests_count: u64,
    documents_count: u64,
    /// Diagnostics by document, as published last.
    diagnostics: HashMap<String, Vec<Value>>,
}

impl Client {
    /// Starts the server that `scripts/editor-server` installs.
    pub(super) fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("target/editor-server/node_modules/yaml-language-server/bin/yaml-language-server");
        assert!(program.exists(), "the YAML language server is missing: run `scripts/editor-server`");
        let mut server = Command::new("node")
            .arg(program)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("node does not start ({error}): run `scripts/editor-server`"));
        let input = server.stdin.take().unwrap();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            while let Some(message) = read_message(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let diagnostics = HashMap::new();
        let mut client = Self { server, input, messages, requests_count: 0, documents_count: 0, diagnostics };
        client.initialize();
        client
    }

    fn initialize(&mut self) {
        let completion = json!({ "completionItem": { "snippetSupport": true } });
        let capabilities = json!({
            "textDocument": { "completion": completion, "hover": { "contentFormat": ["markdown"] }, "publishDiagnostics": {} },
        });
        self.request(
            "initialize",
            &json!({ "processId": null, "rootUri": null, "capabilities": capabilities }),
        );
        self.notify("initialized", &json!({}));
        let settings = json!({ "yaml": {
            "validate": true, "hover": true, "completion": true, "schemaStore": { "enable": false },
        } });
        self.notify("workspace/didChangeConfiguration", &json!({ "settings": settings }));
    }

    /// Opens a new document, which must name its schema itself, and returns its address.
    pub(super) fn open(&mut self, text: &str) -> String {
        self.documents_count += 1;
        let uri = format!("file:///workspace/case-{}.yaml", self.documents_count);
        let document =
            json!({ "uri": uri, "languageId": "yaml", "version": self.documents_count, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }));
        uri
    }

    /// Returns the labels that are offered at a place.
    pub(super) fn completions(&mut self, uri: &str, line: usize, character: usize) -> Vec<String> {
        let answer = self.at("textDocument/completion", uri, line, character);
        let items = answer.get("items").unwrap_or(&answer);
        let labels = items.as_array().into_iter().flatten().filter_map(|item| item["label"].as_str());
        labels.map(str::to_owned).collect()
    }

    /// Returns the text that is shown over a place.
    pub(super) fn hover(&mut self, uri: &str, line: usize, character: usize) -> String {
        let answer = self.at("textDocument/hover", uri, line, character);
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns the messages that are first published for a document.
    pub(super) fn diagnostics(&mut self, uri: &str) -> Vec<String> {
        while !self.diagnostics.contains_key(uri) {
            self.receive();
        }
        let messages = self.diagnostics[uri].iter().filter_map(|diagnostic| diagnostic["message"].as_str());
        messages.map(str::to_owned).collect()
    }

    fn at(&mut self, method: &str, uri: &str, line: usize, character: usize) -> Value {
        let position = json!({ "line": line, "character": character });
        self.request(method, &json!({ "textDocument": { "uri": uri }, "position": position }))
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.requests_count += 1;
        let id = self.requests_count;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            if let Some(answer) = self.receive()
                && answer["id"] == id
            {
                return answer["result"].clone();
            }
        }
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    /// Takes one message: answers the server's own requests, keeps diagnostics, returns answers.
    fn receive(&mut self) -> Option<Value> {
        let message = self.messages.recv_timeout(PATIENCE).expect("the language server answers in time");
        match (message["method"].as_str(), message.get("id")) {
            (Some("textDocument/publishDiagnostics"), _) => {
                let uri = message["params"]["uri"].as_str().unwrap().to_owned();
                let diagnostics = message["params"]["diagnostics"].as_array().unwrap().clone();
                self.diagnostics.insert(uri, diagnostics);
                None
            }
            (Some(_), Some(id)) => {
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));
                None
            }
            (Some(_), None) => None,
            (None, _) => Some(message),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
