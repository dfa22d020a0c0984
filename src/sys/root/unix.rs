//! By handles: every path is resolved below the root's own handle, and nothing that is opened can be swapped for a link.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::Path;

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Access, FileKind, Inner, Listing, Meta, Refused, walk};

/// Directories are only looked through: a handle that cannot read suffices where there is such a thing.
#[cfg(target_os = "linux")]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = OFlags::RDONLY;

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A pipe without a writer must not block, a terminal must not become ours.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::Absent,
            Errno::EXIST => Self::Exists,
            // What opening a socket, or a device without a driver, says.
            Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP => Self::NotRegular {
                kind: FileKind::Special,
            },
            errno => Self::Io(errno.into()),
        }
    }
}

fn root(inner: &Inner) -> Result<BorrowedFd<'_>, Refused> {
    if let Some(handle) = inner.handle.get() {
        return Ok(handle.as_fd());
    }
    let path = if inner.path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &inner.path
    };
    let opened = fs::open(path, PASS | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(inner.handle.get_or_init(|| opened).as_fd())
}

/// Opens what stands at a path; `flags` say not to follow.
fn resolve(inner: &Inner, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Refused> {
    let root = root(inner)?;
    let path_or_dot = if path.is_empty() { "." } else { path };
    #[cfg(target_os = "linux")]
    if inner.way == super::Way::Best
        && let Some(opened) = kernel::resolve(root, path_or_dot, flags, mode)
    {
        return opened.map_err(|errno| blame(root, path, errno));
    }
    if path.is_empty() {
        return Ok(fs::openat(root, path_or_dot, flags, mode)?);
    }
    by_parts(root, path, flags, mode).map_err(|errno| blame(root, path, errno))
}

/// The way of the kernel, since Linux 5.6.
#[cfg(target_os = "linux")]
mod kernel {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{BorrowedFd, Errno, Mode, OFlags, OwnedFd, fs};

    /// Whether this system has been seen not to know the call.
    static MISSING: AtomicBool = AtomicBool::new(false);

    /// How often a path is tried that is being moved about.
    const TRIES: usize = 64;

    /// Returns nothing where the kernel, or a filter before it, knows no such call.
    pub(super) fn resolve(
        root: BorrowedFd<'_>,
        path: &str,
        flags: OFlags,
        mode: Mode,
    ) -> Option<Result<OwnedFd, Errno>> {
        use rustix::fs::ResolveFlags as R;
        if MISSING.load(Ordering::Relaxed) {
            return None;
        }
        let how = R::BENEATH | R::NO_SYMLINKS | R::NO_MAGICLINKS;
        for _ in 0..TRIES {
            match fs::openat2(root, path, flags, mode, how) {
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS) => {
                    MISSING.store(true, Ordering::Relaxed);
                    return None;
                }
                // Filters of containers refuse what they do not know with this.
                Err(Errno::PERM) => return None,
                result => return Some(result),
            }
        }
        Some(Err(Errno::AGAIN))
    }
}

/// Goes from handle to handle; none is opened through a link.
fn by_parts(root: BorrowedFd<'_>, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut dir: Option<OwnedFd> = None;
    for part in above.split('/').filter(|part| !part.is_empty()) {
        let from = dir.as_ref().map_or(root, OwnedFd::as_fd);
        dir = Some(fs::openat(from, part, PASS | DIRECTORY, Mode::empty())?);
    }
    fs::openat(dir.as_ref().map_or(root, OwnedFd::as_fd), name, flags, mode)
}

/// Says which part of a path is a link or no directory, when that is what went wrong.
fn blame(root: BorrowedFd<'_>, path: &str, errno: Errno) -> Refused {
    // What systems say of a link that must not be followed: the last three are those of BSD systems.
    if !matches!(errno, Errno::LOOP | Errno::NOTDIR | Errno::MLINK | Errno::XDEV) {
        return errno.into();
    }
    let mut dir: Option<OwnedFd> = None;
    let mut at = 0;
    for part in path.split('/') {
        at += part.len() + usize::from(at > 0);
        let from = dir.as_ref().map_or(root, OwnedFd::as_fd);
        let place = || path[..at].to_owned();
        match fs::statat(from, part, AtFlags::SYMLINK_NOFOLLOW).map(|stat| kind(&stat)) {
            Ok(FileKind::Link) => return Refused::Link { at: place() },
            Ok(FileKind::Directory) => {}
            Ok(_) => return Refused::BelowFile { at: place() },
            Err(errno) => return errno.into(),
        }
        match fs::openat(from, part, PASS | DIRECTORY, Mode::empty()) {
            Ok(next) => dir = Some(next),
            Err(errno) => return Refused::Io(errno.into()),
        }
    }
    Refused::Io(errno.into())
}

