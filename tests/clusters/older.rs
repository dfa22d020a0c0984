//! Repositories that an earlier clusterwright configured: the next run takes them over without an error and without a
//! question, and nothing of a person's is lost.
//!
//! A fixture is what was committed then, `==> path` before each file; `cluster.yaml` and the private files are those of
//! [`Repo::with`]. A new one is made when the tree changes in a way that needs care; the old ones stay.

use crate::support::{EVERYTHING, GITIGNORE, MINIMAL, Repo};

const NOVEMBER_MINIMAL: &str = include_str!("../fixtures/repositories/2026-11-minimal.txt");
const NOVEMBER_EVERYTHING: &str = include_str!("../fixtures/repositories/2026-11-everything.txt");

/// A file with an edit by hand, and the line that was added.
const EDITED: &str = "kubernetes/apps/network/cloudflare-dns/app/helmrelease.yaml";
const EDIT: &str = "# checked by hand\n";

/// The repository as it was, committed where there is git, with one edit in it.
fn older(config: &str, fixture: &str) -> Repo {
    let repo = Repo::with(config);
    repo.write(".gitignore", GITIGNORE);
    let (first, rest) = fixture.split_at("==> ".len());
    assert_eq!(first, "==> ");
    for file in rest.split("\n==> ") {
        let (path, text) = file.split_once('\n').expect("a path");
        repo.write(path, &format!("{}\n", text.trim_end_matches('\n')));
    }
    repo.git(&["init", "-q"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "as it was"]);
    let edited = format!("{EDIT}{}", repo.read(EDITED));
    repo.write(EDITED, &edited);
    repo
}

fn is_taken_over(config: &str, fixture: &str) {
    let repo = older(config, fixture);
    let before = repo.files();
    repo.ok(&["configure", "--yes"]);
    let after = repo.files();
    let sealed = || {
        before
            .iter()
            .filter(|(path, _)| path.ends_with(".sops.yaml") && *path != ".sops.yaml")
    };
    assert!(sealed().count() > 3, "the fixture has sealed files");
    for (path, bytes) in sealed() {
        assert!(after.get(path) == Some(bytes), "{path}: no secret is sealed anew");
    }
    for (path, bytes) in before.iter().filter(|(path, _)| !path.contains('/')) {
        let rendered = [".sops.yaml", "clusterwright.lock"].contains(&path.as_str());
        assert!(rendered || after.get(path) == Some(bytes), "{path} is a person's");
    }
    assert!(repo.read(EDITED).starts_with(EDIT), "the edit stays");
    assert!(
        repo.read(EDITED).contains("txtOwnerId: \"default\"")
            || repo.read(EDITED).contains("txtOwnerId: default")
    );
    let run = repo.ok(&["configure", "--check"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);
}

#[test]
fn a_minimal_cluster_of_november() {
    is_taken_over(MINIMAL, NOVEMBER_MINIMAL);
}

#[test]
fn everything_of_november() {
    is_taken_over(EVERYTHING, NOVEMBER_EVERYTHING);
}
