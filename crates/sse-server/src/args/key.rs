//! How a key is named on the command line, and where it is read from.
//!
//! The algorithm is written out, because a file does not say: the same bytes can be a public key, or a secret.

use std::env;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use crate::access::{Algorithm, Key, KeyError};
use crate::small_file;

/// Bytes of a file with a key: some hundred times what the largest RSA key takes in PEM.
const LARGEST: usize = 64 * 1024;

/// One `--jwt-key`: `ALGORITHM:FILE`, or `ALGORITHM:env:VARIABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyArg {
    algorithm: Algorithm,
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Variable(String),
}

/// Why a key cannot be used. One line, which says where the key was to come from, and nothing of what it is.
#[derive(Debug, thiserror::Error)]
#[error("jwt-key {arg}: {reason}")]
pub struct KeyArgError {
    arg: KeyArg,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the variable is not set")]
    NotSet,
    #[error("cannot read the file: {0}")]
    Read(#[from] io::Error),
}

impl KeyArg {
    /// Reads the key.
    ///
    /// # Errors
    ///
    /// If there is none, or if it is not one.
    pub fn load(&self) -> Result<Key, KeyArgError> {
        self.read().map_err(|reason| KeyArgError { arg: self.clone(), reason })
    }

    fn read(&self) -> Result<Key, Reason> {
        let bytes = match &self.source {
            Source::File(path) => small_file::read(path, LARGEST)?,
            Source::Variable(name) => env::var_os(name).ok_or(Reason::NotSet)?.into_encoded_bytes(),
        };
        Ok(Key::new(self.algorithm, &bytes)?)
    }
}

impl fmt::Display for KeyArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::File(path) => write!(f, "{}:{}", self.algorithm, path.display()),
            Source::Variable(name) => write!(f, "{}:env:{name}", self.algorithm),
        }
    }
}

/// Why a text does not name a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyArgSyntax {
    /// One half is missing.
    #[error("write ALGORITHM:FILE, such as hs256:/etc/sse/secret, or ALGORITHM:env:VARIABLE")]
    Halves,
    /// The first half is none of those that are known.
    #[error(transparent)]
    Algorithm(#[from] KeyError),
}

impl FromStr for KeyArg {
    type Err = KeyArgSyntax;

    fn from_str(text: &str) -> Result<Self, KeyArgSyntax> {
        let (algorithm, place) = text.split_once(':').ok_or(KeyArgSyntax::Halves)?;
        let algorithm = algorithm.parse()?;
        let source = match place.strip_prefix("env:") {
            Some(name) => Source::Variable(name.to_owned()),
            None => Source::File(place.into()),
        };
        if place.is_empty() || place == "env:" {
            return Err(KeyArgSyntax::Halves);
        }
        Ok(Self { algorithm, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_an_algorithm_and_a_place() {
        for text in ["hs256:/etc/sse/secret", "es384:C:/keys/public.pem", "rs256:env:KEY", "ps512:./env:x"] {
            assert_eq!(text.parse::<KeyArg>().unwrap().to_string(), text);
        }
        assert_eq!("HS256:a".parse::<KeyArg>().unwrap().to_string(), "hs256:a");
        for text in ["", "/etc/sse/secret", "hs256", "hs256:", "hs256:env:"] {
            assert_eq!(text.parse::<KeyArg>(), Err(KeyArgSyntax::Halves), "{text}");
        }
        for text in ["none:/a", "auto:/a", ":/a", "hs1:/a"] {
            let message = text.parse::<KeyArg>().unwrap_err().to_string();
            assert!(message.contains("one of hs256"), "{message}");
        }
    }

    #[test]
    fn what_cannot_be_loaded_says_where_it_was_looked_for() {
        let of = |text: &str| text.parse::<KeyArg>().unwrap().load().unwrap_err().to_string();
        assert!(of("hs256:/nowhere/secret").starts_with("jwt-key hs256:/nowhere/secret: cannot read"));
        assert_eq!(
            of("hs256:env:SSE_NO_SUCH_THING"),
            "jwt-key hs256:env:SSE_NO_SUCH_THING: the variable is not set"
        );
        if cfg!(unix) {
            assert_eq!(
                of("hs256:/dev/zero"),
                "jwt-key hs256:/dev/zero: cannot read the file: it is larger than 64KiB"
            );
        }
        // This very manifest is no key.
        let manifest = concat!("es256:", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert!(of(manifest).contains("no public key for es256"), "{}", of(manifest));
    }
}
