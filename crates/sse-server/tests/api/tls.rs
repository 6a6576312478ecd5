//! The same server over TLS: both protocols, clients that do not behave, and a certificate that is replaced.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use sse_server::config::TlsConfig;
use sse_server::{Config, Hub};
use tempfile::TempDir;

use crate::http::BOUND;
use crate::server::TestServer;

mod handshake;
mod http1;
mod http2;
mod reload;

/// A certificate in a folder of its own, which is what a server is configured with.
struct Files {
    dir: TempDir,
    certificate: CertificateDer<'static>,
}

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let certificate = write_pair(&dir);
        Self { dir, certificate }
    }

    /// Another certificate in place of this one.
    fn replace(&mut self) {
        self.certificate = write_pair(&self.dir);
    }

    fn spoil(&self) {
        fs::write(self.dir.path().join("cert.pem"), "nothing of the sort").unwrap();
    }

    fn config(&self) -> TlsConfig {
        TlsConfig { certificate: self.dir.path().join("cert.pem"), key: self.dir.path().join("key.pem") }
    }

    /// Clients that trust this certificate alone, and speak these protocols.
    fn client(&self, protocols: &[&str]) -> ClientConfig {
        self.client_of(protocols, rustls::ALL_VERSIONS)
    }

    fn client_of(&self, protocols: &[&str], versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

fn write_pair(dir: &TempDir) -> CertificateDer<'static> {
    let made = generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    fs::write(dir.path().join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(dir.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.into()
}

fn start() -> (TestServer, Files) {
    start_with(|_| {})
}

fn start_with(change: impl FnOnce(&mut Config)) -> (TestServer, Files) {
    let files = Files::new();
    let server = TestServer::with(|config| {
        config.tls = Some(files.config());
        change(config);
    });
    (server, files)
}

/// Waits until there are as many subscribers.
fn await_subscribers(hub: &Hub, wanted: usize) {
    let until = Instant::now() + BOUND;
    loop {
        let found = hub.broadcaster().subscribers();
        if found == wanted {
            return;
        }
        assert!(Instant::now() < until, "{found} subscribers, and they do not become {wanted}");
        std::thread::yield_now();
    }
}

/// A client's side of a TLS connection, byte by byte.
struct Raw(StreamOwned<ClientConnection, TcpStream>);

impl Raw {
    /// Shakes hands.
    fn connect(server: &TestServer, config: ClientConfig) -> std::io::Result<Self> {
        let socket = tcp(server);
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self(stream))
    }

    fn protocol(&self) -> Option<&str> {
        self.0.conn.alpn_protocol().map(|name| std::str::from_utf8(name).unwrap())
    }

    fn certificate(&self) -> &CertificateDer<'static> {
        &self.0.conn.peer_certificates().unwrap()[0]
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
        self.0.flush().unwrap();
    }

    /// Reads until `end` has come, and answers everything so far.
    #[track_caller]
    fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        let mut byte = [0];
        while !text.contains(end) {
            self.0.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} after {text:?}"));
            text.push(char::from(byte[0]));
        }
        text
    }

    /// Reads until the connection ends, in good order or not.
    fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("still open, after {bytes:?}"),
            Ok(_) | Err(_) => String::from_utf8(bytes).unwrap(),
        }
    }
}

fn tcp(server: &TestServer) -> TcpStream {
    let socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    socket.set_write_timeout(Some(BOUND)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}
