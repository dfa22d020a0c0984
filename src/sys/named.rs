//! Files that a person named, on the command line or in a variable of the environment: links in their paths are followed,
//! for the person may point wherever he likes. What is read is still a regular file of a limited size.

use std::fs::{File, OpenOptions};
use std::path::Path;

use super::root::{FileKind, Refused};

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// When it is absent, no regular file, too large, or the system refuses.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Refused> {
    let file = open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() {
        return super::root::read_all(&file, meta.len(), limit);
    }
    let kind = if meta.is_dir() {
        FileKind::Directory
    } else {
        FileKind::Special
    };
    Err(Refused::NotRegular { kind })
}

/// Makes a directory that a person named, with those above it.
///
/// # Errors
/// When it cannot be made.
pub fn create_dir(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Opens without waiting for the other end of a pipe.
fn open(path: &Path) -> Result<File, Refused> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Refused::Absent,
        _ => Refused::Io(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_files_are_read_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        std::fs::write(&file, "text").expect("written");
        assert_eq!(read(&file, 4).expect("read"), b"text");
        assert!(matches!(read(&file, 3), Err(Refused::TooLarge { limit: 3 })));
        assert!(matches!(read(&dir.path().join("none"), 3), Err(Refused::Absent)));
        assert!(matches!(
            read(dir.path(), 3),
            Err(Refused::NotRegular {
                kind: FileKind::Directory
            })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("file"), "text").expect("written");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("file", &link).expect("linked");
        assert_eq!(read(&link, 4).expect("read"), b"text");
        let zero = read(Path::new("/dev/zero"), 4);
        assert!(
            matches!(
                zero,
                Err(Refused::NotRegular {
                    kind: FileKind::Special
                })
            ),
            "{zero:?}"
        );
    }
}