fn kind_of(kind: FileType) -> FileKind {
    match kind {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Link,
        _ => FileKind::Special,
    }
}

fn kind(stat: &Stat) -> FileKind {
    kind_of(FileType::from_raw_mode(stat.st_mode))
}

fn meta(stat: &Stat) -> Meta {
    Meta {
        kind: kind(stat),
        len: u64::try_from(stat.st_size).unwrap_or(0),
        executable: Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR),
        own: stat.st_uid == rustix::process::geteuid().as_raw()
            && (kind(stat) == FileKind::Directory || stat.st_nlink == 1),
    }
}

pub(super) fn open(inner: &Inner, path: &str) -> Result<(File, Meta), Refused> {
    let file = resolve(inner, path, READ, Mode::empty())?;
    let meta = meta(&fs::fstat(&file)?);
    Ok((File::from(file), meta))
}

pub(super) fn look(inner: &Inner, path: &str) -> Result<Meta, Refused> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name.is_empty() {
        return Ok(meta(&fs::fstat(root(inner)?)?));
    }
    let parent = parent(inner, above)?;
    let from = parent.as_ref().map_or(root(inner)?, OwnedFd::as_fd);
    Ok(meta(&fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?))
}

pub(super) fn trace(inner: &Inner, path: &str) -> Result<(String, Meta), Refused> {
    let stat = beside(inner, path, |dir, name| {
        Ok(fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?)
    })?;
    let text = format!("{} {}.{:09}", stat.st_ino, stat.st_ctime, stat.st_ctime_nsec);
    Ok((text, meta(&stat)))
}

/// Opens the directory above; nothing for the root itself.
fn parent(inner: &Inner, above: &str) -> Result<Option<OwnedFd>, Refused> {
    if above.is_empty() {
        return Ok(None);
    }
    resolve(inner, above, PASS | DIRECTORY, Mode::empty()).map(Some)
}

pub(super) fn list(inner: &Inner, path: &str) -> Result<Listing, Refused> {
    let dir = resolve(inner, path, OFlags::RDONLY | DIRECTORY, Mode::empty())?;
    let mut found = Listing::default();
    each(dir, |dir, name, kind| {
        let kind = match kind {
            FileType::Unknown => kind_of(FileType::from_raw_mode(
                fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode,
            )),
            known => kind_of(known),
        };
        found.add(name.to_str().ok(), name.to_bytes(), kind);
        Ok(())
    })?;
    Ok(found)
}

/// Calls `with` for each name in a directory.
fn each(
    dir: OwnedFd,
    mut with: impl FnMut(BorrowedFd<'_>, &std::ffi::CStr, FileType) -> Result<(), Refused>,
) -> Result<(), Refused> {
    let mut dir = Dir::new(dir)?;
    while let Some(entry) = dir.read() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            match with(dir.fd()?, name, entry.file_type()) {
                Ok(()) | Err(Refused::Absent) => {}
                Err(refused) => return Err(refused),
            }
        }
    }
    Ok(())
}

/// Opens the directory above a path, and does something with it and the last part.
fn beside<T>(
    inner: &Inner,
    path: &str,
    act: impl FnOnce(BorrowedFd<'_>, &str) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    match parent(inner, above)? {
        Some(dir) => act(dir.as_fd(), name),
        None => act(root(inner)?, name),
    }
}

pub(super) fn create_dir(inner: &Inner, path: &str) -> Result<(), Refused> {
    beside(inner, path, |dir, name| {
        Ok(fs::mkdirat(dir, name, Mode::from_raw_mode(0o777))?)
    })
}

pub(super) fn remove_dir(inner: &Inner, path: &str) -> Result<(), Refused> {
    beside(inner, path, |dir, name| {
        Ok(fs::unlinkat(dir, name, AtFlags::REMOVEDIR)?)
    })
}

pub(super) fn remove_file(inner: &Inner, path: &str) -> Result<(), Refused> {
    beside(inner, path, |dir, name| {
        Ok(fs::unlinkat(dir, name, AtFlags::empty())?)
    })
}

