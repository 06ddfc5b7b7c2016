//! The way to the vendor as it is in production: TLS, certificates, and proxies in between.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use chrono::Utc;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use crate::misfortune::{self, Vendor};
use crate::site::{Ran, Site, campaign};

/// Longest head of a request to a proxy.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// The sandbox behind TLS, and the certificate authority that vouches for it.
struct SecureVendor {
    sandbox: Vendor,
    port: u16,
    /// The authority's certificate, as PEM.
    authority: String,
    /// Whether requests are passed on, but instead of replies the client gets a closed connection.
    loses_replies: Arc<AtomicBool>,
    runtime: Runtime,
}

impl SecureVendor {
    /// Starts one whose certificate is for `name`.
    #[expect(clippy::disallowed_methods, reason = "a vendor has a clock of its own")]
    fn start(name: &str) -> Self {
        // An environment that is no sandbox is only ever sent to at its own time.
        let sandbox = Vendor::with_clock(Arc::new(Utc::now));
        let plain: SocketAddr = sandbox.url().strip_prefix("http://").unwrap().parse().unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        // A client that could speak HTTP/2 would get it, and then carry many batches on one connection.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = Runtime::new().unwrap();
        let loses_replies = Arc::new(AtomicBool::new(false));
        let loses = Arc::clone(&loses_replies);
        let port =
            listen(&runtime, move |client| secure(acceptor.clone(), client, plain, Arc::clone(&loses)));
        Self { sandbox, port, authority: authority.pem(), loses_replies, runtime }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// A workspace that sends to it, and the file with the authority's certificate.
    fn site(&self, targets: usize) -> Site {
        let project = format!(
            "version: 1\nproject: p\ndefault_environment: remote\nenvironments:\n  remote:\n    app_id: A\n    \
             workspace_id: w\n    endpoint: {}\n    concurrency: 4\n    requests_per_second: 1000\n    timeout: 5s\n",
            self.url()
        );
        let site = Site::with(&project, &campaign("hello", targets));
        site.write("authority.pem", &self.authority);
        ran(&mut trusting(&site, &["ledger", "init"])).exits(0);
        site
    }
}

/// Listens on a loopback port for as long as the runtime lives; returns the port.
fn listen<F>(runtime: &Runtime, serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // A connection that breaks is what some of these tests are about.
            tokio::spawn(serve(client));
        }
    });
    port
}

