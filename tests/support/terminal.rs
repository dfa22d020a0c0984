//! The real binary on a terminal, with somebody who reads and types.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::Repo;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run on a terminal.
pub(crate) struct Terminal {
    child: Child,
    screen: File,
    shown: Receiver<Vec<u8>>,
    text: Vec<u8>,
    /// How much of the text was waited for.
    read: usize,
}

impl Terminal {
    /// Runs the binary, with nothing of the caller's environment but the path.
    pub(crate) fn run(repo: &Repo, args: &[&str], env: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a terminal");
        pty.resize(pty_process::Size::new(50, 200)).expect("resized");
        let command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_clusterwright"))
            .args(args)
            .current_dir(repo.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a path"))
            .env("TERM", "dumb")
            .envs(env.iter().copied());
        let child = command.spawn(pts).expect("the binary starts");
        let screen = File::from(pty.as_fd().try_clone_to_owned().expect("cloned"));
        let (say, shown) = channel();
        std::thread::spawn(move || {
            let mut pty = pty;
            let mut bytes = [0; 4096];
            // The end of the last program on a terminal is an error on Linux.
            while let Ok(count @ 1..) = pty.read(&mut bytes) {
                if say.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            screen,
            shown,
            text: Vec::new(),
            read: 0,
        }
    }

    /// Everything that was shown so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// Waits until a text is shown, after the one that was waited for last.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let new = &self.text[self.read..];
            if let Some(at) = new.windows(text.len()).position(|found| found == text.as_bytes()) {
                self.read += at + text.len();
                return;
            }
            match self
                .shown
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(bytes) => self.text.extend(bytes),
                Err(error) => panic!("{error}, and {text:?} was not shown after:\n{}", self.text()),
            }
        }
    }

    /// Waits until the terminal does not show what is typed.
    #[track_caller]
    pub(crate) fn expect_hidden(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let modes = rustix::termios::tcgetattr(&self.screen)
                .expect("a terminal")
                .local_modes;
            if !modes.contains(rustix::termios::LocalModes::ECHO) {
                return;
            }
            assert!(Instant::now() < deadline, "what is typed is shown");
            std::thread::yield_now();
        }
    }

    /// Types a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.screen
            .write_all(format!("{line}\n").as_bytes())
            .expect("typed");
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&mut self) {
        self.screen.write_all(b"\x03").expect("typed");
    }

    /// Waits for the end; returns the exit code (-1 after a signal) and everything that was shown.
    pub(crate) fn end(mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(bytes) = self
            .shown
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.text.extend(bytes);
        }
        let text = self.text();
        assert!(Instant::now() < deadline, "it does not end after:\n{text}");
        let status = self.child.wait().expect("it ends");
        (status.code().unwrap_or(-1), text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
