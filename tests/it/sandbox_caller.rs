//! A sandbox with a clock that tests turn, and callers that know nothing of our client: requests are put
//! together from bytes, only the arithmetic of signatures is shared.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use campaignctl::domain::{ApiVersion, Endpoint, Environment, LedgerPlace};
use campaignctl::mpaas::{percent_encode, signature_v1, sorted_query, string_to_sign_v1};
use campaignctl::sandbox::{
    self, Options, Sandbox, SandboxError, V3Parts, canonical_request_v3, signature_v3,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

/// The moment of most tests: the recorded requests were signed in the second before.
pub(crate) const NOW: &str = "2026-11-23T01:13:26Z";

/// The environment of a client of our own.
pub(crate) fn environment(timeout: Duration) -> Environment {
    Environment {
        name: "sandbox".parse().unwrap(),
        app_id: "A".to_owned(),
        workspace_id: "w".to_owned(),
        tenant_id: None,
        endpoint: Endpoint::Sandbox,
        region: None,
        api_version: ApiVersion::V20201028,
        requests_per_second: 1000.try_into().unwrap(),
        concurrency: 1.try_into().unwrap(),
        unexecuted_tasks_max: 100,
        timeout,
        ledger: LedgerPlace::Directory("unused".into()),
        review: campaignctl::domain::ReviewPolicy::default(),
    }
}

/// A running sandbox.
pub(crate) struct Vendor {
    pub(crate) sandbox: Sandbox,
    pub(crate) runtime: Runtime,
    now: Arc<AtomicI64>,
    nonces: AtomicU64,
}

/// A reply as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Vendor {
    pub(crate) fn start() -> Self {
        Self::with_journal(None).unwrap()
    }

    pub(crate) fn with_journal(journal: Option<PathBuf>) -> Result<Self, SandboxError> {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), journal)
    }

    pub(crate) fn at(address: SocketAddr, journal: Option<PathBuf>) -> Result<Self, SandboxError> {
        Self::set_up(address, |options| options.journal = journal)
    }

    /// Starts one whose options differ from the usual ones.
    pub(crate) fn set_up(
        address: SocketAddr,
        change: impl FnOnce(&mut Options),
    ) -> Result<Self, SandboxError> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let now = Arc::new(AtomicI64::new(moment(NOW)));
        let clock = Arc::clone(&now);
        let told = move || DateTime::from_timestamp_millis(clock.load(Ordering::SeqCst)).unwrap();
        let mut options = Options::new(Arc::new(told));
        change(&mut options);
        let sandbox = runtime.block_on(Sandbox::start(address, options))?;
        Ok(Self { sandbox, runtime, now, nonces: AtomicU64::new(0) })
    }

    /// Turns the clock.
    pub(crate) fn set(&self, time: &str) {
        self.now.store(moment(time), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now.load(Ordering::SeqCst)).unwrap()
    }

    /// The common parameters of a request that is signed now, with a new nonce.
    pub(crate) fn common(&self, action: &str) -> BTreeMap<String, String> {
        let nonce = self.nonces.fetch_add(1, Ordering::SeqCst);
        let timestamp = self.now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        pairs(&[
            ("Action", action),
            ("Version", "2020-10-28"),
            ("Format", "JSON"),
            ("AccessKeyId", sandbox::ACCESS_KEY_ID),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &format!("{}-{nonce}", std::process::id())),
            ("Timestamp", &timestamp),
        ])
    }

    /// Signs and sends a request: common parameters in the query, the others in the body.
    pub(crate) fn call(&self, action: &str, business: &BTreeMap<String, String>) -> Reply {
        self.call_with(self.common(action), business)
    }

    pub(crate) fn call_with(
        &self,
        common: BTreeMap<String, String>,
        business: &BTreeMap<String, String>,
    ) -> Reply {
        self.call_by("POST", common, business)
    }

    /// The same by another method, which is signed, too.
    pub(crate) fn call_by(
        &self,
        method: &str,
        mut common: BTreeMap<String, String>,
        business: &BTreeMap<String, String>,
    ) -> Reply {
        let mut all = common.clone();
        all.extend(business.clone());
        let text = string_to_sign_v1(method, &all);
        common.insert("Signature".to_owned(), signature_v1(sandbox::ACCESS_KEY_SECRET, &text));
        let request = post(&sorted_query(&common), &sorted_query(business));
        self.send(&[method.as_bytes(), &request["POST".len()..]].concat())
    }

    /// Sends bytes and reads one reply.
    pub(crate) fn send(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        Reply::read(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.sandbox.url().socket_addrs(|| None).unwrap()[0]).unwrap()
    }

    /// Asks below `/__sandbox`.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.send(format!("GET /__sandbox/{path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).json()
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        let head = format!("POST /__sandbox/{path} HTTP/1.1\r\nHost: h\r\nContent-Length: {}", body.len());
        self.send(format!("{head}\r\n\r\n{body}").as_bytes())
    }

    /// How many pushes it took.
    pub(crate) fn taken(&self) -> u64 {
        self.sandbox.received().calls
    }
}

