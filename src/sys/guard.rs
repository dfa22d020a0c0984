//! A second process that waits for ours to be over and then wipes a directory: after a `kill -9`, a crash or a panic, which
//! leave a process no time to do so.

use std::io::{self, Read, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::scratch;

/// Longest path that is taken, in bytes: that of Linux.
const MAX_PATH: u64 = 4096;

/// The process. Let go when dropped; whoever drops it has wiped the directory.
#[derive(Debug)]
pub struct Guard {
    child: Child,
}

impl Guard {
    /// Starts the process: a command that calls [`wait`] with its standard input. It is told the directory there, and that we
    /// are over by the end of the input, which the system brings about however we end. It stands in a process group of its own,
    /// for what is sent to ours, as by a terminal, is not meant for it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start(mut command: Command, dir: &Path) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()?;
        if let Some(input) = &mut child.stdin {
            input.write_all(dir.as_os_str().as_bytes())?;
        }
        Ok(Self { child })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Waits for the end of the input, and wipes and removes the directory that it names, if that is still there and one of
/// [`scratch::Scratch`].
///
/// # Errors
/// When the input cannot be read.
pub fn wait(input: impl Read) -> io::Result<()> {
    let mut path = Vec::new();
    input.take(MAX_PATH).read_to_end(&mut path)?;
    let dir = PathBuf::from(std::ffi::OsString::from_vec(path));
    if scratch::is_one(&dir) {
        scratch::wipe_away(&dir);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_for_clear_text_is_wiped() {
        let place = tempfile::tempdir().unwrap();
        let scratch = scratch::Scratch::in_dir(place.path()).unwrap();
        scratch.file("x.yaml", b"secret").unwrap();
        let mine = place.path().join("mine");
        std::fs::create_dir(&mine).unwrap();
        std::fs::write(mine.join("x"), "kept").unwrap();
        let link = place.path().join("clusterwright-link");
        std::os::unix::fs::symlink(&mine, &link).unwrap();
        let open = place.path().join("clusterwright-open");
        std::fs::create_dir(&open).unwrap();
        for dir in [&mine, &link, &open, &place.path().join("clusterwright-none")] {
            wait(dir.as_os_str().as_bytes()).unwrap();
        }
        assert!(mine.join("x").exists() && link.exists() && open.exists());
        assert!(scratch.path().join("x.yaml").exists());
        wait(scratch.path().as_os_str().as_bytes()).unwrap();
        assert!(!scratch.path().exists());
    }

    #[test]
    fn it_is_over_when_it_is_let_go() {
        let place = tempfile::tempdir().unwrap();
        let heard = place.path().join("heard");
        let mut command = Command::new("sh");
        command.args(["-c", "cat > \"$0\""]).arg(&heard);
        drop(Guard::start(command, Path::new("/a/b")).unwrap());
        assert_eq!(std::fs::read_to_string(&heard).unwrap(), "/a/b");
    }
}
