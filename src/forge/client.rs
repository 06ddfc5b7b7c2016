//! One request to a forge, and one answer that counts: again where that can do no harm, and not before it may.

use std::time::Duration;

use hyper::http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::{Host, Url};

use crate::domain::{Redactor, Secret};
use crate::forge::api::{Api, PAGE_ROWS};
use crate::forge::reply::Reply;
use crate::forge::repository::{Repository, encoded};
use crate::forge::{Forge, ForgeError};

/// One request, and its answer.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer that is read: a page of a hundred comments, each as long as a forge takes one.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Most pages of a list.
const PAGES_MAX: usize = 100;
/// So often something is asked for that gets no answer.
const TRIES_MAX: u32 = 4;
/// Before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
/// So long is waited in all because a forge asks for it.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// A pull request of a forge, and who asks.
pub struct Client {
    pub(super) forge: Forge,
    pub(super) api: Api,
    base: Url,
    repository: Repository,
    /// Nothing as long as it is not known.
    pub(super) number: Option<u64>,
    http: reqwest::Client,
    token: Secret,
    redactor: Redactor,
    say: Box<dyn Fn(&str)>,
}

/// A request: `what` says in words what for.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<&'a Value>,
    pub(super) what: &'static str,
}

/// Why there is nothing to go on with.
pub(super) enum Failed {
    /// It certainly did not do it.
    Refused(ForgeError),
    /// Whether it did, nobody knows.
    Lost(String),
}

impl Client {
    /// Sets up connections to the API at `base`, opened when they are needed. Waits are told by `say`.
    ///
    /// # Errors
    ///
    /// Returns `Insecure` for an address that a token cannot be sent to, and `Setup` where the environment's proxy or certificates
    /// cannot be used.
    pub fn new(
        forge: Forge,
        base: Url,
        repository: Repository,
        token: Secret,
        say: Box<dyn Fn(&str)>,
    ) -> Result<Self, ForgeError> {
        if !is_safe(&base) {
            return Err(ForgeError::Insecure(base.origin().ascii_serialization()));
        }
        if HeaderValue::from_str(token.expose()).is_err() {
            return Err(ForgeError::OddToken);
        }
        // An error only says that a provider is installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("campaignctl/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // Whoever follows one shows the token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .http1_only();
        if base.scheme() == "http" {
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| ForgeError::Setup(innermost(&error.without_url())))?;
        let redactor = Redactor::new([token.expose().to_owned()]);
        Ok(Self { forge, api: Api::of(forge), base, repository, number: None, http, token, redactor, say })
    }

    /// Names the pull request.
    #[must_use]
    pub fn about(self, number: u64) -> Self {
        Self { number: Some(number), ..self }
    }

