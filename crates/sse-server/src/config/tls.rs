//! Where the certificate is, and its key.

use std::path::PathBuf;

/// With this, the server speaks TLS on all its addresses for events: HTTP/2 and HTTP/1.1, over TLS 1.2 and 1.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// A file in PEM: the server's certificate, and behind it those of the authorities that lead to a known one.
    pub certificate: PathBuf,
    /// A file in PEM: the certificate's private key, not encrypted. RSA, EC or Ed25519.
    pub key: PathBuf,
}
