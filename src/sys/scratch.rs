//! A private directory for plaintext that an editor must see: in memory where there is such a place, wiped afterwards.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How the name of such a directory begins.
const PREFIX: &str = "clusterwright-";

/// A directory that only its owner can enter. Wiped and removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    /// Makes one in the first of the places that lies in memory; `None` when there is none.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn in_memory(places: &[PathBuf]) -> io::Result<Option<Self>> {
        for place in places.iter().filter(|place| lies_in_memory(place)) {
            match Self::in_dir(place) {
                Ok(scratch) => return Ok(Some(scratch)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Makes one in a directory, wherever that lies.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn in_dir(place: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let dir = builder.tempdir_in(place)?.keep();
        Ok(Self { dir })
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Creates a private file in it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn file(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.dir.join(name);
        private_file(&path, bytes)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        wipe_away(&self.dir);
    }
}

/// Creates a file that only its owner can read (mode 0600 where there are modes). Never replaces one.
fn private_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

/// Returns whether a path leads to a directory as we make them: by its name, no link, and for its owner alone.
#[cfg(unix)]
pub(super) fn is_one(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let named = dir
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
    let private = fs::symlink_metadata(dir).is_ok_and(|found| {
        let owner = rustix::process::geteuid().as_raw();
        found.is_dir() && found.mode() & 0o777 == 0o700 && found.uid() == owner
    });
    named && private
}

/// Overwrites and removes whatever is in a directory, swap and backup files of an editor included, and itself.
pub(super) fn wipe_away(dir: &Path) {
    wipe(dir);
    let _ = fs::remove_dir_all(dir);
}

fn wipe(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => wipe(&path),
            Ok(kind) if kind.is_file() => {
                let _ = overwrite(&path);
                let _ = fs::remove_file(&path);
            }
            _ => {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut left = fs::metadata(path)?.len();
    let mut file = OpenOptions::new().write(true).open(path)?;
    let zeros = [0; 4096];
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all(&zeros[..part])?;
        left -= part as u64;
    }
    file.flush()
}

/// Returns whether a directory lies in memory, tmpfs or ramfs.
#[cfg(target_os = "linux")]
fn lies_in_memory(dir: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    rustix::fs::statfs(dir).is_ok_and(|found| {
        let kind = found.f_type.cast_unsigned() & 0xffff_ffff;
        kind == TMPFS || kind == RAMFS
    })
}

/// Other systems have no such place that can be told from a disk.
#[cfg(not(target_os = "linux"))]
fn lies_in_memory(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_private_and_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let scratch = Scratch::in_dir(place.path()).unwrap();
        let file = scratch.file("x.yaml", b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(scratch.path()), mode(&file)), (0o700, 0o600));
        fs::write(scratch.path().join(".x.yaml.swp"), "swap").unwrap();
        fs::create_dir(scratch.path().join("backup")).unwrap();
        fs::write(scratch.path().join("backup/x~"), "old").unwrap();
        // A second name for the bytes shows that they were overwritten.
        fs::hard_link(&file, place.path().join("other-name")).unwrap();
        drop(scratch);
        assert_eq!(fs::read(place.path().join("other-name")).unwrap(), [0; 6]);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_is_no_memory() {
        assert!(!lies_in_memory(Path::new("/proc")));
        assert!(
            Scratch::in_memory(&[PathBuf::from("/proc"), PathBuf::from("/no/such/place")])
                .unwrap()
                .is_none()
        );
    }
}
