//! Asks a bucket: one request and one answer, as far as that can be told.
//!
//! A request to create an object is judged with care: what was answered, and whether the object may be there or may still come
//! to be there. See `decide`.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use hyper::http;
use hyper::http::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::domain::{ObjectService, ObjectsPlace};
use crate::state::Variables;
use crate::state::error::StateErrorKind;
use crate::state::objects::address::Address;
use crate::state::objects::refusal::{self, Answer};
use crate::state::objects::sign::Signing;
use crate::state::objects::trouble::{Action, Trouble, innermost};

/// Longest object that is read: a bundle of blocks, or a step of one long line.
const OBJECT_BYTES_MAX: usize = 512 << 20;
/// Longest page of a list that is read: a thousand keys of at most 1,024 bytes, each with what is said of it.
const LIST_BYTES_MAX: usize = 8 << 20;
/// Longest answer of any other kind that is read, errors among them.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Pages of a list in a row that may have nothing new, as those of a bucket with much that was deleted.
const IDLE_PAGES_MAX: u32 = 16;
/// Bytes that a connection carries in a second at the least, beyond which an answer counts as lost.
const BYTES_PER_SECOND_MIN: usize = 256 << 10;

/// How long something may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// One request, apart from what its bytes take.
    pub(super) attempt: Duration,
    /// Until a step of the log counts as undecided.
    pub(super) step: Duration,
    /// The same for a sign and for the end, which wait for nobody.
    pub(super) sign: Duration,
    /// Until what is read counts as out of reach.
    pub(super) read: Duration,
    /// Before the first repetition; it doubles up to forty times that.
    pub(super) pause: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(6),
            // Half a lease.
            step: Duration::from_secs(30),
            sign: Duration::from_secs(8),
            read: Duration::from_secs(20),
            pause: Duration::from_millis(50),
        }
    }
}

/// What became of a request to create an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Created {
    Now,
    /// There is one of that key.
    Before,
}

/// A bucket as a ledger's store has it; keys are below the ledger's prefix.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    address: Address,
    signing: Signing,
    place: ObjectsPlace,
    pub(super) timing: Timing,
}

struct Ask<'a> {
    action: Action,
    key: Option<&'a str>,
    query: &'a [(&'a str, &'a str)],
    /// Which bytes of the object; all of them where nothing is said.
    range: Option<Range<u32>>,
    body: Bytes,
}

impl<'a> Ask<'a> {
    fn of(action: Action, key: Option<&'a str>) -> Self {
        Self { action, key, query: &[], range: None, body: Bytes::new() }
    }
}

#[derive(Deserialize)]
struct Listing {
    #[serde(rename = "IsTruncated", default)]
    is_truncated: bool,
    #[serde(rename = "NextContinuationToken")]
    next: Option<String>,
    #[serde(rename = "Contents", default)]
    contents: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Key")]
    key: String,
}

#[derive(Deserialize)]
struct Versioning {
    #[serde(rename = "Status")]
    status: Option<String>,
}

