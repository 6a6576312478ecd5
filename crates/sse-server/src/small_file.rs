//! Files that are small if they are what they should be: keys and certificates.
//!
//! Whoever names `/dev/zero`, or a disk, by mistake is told so, and not left with a process that fills the memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::config::Size;

/// Reads a whole file of `most` bytes at most. Blocks.
///
/// # Errors
///
/// What the operating system says, or [`io::ErrorKind::FileTooLarge`] with the limit in its message.
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One more tells a file that is too large from one that just fits.
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let message = format!("it is larger than {}", Size(most));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_be_as_large_as_allowed_and_no_larger() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; 1024]).unwrap();
        assert_eq!(read(file.path(), 1024).unwrap(), [7; 1024]);
        let error = read(file.path(), 1023).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(file.path(), 1023).unwrap_err().to_string(), "it is larger than 1023");
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_not_read_to_it() {
        let error = read(Path::new("/dev/zero"), 1 << 16).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 64KiB");
    }
}
