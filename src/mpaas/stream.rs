//! A connection's bytes on their way through, and its end: every byte that comes is held against the request that asked
//! for it.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::mpaas::line::Line;

/// How long a connection is listened to before it is closed on this end. A proxy that sees the end may drop what it still
/// has to pass on.
const QUIET: Duration = Duration::from_millis(100);

/// The same after a refusal, which nobody sends again sooner than after a second.
const QUIET_REFUSED: Duration = Duration::from_millis(500);

/// How long an answer that was good waits for the other end to close as well.
const END_MAX: Duration = Duration::from_secs(2);

/// Why a refusal is in doubt whose connection stays open at the other end.
const NO_END: &str =
    "the vendor refused it, but did not close the connection after that, so the reply may be another's";

/// The TCP connection below a stream.
pub(super) trait Socket {
    fn socket(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl<T: Socket> Socket for TokioIo<T> {
    fn socket(&self) -> &TcpStream {
        self.inner().socket()
    }
}

impl<T: Socket> Socket for MaybeHttpsStream<T> {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Http(stream) => stream.socket(),
            Self::Https(tls) => tls.inner().get_ref().0.socket(),
        }
    }
}

/// A stream whose bytes its [`Line`] takes note of.
pub(super) struct Watched<S> {
    stream: S,
    line: Arc<Line>,
}

/// What is there to read.
enum Waiting {
    Nothing,
    Bytes,
    End,
}

impl<S: AsyncRead + AsyncWrite + Socket + Unpin> Watched<S> {
    pub(super) fn new(stream: S, line: Arc<Line>) -> Self {
        Self { stream, line }
    }

    /// Asks the system, since the runtime may not have looked yet.
    fn waiting(&self) -> Waiting {
        match SockRef::from(self.stream.socket()).peek(&mut [MaybeUninit::uninit()]) {
            Ok(0) => Waiting::End,
            Ok(_) => Waiting::Bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Waiting::Nothing,
            Err(_) => Waiting::End,
        }
    }

    /// Looks before each write: nothing may have come while some of the request is still here.
    fn look(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.line.is_before_reply() {
            self.line.unasked();
            return Poll::Ready(Err(out_of_turn()));
        }
        loop {
            match self.waiting() {
                Waiting::End if self.line.is_unwritten() => {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
                Waiting::Nothing | Waiting::End => return Poll::Ready(Ok(())),
                Waiting::Bytes => {}
            }
            // Under TLS they may be none of the vendor's, such as a session's ticket.
            let (mut byte, stream) = ([0], Pin::new(&mut self.stream));
            let mut byte = ReadBuf::new(&mut byte);
            match stream.poll_read(context, &mut byte) {
                Poll::Ready(Ok(())) if byte.filled().is_empty() && self.line.is_unwritten() => {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
                Poll::Ready(Ok(())) if byte.filled().is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    self.line.unasked();
                    return Poll::Ready(Err(out_of_turn()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                // The runtime wakes this task once it has seen them.
                Poll::Pending if matches!(self.waiting(), Waiting::Bytes) => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.line.wrote();
        }
        written
    }

    /// Closes a connection that carries no request, and waits for its end. An error says why its last answer is in doubt.
    pub(super) async fn part(mut self, reply_max: Duration) -> Result<(), String> {
        let is_refused = self.line.is_refused();
        let (quiet, end_max) = if is_refused { (QUIET_REFUSED, reply_max) } else { (QUIET, END_MAX) };
        let mut byte = [0];
        // Whatever ends this early has ended the connection, and the line knows of bytes that came.
        if timeout(quiet, self.read(&mut byte)).await.is_ok() {
            return Ok(());
        }
        let ended = timeout(end_max, async {
            drop(self.shutdown().await);
            drop(self.read(&mut byte).await);
        });
        if ended.await.is_err() && is_refused { Err(NO_END.to_owned()) } else { Ok(()) }
    }
}

fn out_of_turn() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "bytes came that no request had asked for")
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before && !self.line.came() {
            buffer.set_filled(before);
            return Poll::Ready(Err(out_of_turn()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Socket + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.look(context))?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.look(context))?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.line.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