pub(super) fn remove_tree(inner: &Inner, path: &str) -> Result<(), Refused> {
    beside(inner, path, |dir, name| {
        let name = std::ffi::CString::new(name).map_err(|_| Refused::Outside)?;
        remove_below(dir, &name, path, walk::MAX_DEPTH)
    })
}

fn remove_below(
    above: BorrowedFd<'_>,
    name: &std::ffi::CStr,
    path: &str,
    depth: usize,
) -> Result<(), Refused> {
    if depth == 0 {
        return Err(Refused::TooDeep { at: path.to_owned() });
    }
    let dir = fs::openat(above, name, OFlags::RDONLY | DIRECTORY, Mode::empty())?;
    each(dir, |dir, inner, kind| {
        let is_dir = match kind {
            FileType::Unknown => {
                FileType::from_raw_mode(fs::statat(dir, inner, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
                    == FileType::Directory
            }
            kind => kind == FileType::Directory,
        };
        if is_dir {
            remove_below(dir, inner, path, depth - 1)
        } else {
            Ok(fs::unlinkat(dir, inner, AtFlags::empty())?)
        }
    })?;
    Ok(fs::unlinkat(above, name, AtFlags::REMOVEDIR)?)
}

pub(super) fn make_private(inner: &Inner, path: &str) -> Result<(), Refused> {
    let dir = resolve(inner, path, OFlags::RDONLY | DIRECTORY, Mode::empty())?;
    Ok(fs::fchmod(&dir, Mode::RWXU)?)
}

pub(super) fn rename(inner: &Inner, from: &str, to: &str) -> Result<(), Refused> {
    beside(inner, from, |from_dir, from| {
        beside(inner, to, |to_dir, to| {
            Ok(fs::renameat(from_dir, from, to_dir, to)?)
        })
    })
}

pub(super) fn copy_mode(inner: &Inner, from: &str, to: &str) -> Result<(), Refused> {
    let stat_of = |path: &str| {
        let file = resolve(inner, path, READ, Mode::empty())?;
        let stat = fs::fstat(&file)?;
        super::regular(meta(&stat), path)?;
        Ok::<_, Refused>((file, stat))
    };
    let (_, old) = stat_of(from)?;
    let (file, new) = stat_of(to)?;
    keep_owner_and_mode(file.as_fd(), &new, &old)
}

/// Gives a new file the owner, the group and the mode of an old one. Where the system does not let us give it the group,
/// the group that it has gets no more than everybody.
fn keep_owner_and_mode(file: BorrowedFd<'_>, new: &Stat, old: &Stat) -> Result<(), Refused> {
    let mut mode = Mode::from_raw_mode(old.st_mode) & Mode::from_raw_mode(0o777);
    if !keep_owner(file, new, old) {
        let everybody = Mode::from_raw_mode((mode.as_raw_mode() & 0o007) << 3);
        mode &= everybody | Mode::RWXU | Mode::RWXO;
    }
    Ok(fs::fchmod(file, mode)?)
}

/// Gives a new file the owner and the group of an old one where the system lets us: with `sudo`, a person's file stays the
/// person's. Returns whether it has the group.
fn keep_owner(file: BorrowedFd<'_>, new: &Stat, old: &Stat) -> bool {
    let owner = Some(fs::Uid::from_raw(old.st_uid));
    let group = Some(fs::Gid::from_raw(old.st_gid));
    (new.st_uid, new.st_gid) == (old.st_uid, old.st_gid)
        || fs::fchown(file, owner, group).is_ok()
        || new.st_gid == old.st_gid
        || fs::fchown(file, None, group).is_ok()
}

pub(super) fn lock_file(inner: &Inner, path: &str) -> Result<File, Refused> {
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::NOFOLLOW
        | OFlags::CLOEXEC;
    let file = resolve(inner, path, flags, Mode::from_raw_mode(0o666))?;
    super::regular(meta(&fs::fstat(&file)?), path)?;
    Ok(File::from(file))
}

/// A file beside its target, removed unless it takes the target's place.
struct Draft<'a> {
    dir: BorrowedFd<'a>,
    name: String,
    moved: bool,
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.moved {
            let _ = fs::unlinkat(self.dir, &self.name, AtFlags::empty());
        }
    }
}

pub(super) fn write(
    inner: &Inner,
    path: &str,
    bytes: &[u8],
    access: Access,
    new: bool,
) -> Result<(), Refused> {
    beside(inner, path, |dir, name| {
        write_in(dir, name.as_ref(), path, bytes, access, new)
    })
}