impl Client {
    /// Sets up connections, opened when they are needed. Certificates and proxies are those of the vendor's client.
    ///
    /// # Errors
    ///
    /// Returns `Keys` and `Refused` for what the environment variables say of keys and proxies.
    pub(super) fn new(
        place: &ObjectsPlace,
        variables: &Variables,
        timing: Timing,
    ) -> Result<Self, StateErrorKind> {
        // An error only says that a provider is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("campaignctl/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timing.attempt / 2)
            // Whoever follows one would sign for another host.
            .redirect(reqwest::redirect::Policy::none())
            .http1_only();
        if place.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http") {
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| StateErrorKind::Refused {
            why: innermost(&error.without_url()),
            help: "nothing was sent. See what HTTPS_PROXY and SSL_CERT_FILE name".to_owned(),
        })?;
        let signing = Signing::new(place, variables, timing.read)?;
        Ok(Self { address: Address::of(place), signing, place: place.clone(), timing, http })
    }

    /// Asks once to create an object, and to leave one that is there as it is.
    pub(super) async fn create(&self, key: &str, body: Bytes) -> Result<Created, Trouble> {
        let answer = self.ask(Ask { body, ..Ask::of(Action::Put, Some(key)) }).await?;
        match (answer.status, answer.code.as_str()) {
            // Either answers with the object's tag: something that does not is no object store.
            (200..=299, _) if answer.headers.contains_key("etag") => Ok(Created::Now),
            (412, _) | (409, "FileAlreadyExists") => Ok(Created::Before),
            _ => Err(self.trouble(Action::Put, &answer)),
        }
    }

    /// Reads an object, if there is one.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, Trouble> {
        let ask = || Ask::of(Action::Get, Some(key));
        self.read(ask, |answer| match (answer.status, answer.code.as_str()) {
            (200, _) if !answer.is_page() => Some(Some(answer.body.clone())),
            (404, "NoSuchKey") => Some(None),
            _ => None,
        })
        .await
    }

    /// Reads some bytes of an object, if there is one.
    pub(super) async fn get_range(&self, key: &str, bytes: Range<u32>) -> Result<Option<Bytes>, Trouble> {
        let ask = || Ask { range: Some(bytes.clone()), ..Ask::of(Action::Get, Some(key)) };
        self.read(ask, |answer| match (answer.status, answer.code.as_str()) {
            (206, _) => Some(Some(answer.body.clone())),
            // It has the whole object where it does not know what a range is.
            (200, _) if !answer.is_page() => {
                let end = (bytes.end as usize).min(answer.body.len());
                Some(Some(answer.body.slice((bytes.start as usize).min(end)..end)))
            }
            (404, "NoSuchKey") => Some(None),
            _ => None,
        })
        .await
    }

    /// Lists the keys that begin with `prefix` and come after `after`, in order; the first `most` of them.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<String>, Trouble> {
        let (prefix, after) = (self.address.full(prefix), after.map(|after| self.address.full(after)));
        let (mut keys, mut next) = (Vec::new(), None::<String>);
        let (mut last, mut idle) = (None::<String>, 0);
        loop {
            let page = most.saturating_sub(keys.len()).min(1000).to_string();
            let mut query =
                vec![("list-type", "2"), ("max-keys", page.as_str()), ("prefix", prefix.as_str())];
            match (&next, &after) {
                (Some(next), _) => query.push(("continuation-token", next)),
                (None, Some(after)) => query.push(("start-after", after)),
                (None, None) => {}
            }
            query.sort_unstable();
            let ask = || Ask { query: &query, ..Ask::of(Action::List, None) };
            let read = |answer: &Answer| {
                let text = (answer.status == 200).then(|| str::from_utf8(&answer.body).ok()).flatten()?;
                text.contains("<ListBucketResult").then(|| quick_xml::de::from_str::<Listing>(text).ok())?
            };
            let listing = self.read(ask, read).await?;
            let own = listing.contents.iter().filter_map(|listed| self.address.own(&listed.key));
            keys.extend(own.map(str::to_owned));
            if !listing.is_truncated || keys.len() >= most {
                return Ok(keys);
            }
            // Each page has to lead on, or it would never end.
            let of_page = listing.contents.into_iter().next_back().map(|listed| listed.key);
            idle = if of_page > last { 0 } else { idle + 1 };
            last = last.max(of_page);
            let following =
                listing.next.filter(|token| idle < IDLE_PAGES_MAX && Some(token) != next.as_ref());
            next = Some(following.ok_or_else(|| refusal::unending_list(&self.address))?);
        }
    }

    /// Removes an object; one that is not there counts as removed.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Trouble> {
        let answer = self.ask(Ask::of(Action::Delete, Some(key))).await?;
        match answer.status {
            200..=299 => Ok(()),
            404 if answer.code == "NoSuchKey" => Ok(()),
            _ => Err(self.trouble(Action::Delete, &answer)),
        }
    }

    /// Returns what the bucket's versioning is set to, if it ever was.
    pub(super) async fn versioning(&self) -> Result<Option<String>, Trouble> {
        let ask = || Ask { query: &[("versioning", "")], ..Ask::of(Action::Versioning, None) };
        let read = |answer: &Answer| {
            let text = (answer.status == 200).then(|| str::from_utf8(&answer.body).ok()).flatten()?;
            text.contains("<VersioningConfiguration")
                .then(|| quick_xml::de::from_str::<Versioning>(text).ok())?
        };
        Ok(self.read(ask, read).await?.status)
    }

    pub(super) fn service(&self) -> ObjectService {
        self.place.service
    }

    /// Asks until there is an answer, or the time for it is over. For what changes nothing.
    async fn read<'a, T>(
        &self,
        ask: impl Fn() -> Ask<'a>,
        take: impl Fn(&Answer) -> Option<T>,
    ) -> Result<T, Trouble> {
        let (since, mut tries) = (tokio::time::Instant::now(), 0);
        loop {
            let action = ask().action;
            let trouble = match self.ask(ask()).await {
                Ok(answer) => match take(&answer) {
                    Some(taken) => return Ok(taken),
                    None => self.trouble(action, &answer),
                },
                Err(trouble) => trouble,
            };
            tries += 1;
            // Nobody has to wait long to hear that a name is wrong.
            let is_over = since.elapsed() >= self.timing.read
                || matches!(trouble, Trouble::Refused(_))
                || (matches!(trouble, Trouble::NotSent(_)) && tries >= 4);
            if is_over {
                return Err(trouble);
            }
            self.pause(tries).await;
        }
    }

    /// Waits before a repetition.
    pub(super) async fn pause(&self, tries: u32) {
        let most = self.timing.pause * 40;
        let pause = self.timing.pause.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(most);
        // Half of it by chance, so that many runners do not come together again.
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }

    fn trouble(&self, action: Action, answer: &Answer) -> Trouble {
        refusal::trouble(&self.place, &self.address, action, answer)
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let Ask { action, key, query, range, body } = ask;
        let method = match action {
            Action::Put => Method::PUT,
            Action::Get | Action::List | Action::Versioning => Method::GET,
            Action::Delete => Method::DELETE,
        };
        let mut request = http::Request::builder().method(method).uri(self.address.url(key, query));
        if action == Action::Put {
            request = match self.place.service {
                ObjectService::S3 => request.header("if-none-match", "*"),
                ObjectService::Oss => request.header("x-oss-forbid-overwrite", "true"),
            };
        }
        if let Some(range) = &range {
            request =
                request.header("range", format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        }
        request = match self.place.service {
            // So the store refuses what arrives otherwise than it left.
            ObjectService::S3 => request.header("x-amz-content-sha256", hex::encode(Sha256::digest(&body))),
            // What is there is signed, too: no other host takes a request that this one was shown. S3 always signs it.
            ObjectService::Oss => request.header("host", self.address.authority()),
        };
        let (mut parts, ()) = request
            .body(())
            .map_err(|error| Trouble::NotSent(format!("the address cannot be used: {error}")))?
            .into_parts();
        self.signing.sign(&mut parts).await?;
        let spare = Duration::from_secs((body.len() / BYTES_PER_SECOND_MIN) as u64);
        let is_ranged = range.is_some();
        let request = self.http.request(parts.method, parts.uri.to_string()).headers(parts.headers);
        let exchange = async {
            let mut reply = request.body(body).send().await?;
            let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
            let (mut body, bytes_max) = (Vec::new(), bytes_max(action, range.as_ref(), status));
            while body.len() <= bytes_max
                && let Some(chunk) = reply.chunk().await?
            {
                body.extend_from_slice(&chunk[..chunk.len().min(bytes_max + 1 - body.len())]);
            }
            Ok::<_, reqwest::Error>((status, headers, Bytes::from(body), bytes_max))
        };
        // What is read may be as long as a bundle.
        let spare = if action == Action::Get { self.timing.attempt * 5 } else { spare };
        match tokio::time::timeout(self.timing.attempt + spare, exchange).await {
            // Of a whole object, where it does not know what a range is, the rest is of no use.
            Ok(Ok((status @ 200..=299, _, body, bytes_max)))
                if body.len() > bytes_max && (status, is_ranged) != (200, true) =>
            {
                Err(refusal::long_answer(&self.address, action, bytes_max))
            }
            Ok(Ok((status, headers, body, _))) => Ok(Answer::new(status, headers, body)),
            Ok(Err(error)) if error.is_connect() => {
                Err(refusal::no_connection(&self.address, &error.without_url()))
            }
            Ok(Err(error)) => {
                let why = innermost(&error.without_url());
                Err(Trouble::Unclear(format!("`{}` did not answer: {why}", self.address.origin())))
            }
            Err(_) => {
                let seconds = (self.timing.attempt + spare).as_secs();
                Err(Trouble::Unclear(format!("`{}` did not answer in {seconds} s", self.address.origin())))
            }
        }
    }
}

/// Returns how many bytes an answer may have, beyond which it is of no use.
fn bytes_max(action: Action, range: Option<&Range<u32>>, status: u16) -> usize {
    match (action, range, status) {
        (Action::Get, Some(range), 206) => range.len(),
        (Action::Get, Some(range), 200) => range.end as usize,
        (Action::Get, None, 200..=299) => OBJECT_BYTES_MAX,
        (Action::List, _, 200..=299) => LIST_BYTES_MAX,
        _ => ANSWER_BYTES_MAX,
    }
}
