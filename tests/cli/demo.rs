//! The first README command.

use crate::support::{PRIVATE, Repo};

#[test]
fn the_demo_is_a_clean_repository_in_which_nothing_is_left_to_do() {
    let repo = Repo::empty();
    let run = repo.ok(&["demo", "there/demo"]);
    assert!(run.stderr.contains("Next steps"), "{}", run.stderr);
    assert!(
        run.stdout.contains("monitoring/loki"),
        "a summary by app: {}",
        run.stdout
    );
    let again = repo.ok(&["-C", "there/demo", "configure", "--yes"]);
    assert!(again.stdout.contains("Nothing changes"), "{}", again.stdout);
    if let Some(status) = repo.git(&["-C", "there/demo", "status", "--porcelain"]) {
        assert_eq!(status, "");
        let tracked = repo.git(&["-C", "there/demo", "ls-files"]).expect("git is there");
        for private in ["cluster.yaml"].into_iter().chain(PRIVATE) {
            assert!(
                !tracked.lines().any(|file| file == private),
                "{private} is committed"
            );
        }
        repo.git(&["-C", "there/demo", "fsck", "--strict"]);
    }
    repo.fails(&["demo", "there/demo"]);
}

#[cfg(unix)]
#[test]
fn private_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let repo = Repo::empty();
    repo.ok(&["demo", "d"]);
    for file in ["cluster.yaml"].into_iter().chain(PRIVATE) {
        let mode = std::fs::metadata(repo.path("d").join(file))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
