//! What an error of a socket says of the attempt or the stream.

use std::io;

use crate::account::reconnect::Ending;

/// See the module.
pub(crate) fn ending(error: &io::Error) -> Ending {
    use io::ErrorKind::{
        AddrInUse, AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, OutOfMemory,
        PermissionDenied, TimedOut,
    };
    match error.kind() {
        ConnectionRefused => Ending::Refused,
        TimedOut => Ending::Timeout,
        HostUnreachable | NetworkUnreachable => Ending::Malformed("unreachable"),
        AddrInUse | AddrNotAvailable | OutOfMemory | PermissionDenied => Ending::Local(error.to_string()),
        _ if matches!(error.raw_os_error(), Some(code) if code == TOO_MANY_FILES || code == TOO_MANY_FILES_OF_ALL) => {
            Ending::Local(error.to_string())
        }
        _ => Ending::Reset,
    }
}

const TOO_MANY_FILES: i32 = nix::errno::Errno::EMFILE as i32;
const TOO_MANY_FILES_OF_ALL: i32 = nix::errno::Errno::ENFILE as i32;
