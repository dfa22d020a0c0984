//! A run in one repository, as commands ask it: what it reads and renders once.

use std::rc::Rc;
use std::sync::Arc;

use clusterwright::diag::{Diagnostics, concise};
use clusterwright::diff::ChangeKind;
use clusterwright::pipeline::{Run, World};
use clusterwright::sys::OsEntropy;
use clusterwright::sys::root::Root;
use clusterwright::world::keyring::Sources;
use clusterwright::world::{Choices, Side};

use super::world::path;
use crate::support::{GITIGNORE, MINIMAL, Repo};

const ON: &str = "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: true\nlogs_retention: 7d\n";
const LOKI: &str = "kubernetes/apps/monitoring/loki/app/helmrelease.yaml";
const TALENV: &str = "talos/talenv.yaml";
const UPGRADE: &str = "kubernetes/apps/system-upgrade/tuppr/upgrades/kubernetesupgrade.yaml";

/// A repository in which an edit and a changed key contradict each other.
fn contradicted() -> Repo {
    let repo = Repo::with(&format!("{ON}{MINIMAL}"));
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "x"]);
    repo.edit(LOKI, "retention_period: \"7d\"", "retention_period: \"8d\"");
    repo.edit("cluster.yaml", "logs_retention: 7d", "logs_retention: 14d");
    repo
}

/// Gives a run over a repository, and afterwards what it reported.
fn with_run(repo: &Repo, act: impl FnOnce(&mut Run<'_>)) -> Vec<String> {
    let (mut entropy, mut diags) = (OsEntropy, Diagnostics::default());
    let mut world = World {
        root: Root::new(repo.root()),
        sources: Sources::default(),
        prompt: Arc::new(sops::Nobody),
        entropy: &mut entropy,
    };
    let done = {
        let run = &mut Run::new(&mut world, &mut diags);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(run)))
    };
    assert!(done.is_ok(), "{}", concise::render(&diags));
    let found = diags.sorted().into_iter();
    found.map(|finding| finding.code.to_owned()).collect()
}

#[test]
fn a_stage_is_computed_once() {
    let repo = contradicted();
    with_run(&repo, |run| {
        let (first, second) = (
            run.compared().expect("compares"),
            run.compared().expect("compares"),
        );
        assert!(std::ptr::eq(first, second));
        assert!(std::ptr::eq(
            run.plan().expect("plans"),
            run.plan().expect("plans")
        ));
        assert_eq!(first.changes.conflicts().count(), 1);
    });
}

/// `resolve` looks for conflicts, asks, and goes on with the answers: what was read and rendered serves both times.
#[test]
fn answers_to_conflicts_read_and_render_nothing_again() {
    let repo = contradicted();
    let found = with_run(&repo, |run| {
        let before = run.compared().expect("compares");
        let existing = Rc::clone(&before.existing);
        let conflict = before.changes.conflicts().next().expect("one").clone();
        assert_eq!(conflict.path, path(LOKI));
        assert!(run.settled().is_err(), "a conflict stops");
        let sides = conflict
            .conflicts
            .iter()
            .map(|one| (one.place.clone(), Side::Yours));
        run.choose(Choices {
            resolutions: [(conflict.path, sides.collect())].into(),
            ..Choices::default()
        });
        let after = run.settled().expect("nothing stands against it");
        assert!(
            Rc::ptr_eq(&existing, &after.existing),
            "read once, for one render"
        );
        let text = after.tree.get(&path(LOKI)).expect("there").text();
        assert!(text.contains("retention_period: \"8d\""), "{text}");
    });
    assert!(
        !found.contains(&"merge/conflict".to_owned()),
        "of the time before: {found:?}"
    );
}

/// Where an answer changes the values of templates, they are filled again, and what they wrote is read anew.
#[test]
fn a_choice_that_changes_the_render_renders_again() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let text = repo.read(TALENV);
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with("kubernetesVersion: "));
    let (minor, patch) = line.and_then(|line| line.rsplit_once('.')).expect("a version");
    let newer = patch.parse::<u32>().expect("a number") + 1;
    let version = |patch: &str| format!("{}.{patch}", minor.trim_start_matches("kubernetesVersion: "));
    for file in [TALENV, UPGRADE] {
        repo.edit(file, &version(patch), &version(&newer.to_string()));
    }
    with_run(&repo, |run| {
        let kind = |run: &Run<'_>| {
            let changes = run.compared().expect("compares").changes.changes().iter();
            let mut own = changes.filter(|change| change.path == path(TALENV));
            own.next().expect("there").kind
        };
        assert_eq!(kind(run), ChangeKind::Kept, "a newer version stays");
        let existing = Rc::clone(&run.compared().expect("compares").existing);
        run.choose(Choices {
            overwrite: [path(TALENV), path(UPGRADE)].into(),
            ..Choices::default()
        });
        assert_eq!(kind(run), ChangeKind::Update);
        assert!(!Rc::ptr_eq(
            &existing,
            &run.compared().expect("compares").existing
        ));
    });
}

/// `plan` says what would change, and leaves to `configure` what stands against it.
#[test]
fn what_is_asked_quietly_reports_nothing_and_is_not_asked_again() {
    let repo = Repo::with(MINIMAL);
    let found = with_run(&repo, |run| {
        run.plan().expect("plans");
        let before = run.checkpoint();
        let quiet = run.quietly(Run::settled).expect("settles");
        assert!(std::ptr::eq(quiet, run.compared().expect("compares")));
        assert_eq!(run.checkpoint(), before);
    });
    assert_eq!(found, [""; 0]);
}
