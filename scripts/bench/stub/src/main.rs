//! What the tool is measured against. Each listens on a free loopback port, prints it, and runs on one thread.
//!
//!     stub vendor DELAY_MS         a vendor that accepts everything, so much later
//!     stub bucket                  buckets of S3 in memory
//!     stub proxy PORT DELAY_MS     a way to a port of this machine that takes so long in each direction

mod bucket;
mod proxy;
mod vendor;

use std::error::Error;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;

const USAGE: &str = "stub vendor DELAY_MS | stub bucket | stub proxy PORT DELAY_MS";

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        std::io::stdout().flush()?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let router = match words[..] {
            ["vendor", delay] => vendor::router(milliseconds(delay)?),
            ["bucket"] => bucket::router(),
            ["proxy", port, delay] => return Ok(proxy::serve(listener, port.parse()?, milliseconds(delay)?).await?),
            _ => return Err(USAGE.into()),
        };
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        Ok(axum::serve(listener, router).await?)
    })
}

fn milliseconds(word: &str) -> Result<Duration, Box<dyn Error>> {
    Ok(Duration::from_secs_f64(word.parse::<f64>()? / 1000.0))
}
