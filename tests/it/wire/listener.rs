//! A vendor that accepts everything and keeps each request as it came off the socket.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The reply to the request of a number: no two have the same id.
fn reply(number: usize) -> String {
    format!(
        r#"{{"RequestId":"R{number}","ResultCode":"OK","ResultMessage":"","PushResult":{{"Success":true,"Data":"D{number}"}}}}"#
    )
}

/// One request, nothing decoded.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// `POST /?… HTTP/1.1`.
    pub(super) line: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Received {
    /// The query's parameters.
    pub(super) fn query(&self) -> BTreeMap<String, String> {
        let target = self.line.strip_prefix("POST /?").unwrap().strip_suffix(" HTTP/1.1").unwrap();
        decoded(target)
    }

    /// The form's parameters.
    pub(super) fn form(&self) -> BTreeMap<String, String> {
        decoded(&self.body)
    }
}

/// Decodes as a server does; a name that comes twice ends the test.
pub(super) fn decoded(text: &str) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let parameters: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(parameters.len(), pairs.len(), "no name twice in {text}");
    parameters
}

/// Listens on a loopback port until the test's process ends.
pub(super) struct Listener {
    pub(super) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Listener {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let keep = Arc::clone(&keep);
                std::thread::spawn(move || serve(&stream.unwrap(), &keep));
            }
        });
        Self { url, received }
    }

    /// What came so far, in the order in which it came.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, keep: &Mutex<Vec<Received>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = {
            let mut received = keep.lock().unwrap();
            received.push(request);
            received.len()
        };
        let (mut writer, reply) = (stream, reply(number));
        let length = reply.len();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length";
        write!(writer, "{head}: {length}\r\n\r\n{reply}").unwrap();
    }
}

/// Reads one request; nothing when the client closed the connection.
fn read(reader: &mut impl BufRead) -> Option<Received> {
    let line = header_line(reader).filter(|line| !line.is_empty())?;
    let mut headers = BTreeMap::new();
    while let Some(header) = header_line(reader).filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(':').unwrap();
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    Some(Received { line, headers, body: String::from_utf8(body).unwrap() })
}

fn header_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    Some(line.trim_end().to_owned())
}
