//! No command leaves a core dump, nor do the programs that it starts.
#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

use crate::support::{MINIMAL, Repo};

/// Commands that see secrets.
const COMMANDS: [&[&str]; 7] = [
    &["configure", "--dry-run"],
    &["validate"],
    &["diff"],
    &["render"],
    &["check"],
    &["secrets", "encrypt", "cluster.yaml"],
    &["secrets", "explain", "cluster.yaml"],
];

/// Runs a command where core dumps are welcome. It starts a shell script, as the program that gives the keys.
fn run(repo: &Repo, args: &[&str], script: &str) -> ExitStatus {
    repo.write("keys.sh", script);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited 2>&-; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_clusterwright")).args(args);
    command
        .current_dir(repo.root())
        .env("SOPS_AGE_KEY_CMD", "sh keys.sh");
    command.output().expect("a shell").status
}

fn repo() -> Repo {
    let repo = Repo::with(MINIMAL);
    std::fs::rename(repo.path("age.key"), repo.path("keys")).expect("moved");
    repo
}

#[test]
fn the_limit_is_set_in_every_command_and_handed_down() {
    for args in COMMANDS {
        let repo = repo();
        let status = run(
            &repo,
            args,
            "grep core /proc/$PPID/limits > limits; ulimit -c > handed-down; cat keys",
        );
        assert!(
            repo.path("limits").exists(),
            "{args:?} asks for the key: {status}"
        );
        let limits = repo.read("limits");
        let words: Vec<&str> = limits.split_whitespace().collect();
        assert_eq!(&words[4..6], ["1", "1"], "{args:?}: {limits}");
        assert_eq!(repo.read("handed-down"), "0\n", "less than a block");
    }
}

#[test]
fn a_crash_leaves_no_dump() {
    let repo = repo();
    let status = run(&repo, COMMANDS[0], "kill -ABRT $PPID");
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
}
