//! TCP connections that a fault can cut: before a reply, or in the middle of one.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const WHOLE: u8 = 0;
const CUT_SHORT: u8 = 1;
const CLOSED: u8 = 2;

/// How many bytes at the end of a reply a connection that is cut short keeps back.
const KEPT_BACK_BYTES: usize = 16;

/// The switch of one connection, for the handler that answers on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Switch(Arc<AtomicU8>);

impl Switch {
    /// From now on not a byte goes out; the first that should closes the connection.
    pub(super) fn close(&self) {
        self.0.store(CLOSED, Ordering::Release);
    }

    /// The next reply goes out without its last bytes, though its `Content-Length` counts them; then the
    /// connection closes.
    pub(super) fn cut_short(&self) {
        self.0.store(CUT_SHORT, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Door>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().switch.clone()
    }
}

/// Accepts connections with a [`Switch`] each.
pub(super) struct Door(pub(super) TcpListener);

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Replies are small and waited for: without this, each could wait for a delayed acknowledgement.
        drop(stream.set_nodelay(true));
        (Line { stream, switch: Switch::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that obeys its [`Switch`]. It offers no vectored writes, so head and body of a reply come
/// in one piece.
pub(super) struct Line {
    stream: TcpStream,
    switch: Switch,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.switch.0.load(Ordering::Acquire) {
            WHOLE => Pin::new(&mut self.stream).poll_write(context, bytes),
            CUT_SHORT => {
                let sent = &bytes[..bytes.len().saturating_sub(KEPT_BACK_BYTES)];
                let written = Pin::new(&mut self.stream).poll_write(context, sent);
                if written.is_ready() {
                    self.switch.close();
                }
                written
            }
            _ => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
