//! A way to a server that is far: whatever comes in at one end goes out at the other so much later, in the same order.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;
/// Chunks that may be on their way in one direction of a connection.
const UNDER_WAY_MAX: usize = 1024;

pub async fn serve(listener: TcpListener, port: u16, delay: Duration) -> std::io::Result<()> {
    loop {
        let (near, _) = listener.accept().await?;
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
            drop((near.set_nodelay(true), far.set_nodelay(true)));
            let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
            tokio::spawn(carry(from_near, to_far, delay));
            carry(from_far, to_near, delay).await;
        });
    }
}

/// Carries one direction, until either end closes.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY_MAX);
    tokio::spawn(async move {
        while let Some((due, bytes)) = under_way.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut chunk = vec![0; CHUNK];
    while let Ok(length) = from.read(&mut chunk).await {
        if length == 0 || sender.send((Instant::now() + delay, chunk[..length].to_vec())).await.is_err() {
            return;
        }
    }
}
