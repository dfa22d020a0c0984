//! Replacing one file in one step: a reader sees the old bytes or the new ones, never half of them.

use std::io;
use std::path::Path;

use super::root::Refused;

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
    super::root::replace_named(&target, bytes, access).map_err(|refused| match refused {
        Refused::Io(error) => error,
        Refused::Absent => io::ErrorKind::NotFound.into(),
        refused => io::Error::other(refused.to_string()),
    })
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
    fn what_a_killed_run_left_beside_goes_and_what_another_works_on_stays() {
        let dir = tempfile::tempdir().expect("works");
        let path = |name: &str| dir.path().join(name);
        let (left, held) = (
            ".clusterwright-0123456789abcdef",
            ".clusterwright-fedcba9876543210",
        );
        for name in [left, held, ".clusterwright-x", "clusterwright"] {
            std::fs::write(path(name), "x").expect("works");
        }
        let other = std::fs::File::open(path(held)).expect("works");
        other.lock().expect("works");
        replace_file(&path("file"), b"y", Access::Private).expect("works");
        let there = |name: &str| path(name).exists();
        assert!(!there(left) && there(held), "the one that nobody holds goes");
        assert!(there(".clusterwright-x") && there("clusterwright") && there("file"));
    }

    #[test]
    fn modes_are_kept_or_narrowed_and_links_stay() {
        let dir = tempfile::tempdir().expect("works");
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        replace_file(&file, b"one", Access::Kept).expect("works");
        assert_eq!(mode(&file) & 0o600, 0o600);
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
