//! Who may publish and read: keys, and what is wanted of the tokens that they have signed.

use crate::access::key::Key;

/// Access by signed tokens. What a token says, and what that allows, is in [`access`](crate::access).
#[derive(Clone, Debug)]
pub struct AccessConfig {
    /// Keys that tokens are checked with; 16 at most. A token is good if one of them has signed it.
    ///
    /// Several, so that keys can be replaced while tokens of the old one are still about. Default none: everybody may
    /// publish and read, and that is why the server then listens on this machine only. Each key of a token's algorithm
    /// costs the check of a signature, so nobody should have them make many.
    pub keys: Vec<Key>,

    /// What `aud` has to name, if anything.
    ///
    /// Default `None`, which does not look at it: one key for one hub needs none. With a key that signs for other
    /// services too, set it, or their tokens are good here.
    pub audience: Option<String>,

    /// What `iss` has to be, if anything.
    ///
    /// Default `None`: that a key has signed a token says who made it, unless several share the key.
    pub issuer: Option<String>,

    /// Reading needs no token, publishing does.
    ///
    /// Default false: who switches tokens on wants them asked for. Meant for what is public anyway, such as prices.
    pub anonymous_subscribe: bool,

    /// Name of the cookie that may hold a token.
    ///
    /// `EventSource` cannot send a header, so this is how a page of one's own says who it is. Default
    /// `mercureAuthorization`, as in the Mercure protocol.
    pub cookie: String,

    /// Take tokens from `?access_token=` too.
    ///
    /// Default false: URLs end up in the logs of proxies, in histories and in what people copy. Meant for clients that
    /// can send neither header nor cookie, with tokens that expire in minutes.
    pub token_in_url: bool,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            audience: None,
            issuer: None,
            anonymous_subscribe: false,
            cookie: "mercureAuthorization".to_owned(),
            token_in_url: false,
        }
    }
}
