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
    let status = repo.git(&["-C", "there/demo", "status", "--porcelain"]);
    assert_eq!(status, "");
    let tracked = repo.git(&["-C", "there/demo", "ls-files"]);
    for private in ["cluster.yaml"].into_iter().chain(PRIVATE) {
        assert!(
            !tracked.lines().any(|file| file == private),
            "{private} is committed"
        );
    }
    repo.git(&["-C", "there/demo", "fsck", "--strict"]);
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

#[cfg(unix)]
#[test]
fn a_link_on_the_way_is_refused_and_one_that_is_named_is_not() {
    let (repo, elsewhere) = (Repo::empty(), Repo::empty());
    std::os::unix::fs::symlink(elsewhere.root(), repo.path("sub")).expect("linked");
    for dir in ["sub", "sub/demo", "./sub/demo"] {
        let run = repo.fails(&["demo", dir]);
        assert!(run.stderr.contains("path/link"), "{dir}: {}", run.stderr);
    }
    assert_eq!(std::fs::read_dir(elsewhere.root()).expect("there").count(), 0);
    let named = repo.path("sub/demo");
    repo.ok(&["demo", named.to_str().expect("text")]);
    assert!(elsewhere.path("demo/cluster.yaml").is_file());
}
