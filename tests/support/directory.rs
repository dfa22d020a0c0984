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
        let of = rustix::fs::statvfs(*place);
        let has_room = of.is_ok_and(|of| of.f_bavail.saturating_mul(of.f_frsize) >= ROOM);
        has_room && TempDir::new_in(place).is_ok()
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
