//! The server's certificate: read from its files, and read anew while the server runs.
//!
//! A certificate lasts for weeks and a stream may last as long, so a new one must not need a restart: whoever connects
//! after [`TlsReloader::reload`] is shown the new one, and nobody who is connected notices.
//!
//! Nothing here does a handshake: that is `server::secure`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};

use crate::config::TlsConfig;
use crate::small_file;

/// The protocols offered, best first (RFC 7301): over HTTP/2 a browser may have more than six streams of a host.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
pub(crate) const HTTP2: &[u8] = b"h2";

/// The certificate in force, for as long as its server lives. Clones share it.
#[derive(Clone)]
pub struct TlsReloader {
    files: TlsConfig,
    /// Whole, not only the certificate: sessions that were begun under an old one are not resumed under a new one.
    in_force: Arc<RwLock<Arc<ServerConfig>>>,
}

impl TlsReloader {
    /// Reads the files for the first time.
    pub(crate) fn load(files: TlsConfig) -> Result<Self, TlsError> {
        let in_force = Arc::new(RwLock::new(read(&files)?));
        Ok(Self { files, in_force })
    }

    /// Reads the files anew. Handshakes from now on use what they hold; connections that are open stay as they are.
    ///
    /// Blocks for as long as it takes to read two small files.
    ///
    /// # Errors
    ///
    /// [`TlsError`]: what was in force stays in force. So it does if a certificate was replaced and its key is still to
    /// be, and a second call puts that right.
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = read(&self.files)?;
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// What the next handshake uses.
    pub(crate) fn in_force(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TlsReloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsReloader").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Why there is no TLS. One line, which says which file and what would help, and nothing of what the key is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Two files that do not belong together.
    #[error("tls-key {}: this is not the key of the first certificate in {}", .key.display(), .certificate.display())]
    Mismatch {
        /// As configured.
        certificate: PathBuf,
        /// As configured.
        key: PathBuf,
    },

    /// A file without what it is for.
    #[error("{setting} {}: there is no {wanted} in this file", .file.display())]
    Nothing {
        /// The setting's name.
        setting: &'static str,
        /// As configured.
        file: PathBuf,
        /// What should be in it.
        wanted: &'static str,
    },

    /// A file that is not there, or not for us.
    #[error("{setting} {}: cannot read the file: {reason}", .file.display())]
    Read {
        /// The setting's name.
        setting: &'static str,
        /// As configured.
        file: PathBuf,
        /// What the operating system says. Part of the message, so not its source as well.
        reason: io::Error,
    },

    /// A file with something that cannot be used.
    #[error("{setting} {}: {reason}", .file.display())]
    Unusable {
        /// The setting's name.
        setting: &'static str,
        /// As configured.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// One of the two files, by the name of its setting.
struct Pem<'f> {
    setting: &'static str,
    file: &'f Path,
    bytes: Vec<u8>,
}

/// Bytes of each file: hundreds of certificates, and nobody's chain is longer than a handful.
const LARGEST: usize = 1024 * 1024;

const CERTIFICATE: &str = "certificate in PEM";
const KEY: &str = "private key in PEM that is not encrypted";

fn read(files: &TlsConfig) -> Result<Arc<ServerConfig>, TlsError> {
    let certificate = Pem::read("tls-cert", &files.certificate)?;
    let key = Pem::read("tls-key", &files.key)?;

    let chain = CertificateDer::pem_slice_iter(&certificate.bytes).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| certificate.no(CERTIFICATE, &error))?;
    if chain.is_empty() {
        return Err(certificate.no(CERTIFICATE, &pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_slice(&key.bytes).map_err(|error| key.no(KEY, &error))?;
    let provider = Arc::new(ring::default_provider());
    provider.key_provider.load_private_key(private.clone_key()).map_err(|error| key.unusable(&error))?;

    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider is for both versions");
    let config = config.with_no_client_auth().with_single_cert(chain, private);
    let mut config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { certificate: files.certificate.clone(), key: files.key.clone() }
        }
        error => certificate.unusable(&error),
    })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(Arc::new(config))
}

impl<'f> Pem<'f> {
    fn read(setting: &'static str, file: &'f Path) -> Result<Self, TlsError> {
        match small_file::read(file, LARGEST) {
            Ok(bytes) => Ok(Self { setting, file, bytes }),
            Err(reason) => Err(TlsError::Read { setting, file: file.to_owned(), reason }),
        }
    }

    fn no(&self, wanted: &'static str, error: &pem::Error) -> TlsError {
        match error {
            pem::Error::NoItemsFound => {
                TlsError::Nothing { setting: self.setting, file: self.file.to_owned(), wanted }
            }
            // Without what the library would quote of the file.
            _ => self.unusable(&"this is no well-formed PEM"),
        }
    }

    fn unusable(&self, reason: &impl fmt::Display) -> TlsError {
        TlsError::Unusable { setting: self.setting, file: self.file.to_owned(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests;
