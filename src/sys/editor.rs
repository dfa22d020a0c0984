//! Running somebody's editor on a file that must not outlive it.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

use super::scratch::Scratch;

/// Editors of the vi family that take `-n` and `-i NONE`: no swap file, no history of what was typed and copied.
const VIM: [&str; 4] = ["vim", "nvim", "vimx", "gvim"];

/// An editor, with the directory for its file and whatever it writes beside. The directory is wiped when this is
/// dropped, before we end because we are told to, and by a second process when we end without notice.
#[derive(Debug)]
pub struct Editor {
    command: Vec<String>,
    scratch: Scratch,
    #[cfg(unix)]
    watch: watch::Watch,
    // The last to go: by then the directory is wiped.
    #[cfg(unix)]
    _guard: Option<super::guard::Guard>,
}

impl Editor {
    /// Takes a command and a directory over. From now on signals are watched: an interrupt from the keyboard is the
    /// editor's business while it runs; any other signal that would end us, and one at another time, wipes the directory
    /// first. `guard` is the command of the second process; see [`super::guard`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new(command: Vec<String>, scratch: Scratch, guard: Option<Command>) -> io::Result<Self> {
        #[cfg(not(unix))]
        drop(guard);
        Ok(Self {
            command,
            #[cfg(unix)]
            watch: watch::Watch::new(scratch.path().to_path_buf())?,
            // What it is there for may never happen: the edit goes on without it.
            #[cfg(unix)]
            _guard: guard.and_then(|guard| super::guard::Guard::start(guard, scratch.path()).ok()),
            scratch,
        })
    }

    /// Returns the directory.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Runs the editor on a file until it ends. Its temporary files are sent into the directory as well.
    ///
    /// # Errors
    /// When the command is empty or cannot be started, and when we were told to end.
    pub fn run(&self, file: &Path) -> io::Result<ExitStatus> {
        let (program, arguments) = self
            .command
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
        editor.arg(file).env("TMPDIR", self.scratch.path());
        #[cfg(unix)]
        return self.watch.run(&mut editor);
        #[cfg(not(unix))]
        return editor.status();
    }
}

#[cfg(unix)]
mod watch {
    use std::io;
    use std::path::PathBuf;
    use std::process::{Command, ExitStatus};
    use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
    use std::thread::JoinHandle;

    use rustix::process::{Pid, Signal, getpid, kill_process};
    use signal_hook::consts::{
        SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGURG,
        SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
    };
    use signal_hook::iterator::{Handle, Signals};
    use signal_hook::low_level::emulate_default_handler;

    use super::super::scratch;

    /// The signals of POSIX that end a process that does nothing about them. Those that are left out: KILL, which no process
    /// can watch; SEGV, ILL and FPE, which `signal-hook` leaves to crashes; PIPE, which Rust ignores.
    const ENDING: [i32; 16] = [
        SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGUSR1,
        SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
    ];

    /// Those of Linux (`signal(7)`): STKFLT, PWR, and the real-time signals that no C library keeps for itself.
    #[cfg(target_os = "linux")]
    fn more() -> impl Iterator<Item = i32> {
        [16, 30].into_iter().chain(35..=64)
    }

    #[cfg(not(target_os = "linux"))]
    fn more() -> impl Iterator<Item = i32> {
        std::iter::empty()
    }

    /// What the thread that watches must know.
    #[derive(Debug, Default)]
    struct State {
        /// The editor that runs.
        editor: Option<Pid>,
        /// Whether we were told to end.
        told: bool,
        /// Whether all signals that came before the last [`CAUGHT_UP`] are dealt with.
        caught_up: bool,
    }

    /// What we send ourselves to learn that the thread has heard all that came before. Ends nobody by default.
    const CAUGHT_UP: i32 = SIGURG;

    impl State {
        fn is_of_the_editor(&self, signal: i32) -> bool {
            matches!(signal, SIGINT | SIGQUIT) && self.editor.is_some()
        }
    }

    #[derive(Debug, Default)]
    struct Shared {
        state: Mutex<State>,
        changed: Condvar,
    }

    impl Shared {
        fn lock(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Deals with a signal, in the thread that watches.
        fn hear(&self, signal: i32, dir: &std::path::Path) {
            let mut state = self.lock();
            if state.is_of_the_editor(signal) {
                return;
            }
            state.told = true;
            if let Some(editor) = state.editor {
                let _ = kill_process(editor, Signal::TERM);
            }
            scratch::wipe_away(dir);
            // Of the signals of Linux it knows none.
            let _ = emulate_default_handler(signal).or_else(|_| emulate_default_handler(SIGTERM));
        }
    }

    /// A thread that waits for signals as long as there is plaintext on a file system.
    #[derive(Debug)]
    pub(super) struct Watch {
        shared: Arc<Shared>,
        handle: Handle,
        thread: Option<JoinHandle<()>>,
    }

    impl Watch {
        pub(super) fn new(dir: PathBuf) -> io::Result<Self> {
            let mut signals = Signals::new(ENDING)?;
            let handle = signals.handle();
            handle.add_signal(CAUGHT_UP)?;
            for signal in more() {
                // A system that has none of this number sends none.
                let _ = handle.add_signal(signal);
            }
            let shared = Arc::new(Shared::default());
            let in_thread = Arc::clone(&shared);
            let thread = std::thread::spawn(move || {
                while !signals.handle().is_closed() {
                    let heard: Vec<i32> = signals.wait().collect();
                    // A look goes from number to number: what came before the last of them may have been overlooked.
                    let rest: Vec<i32> = if heard.contains(&CAUGHT_UP) {
                        signals.pending().collect()
                    } else {
                        Vec::new()
                    };
                    let all = heard.iter().chain(&rest);
                    all.filter(|signal| **signal != CAUGHT_UP)
                        .for_each(|signal| in_thread.hear(*signal, &dir));
                    if heard.contains(&CAUGHT_UP) {
                        in_thread.lock().caught_up = true;
                        in_thread.changed.notify_all();
                    }
                }
            });
            Ok(Self {
                shared,
                handle,
                thread: Some(thread),
            })
        }

        pub(super) fn run(&self, editor: &mut Command) -> io::Result<ExitStatus> {
            let mut child = {
                let mut state = self.shared.lock();
                let child = editor.spawn()?;
                state.editor = Some(Pid::from_child(&child));
                child
            };
            let status = child.wait();
            self.catch_up();
            let mut state = self.shared.lock();
            state.editor = None;
            if state.told {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "we were told to end"));
            }
            status
        }

        /// Waits until the thread has dealt with every signal that came until now: an interrupt of the editor's time is
        /// the editor's, however late it is heard of.
        fn catch_up(&self) {
            self.shared.lock().caught_up = false;
            if kill_process(getpid(), Signal::URG).is_ok() {
                let state = self.shared.lock();
                let caught_up = self.shared.changed.wait_while(state, |state| !state.caught_up);
                drop(caught_up);
            }
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            self.handle.close();
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_interrupt_is_the_editors_while_it_runs_and_ours_after() {
            let mut state = State::default();
            assert!(!state.is_of_the_editor(SIGINT));
            state.editor = Pid::from_raw(1);
            assert!(state.is_of_the_editor(SIGINT) && state.is_of_the_editor(SIGQUIT));
            assert!(!state.is_of_the_editor(SIGHUP) && !state.is_of_the_editor(SIGTERM));
        }
    }
}