/// Replaces a file that is no link, wherever it lies.
pub(super) fn write_named(target: &Path, bytes: &[u8], access: Access) -> Result<(), Refused> {
    let name = target.file_name().ok_or(Refused::Outside)?;
    let above = target.parent().filter(|above| !above.as_os_str().is_empty());
    let flags = PASS | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = fs::open(above.unwrap_or(Path::new(".")), flags, Mode::empty())?;
    if let Ok(list) = fs::openat(&dir, ".", OFlags::RDONLY | DIRECTORY, Mode::empty()) {
        let _ = remove_drafts_in(list);
    }
    let shown = target.display().to_string();
    write_in(dir.as_fd(), name, &shown, bytes, access, false)
}

/// Writes a draft and moves it to its place. `path` is what is said of the file.
fn write_in(
    dir: BorrowedFd<'_>,
    name: &OsStr,
    path: &str,
    bytes: &[u8],
    access: Access,
    new: bool,
) -> Result<(), Refused> {
    let old = match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) if new => return Err(Refused::Exists),
        Ok(stat) => {
            super::regular(meta(&stat), path)?;
            Some(stat)
        }
        Err(Errno::NOENT) => None,
        Err(errno) => return Err(errno.into()),
    };
    // Whoever may read the file in the end may read it at once; nobody else may at any time.
    let everybody = old.is_none() && access == Access::Kept;
    let mode = Mode::from_raw_mode(if everybody { 0o666 } else { 0o600 });
    let (mut file, mut draft) = draft(dir, mode)?;
    file.write_all(bytes)?;
    if let Some(old) = &old {
        let now = fs::fstat(&file)?;
        match access {
            Access::Kept => keep_owner_and_mode(file.as_fd(), &now, old)?,
            Access::Private => drop(keep_owner(file.as_fd(), &now, old)),
        }
    }
    if new {
        draft.moved = place_new(dir, &draft.name, name)?;
    } else {
        fs::renameat(dir, &draft.name, dir, name)?;
        draft.moved = true;
    }
    Ok(())
}

/// Makes an empty file under a name that nobody has. As long as it is open, it is locked: so a draft that nobody works on
/// any more is known.
fn draft(dir: BorrowedFd<'_>, mode: Mode) -> Result<(File, Draft<'_>), Refused> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    loop {
        let name = super::draft_name()?;
        match fs::openat(dir, &name, flags, mode) {
            Ok(file) => {
                let (file, moved) = (File::from(file), false);
                let draft = Draft { dir, name, moved };
                // Somebody who looks for old drafts may have been quicker. A system that knows no locks removes none.
                if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
                    return Ok((file, draft));
                }
            }
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

pub(super) fn remove_drafts(inner: &Inner, path: &str) -> Result<(), Refused> {
    remove_drafts_in(resolve(inner, path, OFlags::RDONLY | DIRECTORY, Mode::empty())?)
}

/// Removes the drafts in a directory that nobody works on.
fn remove_drafts_in(dir: OwnedFd) -> Result<(), Refused> {
    each(dir, |dir, name, _| {
        if !name.to_str().is_ok_and(super::is_draft) {
            return Ok(());
        }
        // One of another user stays, and what is no file.
        let Ok(file) = fs::openat(dir, name, READ, Mode::empty()) else {
            return Ok(());
        };
        let meta = meta(&fs::fstat(&file)?);
        let file = File::from(file);
        if meta.kind == FileKind::File && meta.own && file.try_lock().is_ok() {
            let _ = fs::unlinkat(dir, name, AtFlags::empty());
        }
        Ok(())
    })
}

/// Moves the draft to a name that must be free. Returns whether the draft's own name is gone.
fn place_new(dir: BorrowedFd<'_>, draft: &str, name: &OsStr) -> Result<bool, Refused> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    match fs::renameat_with(dir, draft, dir, name, fs::RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(true),
        Err(Errno::NOSYS | Errno::INVAL | Errno::PERM | Errno::NOTSUP) => {}
        Err(errno) => return Err(errno.into()),
    }
    match fs::linkat(dir, draft, dir, name, AtFlags::empty()) {
        Ok(()) => Ok(false),
        // A file system without hard links: nobody has taken the name a moment ago.
        Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS) => {
            fs::renameat(dir, draft, dir, name)?;
            Ok(true)
        }
        Err(errno) => Err(errno.into()),
    }
}
