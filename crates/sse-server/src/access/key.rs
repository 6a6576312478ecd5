//! A key, and the one algorithm that it is for.
//!
//! The algorithm is the configuration's to say, never the token's: a verifier that believes a token can be made to take
//! the public key, which everybody has, for the secret of an HMAC (RFC 8725 section 3.1).

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::crypto::{CryptoProvider, rust_crypto};
use jsonwebtoken::{AlgorithmFamily, DecodingKey};

/// The shortest RSA key, in bits (RFC 7518 section 3.3).
const RSA_LEAST: usize = 2048;

/// Algorithms for which there can be a key (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm(jsonwebtoken::Algorithm);

impl Algorithm {
    const ALL: [(&'static str, jsonwebtoken::Algorithm); 11] = {
        use jsonwebtoken::Algorithm as A;
        [
            ("hs256", A::HS256),
            ("hs384", A::HS384),
            ("hs512", A::HS512),
            ("rs256", A::RS256),
            ("rs384", A::RS384),
            ("rs512", A::RS512),
            ("ps256", A::PS256),
            ("ps384", A::PS384),
            ("ps512", A::PS512),
            ("es256", A::ES256),
            ("es384", A::ES384),
        ]
    };

    pub(super) fn library(self) -> jsonwebtoken::Algorithm {
        self.0
    }

    /// Bytes of the hash, below which a secret is easier to guess than the hash (RFC 7518 section 3.2).
    fn hash(self) -> usize {
        use jsonwebtoken::Algorithm as A;
        match self.0 {
            A::HS384 | A::RS384 | A::PS384 | A::ES384 => 48,
            A::HS512 | A::RS512 | A::PS512 => 64,
            _ => 32,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::ALL.iter().find(|(_, algorithm)| *algorithm == self.0);
        f.write_str(known.map_or("unknown", |(name, _)| name))
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    /// Upper or lower case: `HS256` is how tokens write it.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let known = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map(|(_, algorithm)| Self(*algorithm)).ok_or(KeyError::UnknownAlgorithm)
    }
}

/// A key that tokens are checked with: a secret for HMAC, or a public key.
///
/// ```
/// use sse_server::access::Key;
///
/// let key = Key::new("hs256".parse()?, b"a secret of thirty-two bytes, or more")?;
/// assert!(Key::new("hs256".parse()?, b"too short").is_err());
/// # Ok::<_, sse_server::access::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    material: DecodingKey,
}

/// Why bytes are not a key. Says nothing of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a public key, or not one of this sort.
    #[error(
        "this is no public key for {algorithm} in PEM: write it with `openssl pkey -in private.pem -pubout`"
    )]
    NotAPublicKey {
        /// What the key was to be for.
        algorithm: Algorithm,
    },

    /// A private key, which has no business on this server.
    #[error(
        "this is a private key, and only who signs needs that: give the public one, from \
         `openssl pkey -in private.pem -pubout`"
    )]
    Private,

    /// Less than 2048 bits.
    #[error("an RSA key has at least {RSA_LEAST} bits (RFC 7518 section 3.3), and this one has {bits}")]
    RsaTooShort {
        /// What it has.
        bits: usize,
    },

    /// A PEM file in place of an HMAC's secret.
    #[error(
        "a secret for {algorithm} is random bytes, and this is a key in PEM: name the algorithm it was made for"
    )]
    SecretIsPem {
        /// What the key was to be for.
        algorithm: Algorithm,
    },

    /// Shorter than the hash.
    #[error(
        "a secret for {algorithm} has at least {least} bytes, as many as its hash (RFC 7518 section 3.2), and this \
         one has {bytes}: make one with `openssl rand -hex {least}`"
    )]
    SecretTooShort {
        /// What the secret was to be for.
        algorithm: Algorithm,
        /// What it has.
        bytes: usize,
        /// What it needs.
        least: usize,
    },

    /// None that is known here. `none` is not one, either.
    #[error(
        "the algorithm is one of hs256, hs384, hs512, rs256, rs384, rs512, ps256, ps384, ps512, es256, es384"
    )]
    UnknownAlgorithm,
}

impl Key {
    /// A key of these bytes, as they are in its file: a secret itself, or a public key in PEM.
    ///
    /// A line end behind a secret of printable characters is not part of it: editors and `openssl rand -hex` add one.
    ///
    /// # Errors
    ///
    /// [`KeyError`]. RSA keys have 2048 to 4096 bits, secrets at least as many bytes as the hash.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        // The first to ask decides for the whole process. Said here, because an application that the hub is part of may
        // have switched on the library's other implementation, and the library would then not choose at all.
        let _ = rust_crypto::DEFAULT_PROVIDER.install_default();
        let material = match algorithm.0.family() {
            AlgorithmFamily::Hmac => secret(algorithm, bytes)?,
            family => public(algorithm, family, bytes)?,
        };
        Ok(Self { algorithm, material })
    }

    /// What it is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn material(&self) -> &DecodingKey {
        &self.material
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.algorithm)
    }
}

fn secret(algorithm: Algorithm, bytes: &[u8]) -> Result<DecodingKey, KeyError> {
    let line = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let secret = line.filter(|line| line.iter().all(u8::is_ascii_graphic)).unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN ") {
        return Err(KeyError::SecretIsPem { algorithm });
    }
    let (bytes, least) = (secret.len(), algorithm.hash());
    if bytes < least {
        return Err(KeyError::SecretTooShort { algorithm, bytes, least });
    }
    Ok(DecodingKey::from_secret(secret))
}

fn public(algorithm: Algorithm, family: AlgorithmFamily, pem: &[u8]) -> Result<DecodingKey, KeyError> {
    let has = |text: &[u8]| pem.windows(text.len()).any(|window| window == text);
    if has(b"PRIVATE KEY-----") {
        return Err(KeyError::Private);
    }
    let unusable = |_| KeyError::NotAPublicKey { algorithm };
    // The library would look into a certificate as well, and not find its key.
    if !has(b"PUBLIC KEY-----") {
        return Err(KeyError::NotAPublicKey { algorithm });
    }
    let provider: &CryptoProvider = &rust_crypto::DEFAULT_PROVIDER;
    if family == AlgorithmFamily::Rsa {
        let key = DecodingKey::from_rsa_pem(pem).map_err(unusable)?;
        let der = key.try_get_as_bytes().map_err(unusable)?;
        let (modulus, _) = (provider.key_utils.rsa_pub_components_from_public_key)(der).map_err(unusable)?;
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        if bits < RSA_LEAST {
            return Err(KeyError::RsaTooShort { bits });
        }
        return Ok(key);
    }
    let key = DecodingKey::from_ec_pem(pem).map_err(unusable)?;
    // The curve is only looked at by the verifier: better now than with the first token.
    (provider.verifier_factory)(&algorithm.0, &key).map_err(unusable)?;
    Ok(key)
}

#[cfg(test)]
mod tests;