/// A request of signature version 3, as the bytes of its head and of its body.
pub(crate) fn v3(vendor: &Vendor, body: &str, headers_left_unsigned: &[&str]) -> (String, String) {
    let common = vendor.common("PushTemplate");
    let sha256 = hex::encode(Sha256::digest(body.as_bytes()));
    let headers = pairs(&[
        ("host", "127.0.0.1:1"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-acs-action", "PushTemplate"),
        ("x-acs-version", "2020-10-28"),
        ("x-acs-date", &common["Timestamp"]),
        ("x-acs-signature-nonce", &common["SignatureNonce"]),
        ("x-acs-content-sha256", &sha256),
    ]);
    let mut signed = headers.clone();
    signed.retain(|name, _| !headers_left_unsigned.contains(&name.as_str()));
    let parts = V3Parts {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: BTreeMap::new(),
        headers: signed.clone(),
        body_sha256: sha256,
    };
    let signature = signature_v3(sandbox::ACCESS_KEY_SECRET, &canonical_request_v3(&parts));
    let names: Vec<&str> = signed.keys().map(String::as_str).collect();
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST / HTTP/1.1\r\n{}Authorization: ACS3-HMAC-SHA256 Credential={},SignedHeaders={},Signature={signature}\r\n",
        lines.concat(),
        sandbox::ACCESS_KEY_ID,
        names.join(";"),
    );
    (head, body.to_owned())
}

impl Reply {
    /// Reads one reply; its head says how long it is.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut chunk).unwrap();
            bytes.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8(bytes.clone()).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
                });
                if body.len() >= length.unwrap_or(0) {
                    let status = head[9..12].parse().unwrap();
                    return Self { status, head: head.to_owned(), text: body.to_owned() };
                }
            }
            assert_ne!(read, 0, "the reply ends early: {text:?}");
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// In a few words: `accepted`, the result code, or the gateway's status and code.
    pub(crate) fn verdict(&self) -> String {
        let body = self.json();
        if self.status != 200 {
            return format!("{} {}", self.status, body["Code"].as_str().unwrap());
        }
        let code = body["ResultCode"].as_str().unwrap();
        let is_success = body["PushResult"]["Success"].as_bool().unwrap_or(code == "OK");
        assert_eq!(is_success, code == "OK", "{body}");
        if is_success { "accepted".to_owned() } else { code.to_owned() }
    }
}

/// Owned parameters.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// The parameters of a push that is taken.
pub(crate) fn good(action: &str) -> BTreeMap<String, String> {
    let mut business =
        pairs(&[("AppId", "A"), ("WorkspaceId", "w"), ("TaskName", "t"), ("ExpiredSeconds", "600")]);
    business.extend(match action {
        "PushTemplate" => {
            pairs(&[("DeliveryType", "3"), ("TemplateName", "T"), ("TargetMsgkey", r#"{"u1":"k1"}"#)])
        }
        "PushBroadcast" => pairs(&[
            ("DeliveryType", "1"),
            ("TemplateName", "T"),
            ("Msgkey", "k1"),
            ("PushStatus", "0"),
            ("BindPeriod", "4"),
        ]),
        "PushSimple" => pairs(&[
            ("DeliveryType", "3"),
            ("Title", "Hello"),
            ("Content", "你好"),
            ("TargetMsgkey", r#"{"u1":"k1"}"#),
        ]),
        "PushMultiple" => pairs(&[
            ("DeliveryType", "3"),
            ("TemplateName", "T"),
            ("TargetMsg.1.Target", "u1"),
            ("TargetMsg.1.MsgKey", "k1"),
        ]),
        _ => panic!("no push is called {action}"),
    });
    business
}

/// A request with a form body.
pub(crate) fn post(query: &str, body: &str) -> Vec<u8> {
    let head = "Host: 127.0.0.1:1\r\nContent-Type: application/x-www-form-urlencoded";
    format!("POST /?{query} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// `TargetMsgkey` with `count` targets.
pub(crate) fn targets(count: usize) -> String {
    let entries: Vec<String> = (1..=count).map(|number| format!("\"u{number}\":\"k{number}\"")).collect();
    format!("{{{}}}", entries.join(","))
}

/// Milliseconds of a moment.
pub(crate) fn moment(text: &str) -> i64 {
    text.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
}

/// A query by hand: encoded, in the order given.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let encoded =
        pairs.iter().map(|(key, value)| format!("{}={}", percent_encode(key), percent_encode(value)));
    encoded.collect::<Vec<_>>().join("&")
}
