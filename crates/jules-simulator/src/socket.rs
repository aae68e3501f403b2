//! Connections that can be reset or fall silent: the only way to show a client what that looks like.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Spoils one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Control(Arc<Spoilt>);

#[derive(Debug, Default)]
struct Spoilt {
    reset: AtomicBool,
    silent: AtomicBool,
}

impl Control {
    /// With the next byte that would be written, the peer gets a reset instead.
    pub(super) fn reset(&self) {
        self.0.reset.store(true, Ordering::Release);
    }

    /// From now on the peer's bytes are taken, and nothing is ever sent to it.
    pub(super) fn silence(&self) {
        self.0.silent.store(true, Ordering::Release);
    }

    fn is_reset(&self) -> bool {
        self.0.reset.load(Ordering::Acquire)
    }

    fn is_silent(&self) -> bool {
        self.0.silent.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, ControlledListener>> for Control {
    fn connect_info(stream: IncomingStream<'_, ControlledListener>) -> Self {
        stream.io().control()
    }
}

/// A TCP listener whose connections can be spoilt.
#[derive(Debug)]
pub(super) struct ControlledListener(pub(super) TcpListener);

impl Listener for ControlledListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, peer)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "answers may be delayed by Nagle's algorithm");
                    }
                    return (Connection { stream, control: Control::default() }, peer);
                }
                Err(error) => {
                    // Out of file descriptors, mostly: some will be closed soon.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection that can be spoilt.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    control: Control,
}

impl Connection {
    pub(super) fn control(&self) -> Control {
        self.control.clone()
    }

    /// An error once it is to be reset. The socket then lingers for no time: dropping it sends a reset.
    fn check(&self) -> io::Result<()> {
        if !self.control.is_reset() {
            return Ok(());
        }
        self.stream.set_zero_linger()?;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        loop {
            std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            if !self.control.is_silent() || buf.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            buf.set_filled(before);
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        if self.control.is_silent() {
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        if self.control.is_silent() {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