async fn secure(
    acceptor: TlsAcceptor,
    client: TcpStream,
    plain: SocketAddr,
    loses_replies: Arc<AtomicBool>,
) -> std::io::Result<()> {
    let mut client = acceptor.accept(client).await?;
    assert_eq!(client.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
    let mut vendor = TcpStream::connect(plain).await?;
    if !loses_replies.load(Ordering::Relaxed) {
        return copy_bidirectional(&mut client, &mut vendor).await.map(drop);
    }
    let mut request = vec![0; 64 << 10];
    loop {
        tokio::select! {
            read = client.read(&mut request) => match read? {
                0 => return Ok(()),
                read => vendor.write_all(&request[..read]).await?,
            },
            reply = vendor.read_u8() => return reply.map(drop),
        }
    }
}

/// What a proxy does with those who ask it for a tunnel.
#[derive(Clone, Copy)]
enum Tunnels {
    Open,
    /// Answers with this status instead.
    Refused(&'static str),
    /// Closes the connection instead of an answer.
    Dropped,
    /// Says that the tunnel is there, and closes it.
    Broken,
}

/// A proxy, and the heads of all requests that it got.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(runtime: &Runtime, tunnels: Tunnels) -> Self {
        let heads = Arc::default();
        let keep = Arc::clone(&heads);
        Self { port: listen(runtime, move |client| tunnel(client, tunnels, Arc::clone(&keep))), heads }
    }

    fn url(&self) -> String {
        format!("http://ann:secret@127.0.0.1:{}", self.port)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(
    mut client: TcpStream,
    tunnels: Tunnels,
    heads: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    match tunnels {
        Tunnels::Open => {
            let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap();
            let mut vendor = TcpStream::connect(target).await?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            copy_bidirectional(&mut client, &mut vendor).await.map(drop)
        }
        Tunnels::Refused(status) => {
            client.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await
        }
        Tunnels::Dropped => Ok(()),
        Tunnels::Broken => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await,
    }
}

/// A command in a site that trusts the authority of its vendor.
fn trusting(site: &Site, arguments: &[&str]) -> Command {
    let mut command = site.command(arguments);
    command.env("SSL_CERT_FILE", site.path("authority.pem")).env_remove("CAMPAIGNCTL_NOW");
    command
}

/// The ledger's account of the one campaign: accepted, rejected, in doubt.
fn account(site: &Site) -> (u64, u64, u64) {
    misfortune::account_of(&ran(&mut trusting(site, &["status", "--json"])).exits(0))
}

fn ran(command: &mut Command) -> Ran {
    Ran::of(&command.output().unwrap())
}

/// Runs what waits for seconds before it tries again, all of it at once.
fn in_parallel<T: Copy + Sync>(cases: &[T], prove: impl Fn(T) + Sync) {
    let prove = &prove;
    std::thread::scope(|scope| cases.iter().for_each(|case| drop(scope.spawn(move || prove(*case)))));
}

const APPLY: &[&str] = &["apply", "--auto-approve"];

#[test]
fn a_push_reaches_a_vendor_whose_certificate_is_trusted() {
    let vendor = SecureVendor::start("localhost");
    let site = vendor.site(35);
    ran(&mut trusting(&site, APPLY)).exits(0).says("35 accepted");
    assert_eq!((vendor.sandbox.calls(), account(&site)), (4, (35, 0, 0)));
}

/// Proves that an apply reaches nobody, that it says why, and that nobody is lost for it.
#[track_caller]
fn reaches_nobody(vendor: &SecureVendor, site: &Site, apply: &mut Command, why: &str) {
    let refused = ran(apply).exits(5).says("0 rejected, 0 in doubt, 5 not sent");
    let told = refused.stdout + &refused.stderr;
    assert!(told.contains(why), "{told}");
    assert!(!told.contains("secret"), "{told}");
    assert_eq!((vendor.sandbox.calls(), account(site)), (0, (0, 0, 0)));
}

#[test]
fn nothing_leaves_for_a_vendor_that_cannot_prove_who_it_is() {
    let cases = [
        ("localhost", false, "not trusted: invalid peer certificate"),
        ("push.example.com", true, "not valid for name"),
    ];
    in_parallel(&cases, |(name, is_trusted, why)| {
        let vendor = SecureVendor::start(name);
        let site = vendor.site(5);
        if !is_trusted {
            site.write("authority.pem", &SecureVendor::start("localhost").authority);
        }
        reaches_nobody(&vendor, &site, &mut trusting(&site, APPLY), why);
    });
}

#[test]
fn a_reply_that_is_lost_within_tls_leaves_a_doubt() {
    let vendor = SecureVendor::start("localhost");
    vendor.loses_replies.store(true, Ordering::Relaxed);
    let site = vendor.site(5);
    ran(&mut trusting(&site, APPLY)).exits(10);
    assert_eq!((vendor.sandbox.calls(), account(&site)), (1, (0, 0, 5)));
    ran(&mut trusting(&site, APPLY)).exits(10);
    assert_eq!(vendor.sandbox.calls(), 1, "what is in doubt is not sent again");
}

#[test]
fn a_push_goes_through_the_proxy_that_the_environment_names() {
    let vendor = SecureVendor::start("localhost");
    let site = vendor.site(35);
    let proxy = Proxy::start(&vendor.runtime, Tunnels::Open);
    ran(trusting(&site, APPLY).env("HTTPS_PROXY", proxy.url())).exits(0).says("35 accepted");
    assert_eq!((vendor.sandbox.calls(), account(&site)), (4, (35, 0, 0)));
    let heads = proxy.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", vendor.port)), "{head}");
        // `ann:secret`
        assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic yw5uonnly3jlda=="), "{head}");
    }
}

#[test]
fn a_vendor_that_is_excepted_from_the_proxy_is_reached_without_it() {
    let vendor = SecureVendor::start("localhost");
    let site = vendor.site(5);
    let proxy = Proxy::start(&vendor.runtime, Tunnels::Refused("403 Forbidden"));
    let mut command = trusting(&site, APPLY);
    command.env("HTTPS_PROXY", proxy.url()).env("NO_PROXY", "localhost");
    ran(&mut command).exits(0).says("5 accepted");
    assert_eq!(proxy.heads(), [""; 0]);
}

#[test]
fn nothing_leaves_through_a_proxy_that_opens_no_tunnel() {
    let cases = [
        (Tunnels::Refused("407 Proxy Authentication Required"), "tunnel error: proxy authorization required"),
        (Tunnels::Refused("502 Bad Gateway"), "tunnel error: unsuccessful"),
        (Tunnels::Dropped, ""),
        (Tunnels::Broken, ""),
    ];
    in_parallel(&cases, |(tunnels, why)| {
        let vendor = SecureVendor::start("localhost");
        let site = vendor.site(5);
        let proxy = Proxy::start(&vendor.runtime, tunnels);
        let why = format!("no connection through the proxy 127.0.0.1:{}: ", proxy.port) + why;
        reaches_nobody(&vendor, &site, trusting(&site, APPLY).env("HTTPS_PROXY", proxy.url()), &why);
        let mended = Proxy::start(&vendor.runtime, Tunnels::Open);
        ran(trusting(&site, APPLY).env("HTTPS_PROXY", mended.url())).exits(0).says("5 accepted");
    });
}

#[test]
fn questions_go_the_same_way_as_pushes() {
    let vendor = SecureVendor::start("localhost");
    vendor.loses_replies.store(true, Ordering::Relaxed);
    let site = vendor.site(5);
    site.edit("campaigns/c.yaml", "call: template", "call: multiple");
    ran(&mut trusting(&site, APPLY)).exits(10);
    vendor.loses_replies.store(false, Ordering::Relaxed);
    let proxy = Proxy::start(&vendor.runtime, Tunnels::Open);
    ran(trusting(&site, &["doubt", "resolve"]).env("HTTPS_PROXY", proxy.url())).exits(0);
    assert!(!proxy.heads().is_empty(), "the question went through the proxy");
    assert_eq!(account(&site), (5, 0, 0), "and the answer came back");
}

#[test]
fn variables_that_cannot_be_read_are_named_before_anything_is_sent() {
    let vendor = SecureVendor::start("localhost");
    let site = vendor.site(5);
    site.write("empty.pem", "");
    let odd = |name: &str| format!("`{name}` is no URL of a proxy");
    let (missing, empty) = (site.path("missing.pem"), site.path("empty.pem"));
    let named = |path: &std::path::Path, why: &str| format!("names `{}`, which {why}", path.display());
    let cases = [
        ("HTTPS_PROXY", "http://".to_owned(), odd("HTTPS_PROXY")),
        ("https_proxy", "http://127.0.0.1:3128\n".to_owned(), odd("https_proxy")),
        ("HTTP_PROXY", "ftp://proxy".to_owned(), odd("HTTP_PROXY")),
        ("ALL_PROXY", "http://ann:secret@proxy:port".to_owned(), odd("ALL_PROXY")),
        (
            "all_proxy",
            "socks5://127.0.0.1:1080".to_owned(),
            "`all_proxy` names a proxy of another kind".to_owned(),
        ),
        ("SSL_CERT_FILE", missing.display().to_string(), named(&missing, "cannot be read")),
        ("SSL_CERT_FILE", empty.display().to_string(), named(&empty, "has no certificate")),
        ("SSL_CERT_DIR", missing.display().to_string(), named(&missing, "cannot be read")),
    ];
    for (name, value, why) in cases {
        let refused =
            ran(trusting(&site, APPLY).env(name, value)).exits(3).warns(&why).warns("nothing was sent");
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    }
    for (name, value) in
        [("MPAAS_AK_ENV", "hidden "), ("MPAAS_SK_ENV", "hidden\n"), ("MPAAS_SK_ENV", "hidd\u{e9}n")]
    {
        let refused = ran(trusting(&site, APPLY).env(name, value)).exits(4).warns(&format!("`{name}` "));
        assert!(!refused.stderr.contains(value.trim()), "{}", refused.stderr);
    }
    assert_eq!((vendor.sandbox.calls(), account(&site)), (0, (0, 0, 0)));
    ran(trusting(&site, APPLY).env("HTTPS_PROXY", "")).exits(0).says("5 accepted");
}
