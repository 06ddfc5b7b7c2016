//! stand-in
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "stand-in")]
use chrono::{DateTime, Utc};
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};
pub struct Options {
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub accounts: BTreeMap<String, String>,
    pub journal: Option<PathBuf>,
}
pub const ACCESS_KEY_ID: &str = "a";
pub const ACCESS_KEY_SECRET: &str = "b";
pub fn default_accounts() -> BTreeMap<String, String> {
    BTreeMap::new()
}
pub struct Sandbox;
impl Sandbox {
    pub async fn start(_address: SocketAddr, _options: Options) -> Result<Sandbox, std::io::Error> {
        todo!()
    }
    pub fn url(&self) -> url::Url {
        todo!()
    }
    pub async fn stop(self) {}
}
