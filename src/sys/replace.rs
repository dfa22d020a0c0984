//! Replacing one file in one step: a reader sees the old bytes or the new ones, never half of them.

use std::io::{self, Write as _};
use std::path::Path;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever could before; for a new file, everybody that the system's defaults say.
    Kept,
    /// Its owner alone.
    Private,
}

/// Writes a file beside its target and moves it there: whole or not at all. A symbolic link stays, and the file it names
/// is replaced. The owner stays where the system lets us.
///
/// # Errors
/// What the system says; the target is then as it was.
pub fn replace_file(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
        Err(error) => return Err(error),
    };
    let dir = target
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".clusterwright-")
        .tempfile_in(dir)?;
    file.write_all(bytes)?;
    keep_owner(&target, file.path());
    if access == Access::Kept {
        set_mode(file.path(), &target)?;
    }
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Gives a file the owner and the group of another, if that is there and the system lets us: with `sudo`, a person's file
/// stays the person's.
pub(super) fn keep_owner(from: &Path, to: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let (Ok(from), Ok(now)) = (std::fs::metadata(from), std::fs::metadata(to)) else {
            return;
        };
        if (from.uid(), from.gid()) != (now.uid(), now.gid()) {
            let _ = chown(to, Some(from.uid()), Some(from.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (from, to);
}

/// Gives a new file, which is private, the permissions of the one that it replaces.
fn set_mode(new: &Path, old: &Path) -> io::Result<()> {
    match std::fs::metadata(old) {
        Ok(metadata) => std::fs::set_permissions(new, metadata.permissions()),
        #[cfg(unix)]
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(new, std::fs::Permissions::from_mode(0o644))
        }
        #[cfg(not(unix))]
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("works").permissions().mode() & 0o777
    }

    #[test]
    fn owners_are_kept_where_the_system_lets_us() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let dir = tempfile::tempdir().expect("works");
        let file = dir.path().join("file");
        std::fs::write(&file, "one").expect("works");
        // Only the superuser can give a file away; for everybody else there is nothing to keep.
        let given = chown(&file, Some(1234), Some(4321)).is_ok();
        for access in [Access::Kept, Access::Private] {
            replace_file(&file, b"two", access).expect("works");
            let meta = std::fs::metadata(&file).expect("works");
            assert_eq!(given, (meta.uid(), meta.gid()) == (1234, 4321), "{access:?}");
        }
    }

    #[test]
    fn modes_are_kept_or_narrowed_and_links_stay() {
        let dir = tempfile::tempdir().expect("works");
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        replace_file(&file, b"one", Access::Kept).expect("works");
        assert_eq!(mode(&file), 0o644);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("works");
        std::os::unix::fs::symlink("file", &link).expect("works");
        replace_file(&link, b"two", Access::Kept).expect("works");
        assert_eq!(
            (std::fs::read(&file).expect("works").as_slice(), mode(&file)),
            (b"two".as_slice(), 0o640)
        );
        assert!(link.is_symlink());
        replace_file(&file, b"three", Access::Private).expect("works");
        assert_eq!(mode(&file), 0o600);
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("works").count(),
            2,
            "nothing is left over"
        );
    }
}
