//! Where tests have their files.

use std::path::Path;
use std::sync::LazyLock;

use tempfile::TempDir;

/// How much must be free in memory: many times what the tests ever have at once.
#[cfg(target_os = "linux")]
const ROOM: u64 = 2 << 30;

/// The place in memory, where the system has one with room.
static IN_MEMORY: LazyLock<Option<&Path>> = LazyLock::new(|| {
    #[cfg(not(target_os = "linux"))]
    let place = None;
    #[cfg(target_os = "linux")]
    let place = Some(Path::new("/dev/shm")).filter(|place| {
        // Containers often forbid to run what lies there, and some tests bring programs along.
        let suits = rustix::fs::statvfs(*place).is_ok_and(|of| {
            let is_closed = of.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC);
            !is_closed && of.f_bavail.saturating_mul(of.f_frsize) >= ROOM
        });
        suits && TempDir::new_in(place).is_ok()
    });
    place
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
