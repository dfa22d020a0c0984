//! Running somebody's editor on a file that must not outlive it.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use super::scratch::Scratch;

/// Editors of the vi family that take `-n` and `-i NONE`: no swap file, no history of what was typed and copied.
const VIM: [&str; 4] = ["vim", "nvim", "vimx", "gvim"];

/// Runs an editor on a file of a scratch directory, until it ends.
///
/// Its temporary files are sent into the directory as well. While it runs, an interrupt from the keyboard is the
/// editor's business; when we are told to end, the directory is wiped and the editor ended first.
///
/// # Errors
/// When the command is empty or cannot be started.
pub fn run(command: &[String], file: &Path, scratch: &Arc<Scratch>) -> io::Result<ExitStatus> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no command"))?;
    let mut editor = Command::new(program);
    editor.args(arguments);
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if VIM.contains(&name) {
        editor.args(["-n", "-i", "NONE", "-c", "set noundofile nobackup nowritebackup"]);
    }
    editor.arg(file).env("TMPDIR", scratch.path());
    wait(&mut editor, scratch)
}

#[cfg(unix)]
fn wait(editor: &mut Command, scratch: &Arc<Scratch>) -> io::Result<ExitStatus> {
    use std::sync::atomic::{AtomicBool, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    let mut child = editor.spawn()?;
    let pid = rustix::process::Pid::from_child(&child);
    let ours = Arc::clone(scratch);
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    let watch = std::thread::spawn(move || {
        for signal in &mut signals {
            if matches!(signal, SIGINT | SIGQUIT) {
                continue;
            }
            tell.store(true, Ordering::SeqCst);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            ours.wipe();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    let status = child.wait();
    handle.close();
    let _ = watch.join();
    if told.load(Ordering::SeqCst) {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "we were told to end"));
    }
    status
}

#[cfg(not(unix))]
fn wait(editor: &mut Command, _: &Arc<Scratch>) -> io::Result<ExitStatus> {
    editor.status()
}
