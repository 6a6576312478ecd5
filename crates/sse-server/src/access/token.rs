//! Is this token genuine, in force, and meant for us? (RFC 7519, RFC 8725.)

use std::time::{Duration, SystemTime};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, Validation, decode};
use serde::Deserialize;

use super::grant::Grant;
use super::key::Key;
use crate::config::AccessConfig;

/// Bytes of a token at most: as many as most servers take of a header. A cookie has half of it.
const MAX_BYTES: usize = 8 * 1024;

/// By how much the clock of whoever made a token may be ahead of ours, in seconds. Clocks that are set by the network
/// differ by milliseconds; this covers one that has just been woken. Not for `exp`: what ends, ends.
const LEEWAY: u64 = 5;

/// A good token.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// When it ends.
    pub expires: SystemTime,
    /// What it is good for.
    pub grant: Grant,
}

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no key for its algorithm, whether there is such an algorithm or not.
    #[error("the token's algorithm is not one that there is a key for")]
    Algorithm,
    /// It is for somebody else, or does not say for whom.
    #[error("the token is for another audience")]
    Audience,
    /// It names extensions that must be understood (`crit`), and none is.
    #[error("the token needs an extension that is not known here")]
    Critical,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is by somebody else, or does not say by whom.
    #[error("the token is by another issuer")]
    Issuer,
    /// It is no token, or its claims are not of the form that they have here.
    #[error("this is no signed token, or its claims are not of the form that is documented")]
    Malformed,
    /// It has no `exp`.
    #[error("the token does not say when it expires: it needs a claim 'exp', a number")]
    NoExpiry,
    /// Its time has not come (`nbf`).
    #[error("the token is not in force yet")]
    NotYet,
    /// No key has signed it.
    #[error("the token was not signed with a key that there is here")]
    Signature,
    /// More bytes than a token has.
    #[error("the token is longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// A key, with what is wanted of the tokens that it has signed.
#[derive(Debug)]
pub(super) struct Verifier {
    key: DecodingKey,
    wanted: Validation,
}

#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    #[serde(default)]
    mercure: Option<Grant>,
}

impl Verifier {
    pub(super) fn new(key: &Key, config: &AccessConfig) -> Self {
        // With exactly one algorithm: that of the key.
        let mut wanted = Validation::new(key.algorithm().library());
        let mut required = vec!["exp"];
        wanted.leeway = LEEWAY;
        wanted.validate_nbf = true;
        wanted.validate_aud = config.audience.is_some();
        if let Some(audience) = &config.audience {
            wanted.set_audience(&[audience]);
            required.push("aud");
        }
        if let Some(issuer) = &config.issuer {
            wanted.set_issuer(&[issuer]);
            required.push("iss");
        }
        wanted.set_required_spec_claims(&required);
        Self { key: key.material().clone(), wanted }
    }

    fn verify(&self, token: &[u8]) -> Result<Token, TokenError> {
        let data = decode::<Claims>(token, &self.key, &self.wanted).map_err(|error| reason(error.kind()))?;
        if data.header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let exp = data.claims.exp.ok_or(TokenError::NoExpiry)?;
        let since_epoch = Duration::try_from_secs_f64(exp).map_err(|_| TokenError::NoExpiry)?;
        let expires = SystemTime::UNIX_EPOCH.checked_add(since_epoch).ok_or(TokenError::NoExpiry)?;
        if expires <= SystemTime::now() {
            return Err(TokenError::Expired);
        }
        Ok(Token { expires, grant: data.claims.mercure.unwrap_or_default() })
    }
}

/// Asks one key after the other. Which of them a token is signed with is for the signature to say: `kid` is a hint that
/// keys in files have no use for.
pub(super) fn verify(verifiers: &[Verifier], token: &[u8]) -> Result<Token, TokenError> {
    if token.len() > MAX_BYTES {
        return Err(TokenError::TooLong);
    }
    let mut refusal = TokenError::Algorithm;
    for verifier in verifiers {
        match verifier.verify(token) {
            Err(TokenError::Algorithm) => {}
            Err(TokenError::Signature) => refusal = TokenError::Signature,
            verdict => return verdict,
        }
    }
    Err(refusal)
}

fn reason(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYet,
        ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "aud" => TokenError::Audience,
            "iss" => TokenError::Issuer,
            _ => TokenError::NoExpiry,
        },
        _ => TokenError::Malformed,
    }
}

#[cfg(test)]
mod tests;
