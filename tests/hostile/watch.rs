//! Who opens what lies outside: the kernel tells.

use std::ffi::OsStr;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// A watch on a directory and everything below it.
pub(super) struct Watch {
    handle: OwnedFd,
    places: Vec<(i32, PathBuf)>,
}

impl Watch {
    pub(super) fn on(dir: &Path) -> Self {
        let handle = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).expect("the kernel watches");
        let mut places = Vec::new();
        let mut open = vec![dir.to_path_buf()];
        let mut seen = Vec::new();
        while let Some(dir) = open.pop() {
            // Listing comes first: the harness' own looking is not to be told.
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push(entry.path());
                }
            }
            seen.push(dir);
        }
        for dir in seen {
            let flags = WatchFlags::OPEN
                | WatchFlags::ACCESS
                | WatchFlags::MODIFY
                | WatchFlags::ATTRIB
                | WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MOVE;
            let number = inotify::add_watch(&handle, &dir, flags).expect("watched");
            places.push((number, dir));
        }
        Self { handle, places }
    }

    /// Returns what happened.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(&self.handle, &mut buffer);
        let mut found = Vec::new();
        while let Ok(event) = reader.next() {
            let place = self.places.iter().find(|(number, _)| *number == event.wd());
            let place = place.map(|(_, dir)| dir.clone()).unwrap_or_default();
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            let path = name.map_or(place.clone(), |name| place.join(name));
            let what = if event.events().contains(ReadFlags::OPEN) {
                "was opened"
            } else {
                "was read or changed"
            };
            let fault = format!("`{}` {what}, outside of the root", path.display());
            if !found.contains(&fault) {
                found.push(fault);
            }
        }
        found
    }
}

/// What a program of its own needs from the system: its libraries, its clock and its processors.
const SYSTEM: &[&str] = &[
    "/etc/ld.so",
    "/lib",
    "/usr/lib",
    "/usr/share/zoneinfo",
    "/etc/localtime",
    "/proc/self/maps",
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/sys/vm",
    "/proc/stat",
    "/sys/",
    "/dev/null",
    "/dev/tty",
    "/dev/shm/clusterwright-",
    "/etc/terminfo",
    "/usr/share/terminfo",
    // Git's own configuration, which `demo` reads when it makes a repository.
    "/etc/gitconfig",
];

/// Reads a trace of system calls and returns every file that was opened outside of the root, and every program that was
/// run. Exceptions by name: [`SYSTEM`], what lies above the root on the way to it (git's directory is looked for there),
/// keys in the home, git's directory where a `.git` of the person's leads there, and the editor, which is `/bin/true`.
pub(super) fn trace_faults(log: &Path, root: &Path, binary: &Path) -> Vec<String> {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let mut found = Vec::new();
    for line in text.unwrap_or_default().lines() {
        if line.contains(" ENOENT ") || line.contains(" = -1 ") {
            continue;
        }
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let call = call.rsplit(' ').next().unwrap_or_default();
        let Some(named) = rest.split('"').nth(1) else {
            continue;
        };
        if call == "execve" {
            let own = [
                &*binary.to_string_lossy(),
                "/proc/self/exe",
                "/bin/true",
                "/usr/bin/true",
            ];
            if !own.contains(&named) {
                found.push(format!("`{named}` was run"));
            }
            continue;
        }
        // `-y` writes behind the result which file it really is.
        let real = line
            .rsplit_once('<')
            .map(|(_, end)| end.trim_end_matches(['>', '\n']));
        let real = Path::new(real.unwrap_or(named));
        let shown = real.to_string_lossy();
        let fine = real.starts_with(root)
            || root.starts_with(real)
            || SYSTEM.iter().any(|known| shown.starts_with(known))
            || (shown.starts_with("/proc/") && (shown.ends_with("/maps") || shown.ends_with("/cgroup")))
            || ["/around/home", "/around/git"]
                .iter()
                .any(|own| shown.contains(own));
        if !fine && real.is_absolute() {
            found.push(format!("`{shown}` was opened: {line}"));
        }
    }
    found.dedup();
    found
}