    /// Returns an address of the API: `path` is one of its table.
    pub(super) fn url(&self, path: &str, filled: &[(&str, &str)]) -> Url {
        let mut path = path.replace("{repository}", &self.repository.in_path);
        path = path.replace("{organization}", &self.repository.organization);
        path = path.replace("{number}", &self.number.unwrap_or_default().to_string());
        for (name, value) in filled {
            path = path.replace(name, &encoded(value));
        }
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/{path}").parse().expect("what is filled in is encoded")
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Asks for something that may be asked for again, and returns the answer.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Value, ForgeError> {
        self.reply(ask).await.and_then(|(reply, what)| self.read(&reply, what))
    }

    /// Asks for all rows of a list, page by page.
    pub(super) async fn pages(
        &self,
        path: &str,
        query: &str,
        what: &'static str,
    ) -> Result<Vec<Value>, ForgeError> {
        let mut rows = Vec::new();
        for page in 1..=PAGES_MAX {
            let mut url = self.url(path, &[]);
            url.set_query(Some(&format!("per_page={PAGE_ROWS}&page={page}{query}")));
            let (reply, what) = self.reply(Ask { method: Method::GET, url, body: None, what }).await?;
            let found = self.rows(&reply, what)?;
            let has_next = reply.has_next(found.len(), PAGE_ROWS);
            rows.extend(found);
            if !has_next {
                return Ok(rows);
            }
        }
        Err(ForgeError::TooManyComments(PAGES_MAX * PAGE_ROWS))
    }

    /// Asks for a list that has no pages.
    pub(super) async fn list(&self, ask: Ask<'_>) -> Result<Vec<Value>, ForgeError> {
        let (reply, what) = self.reply(ask).await?;
        self.rows(&reply, what)
    }

    /// Asks once for something that must not happen twice. What was certainly not done, because it was asked too often or there
    /// was no connection, is tried again.
    pub(super) async fn ask_once(&self, ask: &Ask<'_>) -> Result<Value, Failed> {
        let (mut waited, mut tries) = (Duration::ZERO, 0);
        loop {
            match self.exchange(ask).await {
                Ok(reply) => match reply.wait() {
                    Some(wait) => waited = self.wait(waited, wait).await.map_err(Failed::Refused)?,
                    None if reply.status >= 500 => {
                        return Err(Failed::Lost(format!("it answered {}", reply.status)));
                    }
                    None => {
                        self.refusal(&reply, ask.what).map_or(Ok(()), Err).map_err(Failed::Refused)?;
                        return self.read(&reply, ask.what).map_err(Failed::Refused);
                    }
                },
                Err(error) if error.is_connect() => {
                    tries += 1;
                    if tries >= TRIES_MAX {
                        let why = self.why(error);
                        return Err(Failed::Refused(self.unreachable(ask.what, why)));
                    }
                    self.pause(tries).await;
                }
                Err(error) => return Err(Failed::Lost(self.why(error))),
            }
        }
    }

    /// Asks until there is an answer that counts.
    async fn reply(&self, ask: Ask<'_>) -> Result<(Reply, &'static str), ForgeError> {
        let (mut waited, mut tries) = (Duration::ZERO, 0);
        loop {
            let why = match self.exchange(&ask).await {
                Ok(reply) => match reply.wait() {
                    Some(wait) => {
                        waited = self.wait(waited, wait).await?;
                        continue;
                    }
                    None if reply.status >= 500 => format!("it answered {}", reply.status),
                    None => return self.refusal(&reply, ask.what).map_or(Ok((reply, ask.what)), Err),
                },
                Err(error) => self.why(error),
            };
            tries += 1;
            if tries >= TRIES_MAX {
                return Err(self.unreachable(ask.what, why));
            }
            self.pause(tries).await;
        }
    }

    pub(super) fn unreachable(&self, what: &'static str, why: String) -> ForgeError {
        ForgeError::Unreachable { forge: self.forge, what, why }
    }

    /// Waits before a repetition.
    pub(super) async fn pause(&self, tries: u32) {
        tokio::time::sleep(PAUSE * 2_u32.pow(tries.saturating_sub(1))).await;
    }

    /// Waits as it was asked to, and returns for how long in all; or refuses to.
    async fn wait(&self, waited: Duration, wait: Duration) -> Result<Duration, ForgeError> {
        if waited + wait > WAIT_MAX {
            return Err(ForgeError::RateLimited { forge: self.forge, wait });
        }
        // None that is shorter, or it would be asked without a pause for ever.
        let wait = wait.max(Duration::from_secs(1));
        (self.say)(&format!(
            "{} has had too many requests: waiting {} s, as it asks\n",
            self.forge,
            wait.as_secs()
        ));
        tokio::time::sleep(wait).await;
        Ok(waited + wait)
    }

    /// Returns why an answer is none that was asked for.
    fn refusal(&self, reply: &Reply, what: &'static str) -> Option<ForgeError> {
        let forge = self.forge;
        match reply.status {
            200..=299 => None,
            300..=399 => {
                let to = reply.headers.get("location").and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| self.base.join(to).ok());
                let to = to.map_or_else(|| "nowhere".to_owned(), |to| to.origin().ascii_serialization());
                Some(ForgeError::Redirected { forge, to })
            }
            status => Some(ForgeError::Refused { forge, status, what, said: reply.said(&self.redactor) }),
        }
    }

    fn read(&self, reply: &Reply, what: &'static str) -> Result<Value, ForgeError> {
        reply.json().ok_or(ForgeError::Unreadable { forge: self.forge, what })
    }

    fn rows(&self, reply: &Reply, what: &'static str) -> Result<Vec<Value>, ForgeError> {
        match self.read(reply, what)? {
            Value::Array(rows) => Ok(rows),
            _ => Err(ForgeError::Unreadable { forge: self.forge, what }),
        }
    }

    /// Says why there is no answer; no address stands in it.
    fn why(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        let why = if error.is_timeout() { "no answer came in time".to_owned() } else { innermost(&error) };
        self.redactor.redact(&why).into_owned()
    }

    async fn exchange(&self, ask: &Ask<'_>) -> Result<Reply, reqwest::Error> {
        let (name, lead) = self.api.token;
        let mut token = HeaderValue::from_str(&format!("{lead}{}", self.token.expose()))
            .expect("`new` proved that a header can have it");
        token.set_sensitive(true);
        let mut request = self.http.request(ask.method.clone(), ask.url.clone());
        request = request.header(HeaderName::from_static(name), token);
        for (name, value) in self.api.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = ask.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let mut reply = request.send().await?;
        let (status, headers, mut body) = (reply.status().as_u16(), reply.headers().clone(), Vec::new());
        while body.len() < ANSWER_BYTES_MAX
            && let Some(chunk) = reply.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }
}

/// Whether a token may be sent to an address: encrypted, or to this very machine, and to nobody's name.
fn is_safe(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    is_bare && (url.scheme() == "https" || (url.scheme() == "http" && is_local))
}

/// Returns the innermost cause, which says most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_out_encrypted_or_stays_on_this_machine() {
        for safe in [
            "https://api.github.com",
            "http://127.0.0.1:4010",
            "http://[::1]:1",
            "https://git.acme.example/api/v3",
        ] {
            assert!(is_safe(&safe.parse().unwrap()), "{safe}");
        }
        for unsafe_one in [
            "http://api.github.com",
            "https://user@api.github.com",
            "https://u:p@api.github.com",
            "ftp://127.0.0.1",
            "https://api.github.com/?x=",
            "http://127.0.0.1.example/",
        ] {
            assert!(!is_safe(&unsafe_one.parse().unwrap()), "{unsafe_one}");
        }
    }
}
