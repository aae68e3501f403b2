//! TLS in front of the simulator: HTTP/2 where the client can, as at the service.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use rcgen::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{
    Accept, TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer},
    server::TlsStream,
};

use super::socket::{Connection, Control, ControlledListener};

/// A certificate that signs itself, and who speaks in its name.
pub(super) struct Identity {
    pub(super) acceptor: TlsAcceptor,
    /// PEM.
    pub(super) certificate: String,
}

impl Identity {
    pub(super) fn new() -> io::Result<Self> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate: cert.pem() })
    }
}

/// A listener whose connections speak TLS.
pub(super) struct TlsListener {
    connections: ControlledListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    pub(super) fn new(connections: ControlledListener, acceptor: TlsAcceptor) -> Self {
        Self { connections, acceptor }
    }
}

impl Listener for TlsListener {
    type Io = Tls;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Tls, SocketAddr) {
        let (connection, peer) = self.connections.accept().await;
        let control = connection.control();
        (Tls { control, line: Line::Handshake(Box::new(self.acceptor.accept(connection))) }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.connections.local_addr()
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Control {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        stream.io().control.clone()
    }
}

/// A connection that speaks TLS. It shakes hands with its first byte, so that no client holds up the next one.
pub(super) struct Tls {
    control: Control,
    line: Line,
}

enum Line {
    Handshake(Box<Accept<Connection>>),
    Open(Box<TlsStream<Connection>>),
}

impl Tls {
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<Connection>>>> {
        if let Line::Handshake(accept) = &mut self.line {
            self.line = Line::Open(Box::new(ready!(Pin::new(accept.as_mut()).poll(cx))?));
        }
        match &mut self.line {
            Line::Open(stream) => Poll::Ready(Ok(Pin::new(stream.as_mut()))),
            Line::Handshake(_) => Poll::Pending,
        }
    }
}

impl AsyncRead for Tls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_shutdown(cx)
    }
}
