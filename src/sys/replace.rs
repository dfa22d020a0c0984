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

/// Writes a file beside its target and moves it there. A symbolic link stays, and the file it names is replaced.
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
    if access == Access::Kept {
        set_mode(file.path(), &target)?;
    }
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
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
