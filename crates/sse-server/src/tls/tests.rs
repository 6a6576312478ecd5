//! Files as people get them wrong.

use std::fs;

use rcgen::generate_simple_self_signed;
use tempfile::TempDir;

use super::*;

/// A certificate and its key in files of their own.
struct Files {
    dir: TempDir,
    config: TlsConfig,
}

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = TlsConfig { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
        let files = Self { dir, config };
        let (certificate, key) = pair();
        files.write(&certificate, &key);
        files
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(&self.config.certificate, certificate).unwrap();
        fs::write(&self.config.key, key).unwrap();
    }

    /// What is said without the folder's name, which is another each time.
    fn error(&self) -> String {
        let error = TlsReloader::load(self.config.clone()).unwrap_err().to_string();
        error.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

fn pair() -> (String, String) {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn a_certificate_and_its_key_are_good() {
    let files = Files::new();
    let tls = TlsReloader::load(files.config.clone()).unwrap();
    assert_eq!(tls.in_force().alpn_protocols, PROTOCOLS);
}

#[test]
fn what_is_wrong_is_one_line_that_names_the_file() {
    let files = Files::new();
    let (certificate, key) = pair();
    let (_, other) = pair();

    files.write(&certificate, &other);
    assert_eq!(files.error(), "tls-key key.pem: this is not the key of the first certificate in cert.pem");
    files.write(&key, &key);
    assert_eq!(files.error(), "tls-cert cert.pem: there is no certificate in PEM in this file");
    files.write("", &key);
    assert_eq!(files.error(), "tls-cert cert.pem: there is no certificate in PEM in this file");
    files.write(&certificate, &certificate);
    assert_eq!(
        files.error(),
        "tls-key key.pem: there is no private key in PEM that is not encrypted in this file"
    );
    files.write(&certificate, &key.replace("-----END", "-----"));
    assert_eq!(files.error(), "tls-key key.pem: this is no well-formed PEM");
    files.write(&certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert!(files.error().starts_with("tls-key key.pem: "), "{}", files.error());
    files.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key);
    assert!(files.error().starts_with("tls-cert cert.pem: "), "{}", files.error());

    fs::remove_file(&files.config.key).unwrap();
    assert!(files.error().starts_with("tls-key key.pem: cannot read the file: "), "{}", files.error());
    fs::remove_file(&files.config.certificate).unwrap();
    assert!(files.error().starts_with("tls-cert cert.pem: cannot read the file: "), "{}", files.error());
}

#[test]
fn a_reload_takes_what_is_good_and_nothing_else() {
    let files = Files::new();
    let tls = TlsReloader::load(files.config.clone()).unwrap();
    let first = tls.in_force();

    files.write("nothing", "nothing");
    tls.reload().unwrap_err();
    assert!(Arc::ptr_eq(&first, &tls.in_force()), "the old one stays");

    let (certificate, key) = pair();
    files.write(&certificate, &key);
    let clone = tls.clone();
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&first, &clone.in_force()), "for all clones");
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_refused() {
    let mut files = Files::new();
    files.config.certificate = "/dev/zero".into();
    assert_eq!(files.error(), "tls-cert /dev/zero: cannot read the file: it is larger than 1MiB");
}
