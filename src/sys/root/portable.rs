//! Without handles: every part of a path is looked at before it is used. Somebody who swaps a directory for a link in
//! between is not held off; whoever can do that on such a system can write there anyway.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Access, FileKind, Inner, Listing, Meta, Refused};

fn of_io(error: io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::NotFound => Refused::Absent,
        io::ErrorKind::AlreadyExists => Refused::Exists,
        _ => Refused::Io(error),
    }
}

fn kind(kind: fs::FileType) -> FileKind {
    if kind.is_symlink() {
        FileKind::Link
    } else if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_file() {
        FileKind::File
    } else {
        FileKind::Special
    }
}

fn meta(found: &fs::Metadata) -> Meta {
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o100 != 0;
    #[cfg(not(unix))]
    let executable = false;
    #[cfg(unix)]
    let own = {
        use std::os::unix::fs::MetadataExt as _;
        found.uid() == rustix::process::geteuid().as_raw() && (found.is_dir() || found.nlink() == 1)
    };
    #[cfg(not(unix))]
    let own = true;
    Meta {
        kind: kind(found.file_type()),
        len: found.len(),
        executable,
        own,
    }
}

/// Returns the full path, after a look at every part above the last.
fn full(inner: &Inner, path: &str) -> Result<PathBuf, Refused> {
    let mut full = inner.path.clone();
    for (at, _) in path.match_indices('/') {
        let at = &path[..at];
        let part = at.rsplit('/').next().unwrap_or(at);
        full.push(part);
        let found = fs::symlink_metadata(&full).map_err(of_io)?;
        let at = at.to_owned();
        match kind(found.file_type()) {
            FileKind::Directory => {}
            FileKind::Link => return Err(Refused::Link { at }),
            _ => return Err(Refused::BelowFile { at }),
        }
    }
    full.push(path.rsplit('/').next().unwrap_or(path));
    Ok(full)
}

/// Returns the full path of a directory that is there.
fn directory(inner: &Inner, path: &str) -> Result<PathBuf, Refused> {
    if path.is_empty() {
        return Ok(inner.path.clone());
    }
    let at = path.to_owned();
    match look(inner, path)?.kind {
        FileKind::Directory => full(inner, path),
        FileKind::Link => Err(Refused::Link { at }),
        _ => Err(Refused::BelowFile { at }),
    }
}

pub(super) fn open(inner: &Inner, path: &str) -> Result<(File, Meta), Refused> {
    super::regular(look(inner, path)?, path)?;
    let file = File::open(full(inner, path)?).map_err(of_io)?;
    let meta = meta(&file.metadata()?);
    Ok((file, meta))
}

pub(super) fn look(inner: &Inner, path: &str) -> Result<Meta, Refused> {
    if path.is_empty() {
        return fs::metadata(&inner.path).map(|found| meta(&found)).map_err(of_io);
    }
    let found = fs::symlink_metadata(full(inner, path)?);
    found.map(|found| meta(&found)).map_err(of_io)
}

pub(super) fn trace(inner: &Inner, path: &str) -> Result<(String, Meta), Refused> {
    let found = fs::symlink_metadata(full(inner, path)?).map_err(of_io)?;
    let made = found.created().ok();
    let since = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    let text = format!("0 {}", since.map_or(0, |since| since.as_nanos()));
    Ok((text, meta(&found)))
}

pub(super) fn list(inner: &Inner, path: &str) -> Result<Listing, Refused> {
    let mut found = Listing::default();
    for entry in fs::read_dir(directory(inner, path)?).map_err(of_io)? {
        let entry = entry?;
        if let Ok(found_kind) = entry.file_type() {
            let name = entry.file_name();
            found.add(name.to_str(), name.as_encoded_bytes(), kind(found_kind));
        }
    }
    Ok(found)
}

pub(super) fn create_dir(inner: &Inner, path: &str) -> Result<(), Refused> {
    fs::create_dir(full(inner, path)?).map_err(of_io)
}

pub(super) fn remove_dir(inner: &Inner, path: &str) -> Result<(), Refused> {
    fs::remove_dir(full(inner, path)?).map_err(of_io)
}

pub(super) fn remove_file(inner: &Inner, path: &str) -> Result<(), Refused> {
    fs::remove_file(full(inner, path)?).map_err(of_io)
}

pub(super) fn remove_tree(inner: &Inner, path: &str) -> Result<(), Refused> {
    fs::remove_dir_all(directory(inner, path)?).map_err(of_io)
}

pub(super) fn make_private(inner: &Inner, path: &str) -> Result<(), Refused> {
    let dir = directory(inner, path)?;
    #[cfg(unix)]
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    #[cfg(not(unix))]
    drop(dir);
    Ok(())
}

pub(super) fn rename(inner: &Inner, from: &str, to: &str) -> Result<(), Refused> {
    fs::rename(full(inner, from)?, full(inner, to)?).map_err(of_io)
}

pub(super) fn copy_mode(inner: &Inner, from: &str, to: &str) -> Result<(), Refused> {
    super::regular(look(inner, from)?, from)?;
    super::regular(look(inner, to)?, to)?;
    let mode = fs::metadata(full(inner, from)?).map_err(of_io)?.permissions();
    fs::set_permissions(full(inner, to)?, mode).map_err(of_io)
}

pub(super) fn lock_file(inner: &Inner, path: &str) -> Result<File, Refused> {
    match look(inner, path) {
        Ok(found) => super::regular(found, path)?,
        Err(Refused::Absent) => {}
        Err(refused) => return Err(refused),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(full(inner, path)?).map_err(of_io)
}

pub(super) fn write(
    inner: &Inner,
    path: &str,
    bytes: &[u8],
    access: Access,
    new: bool,
) -> Result<(), Refused> {
    write_at(&full(inner, path)?, path, bytes, access, new)
}

/// Replaces a file that is no link, wherever it lies.
#[cfg(not(unix))]
pub(super) fn write_named(target: &Path, bytes: &[u8], access: Access) -> Result<(), Refused> {
    write_at(target, &target.display().to_string(), bytes, access, false)
}

/// Drafts are not locked here, so nobody knows which are left over.
#[allow(clippy::unnecessary_wraps, reason = "others may fail")]
pub(super) fn remove_drafts(_: &Inner, _: &str) -> Result<(), Refused> {
    Ok(())
}

fn write_at(target: &Path, path: &str, bytes: &[u8], access: Access, new: bool) -> Result<(), Refused> {
    let old = match fs::symlink_metadata(target) {
        Ok(_) if new => return Err(Refused::Exists),
        Ok(found) => {
            super::regular(meta(&found), path)?;
            Some(found.permissions())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(of_io(error)),
    };
    let draft = target.with_file_name(super::draft_name()?);
    let moved = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if old.is_some() || access == Access::Private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        options.open(&draft).map_err(of_io)?.write_all(bytes)?;
        if let (Some(old), Access::Kept) = (old, access) {
            fs::set_permissions(&draft, old)?;
        }
        if new {
            fs::hard_link(&draft, target).map_err(of_io)?;
            return Ok(false);
        }
        fs::rename(&draft, target).map_err(of_io)?;
        Ok(true)
    })();
    if !matches!(moved, Ok(true)) {
        let _ = fs::remove_file(&draft);
    }
    moved.map(|_| ())
}
