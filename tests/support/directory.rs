//! Where tests have their files.

use std::path::Path;
use std::sync::LazyLock;

use tempfile::TempDir;

/// How much must be free in memory: many times what the tests ever have at once.
#[cfg(target_os = "linux")]
const ROOM: u64 = 2 << 30;

/// The place in memory, where the system has one with room.
static IN_MEMORY: LazyLock<Option<&Path>> = LazyLock::new(|| {
    #[cfg(target_os = "linux")]
    {
        let place = Path::new("/dev/shm");
        let of = rustix::fs::statvfs(place).ok()?;
        let is_writable = || TempDir::new_in(place).is_ok();
        return (of.f_bavail.saturating_mul(of.f_frsize) >= ROOM && is_writable()).then_some(place);
    }
    #[cfg(not(target_os = "linux"))]
    None
});

/// Makes a directory that goes away with the value. The tests make and remove some hundred thousand files and wait for the
/// disk after each: they do so in memory where they can. `TMPDIR` is heeded.
pub(crate) fn directory() -> TempDir {
    match *IN_MEMORY {
        Some(place) if std::env::var_os("TMPDIR").is_none() => TempDir::new_in(place),
        _ => TempDir::new(),
    }
    .expect("a temporary directory")
}
