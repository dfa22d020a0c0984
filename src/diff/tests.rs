//! Every state of a path, with every choice.

use crate::world::{Choices, Existing};
use std::collections::BTreeMap;

use super::*;
use crate::diag::Diagnostic;
use crate::seal::Sealed;
use crate::tree::{Artifact, Text, Tree};
use crate::world::lock::LockEntry;

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).expect("valid")
}

fn origin() -> Origin {
    Origin {
        app: "repo".to_owned(),
        template: Some("t.yaml.tera".to_owned()),
        reason: vec!["jellyfin_enabled".to_owned()],
        fingerprint: Some("new".to_owned()),
    }
}

fn tree(files: &[(&str, &str)]) -> Tree<Sealed> {
    let artifacts = files.iter().map(|(name, text)| {
        let (path, text) = (path(name), (*text).to_owned());
        Artifact::new(path, text, origin())
    });
    Tree::new(artifacts, Sealed::for_tests())
}

fn existing(files: &[(&str, &str)]) -> Existing {
    Existing::from_files(
        files
            .iter()
            .map(|(name, text)| (path(name), text.as_bytes().to_vec())),
    )
}

fn lock(files: &[(&str, &str)]) -> Lock {
    let entry = |text: &str| LockEntry {
        hash: Sha256::of_text(text.as_bytes()),
        origin: "repo".to_owned(),
        fingerprint: Some("old".to_owned()),
    };
    let entries: BTreeMap<_, _> = files
        .iter()
        .map(|(name, text)| (path(name), entry(text)))
        .collect();
    Lock { entries }
}

fn choices(overwrite: &[&str], keep: &[&str]) -> Choices {
    Choices {
        overwrite: overwrite.iter().map(|p| path(p)).collect(),
        keep: keep.iter().map(|p| path(p)).collect(),
        ..Choices::default()
    }
}

/// One path `f`: what is rendered, on the disk and in the lock.
struct Case {
    rendered: Option<&'static str>,
    on_disk: Option<&'static str>,
    locked: Option<&'static str>,
}

impl Case {
    fn compute(&self, choices: &Choices) -> Result<ChangeSet, Vec<Diagnostic>> {
        let one = |text: Option<&'static str>| text.map(|text| ("f", text)).into_iter().collect::<Vec<_>>();
        ChangeSet::compute(
            &tree(&one(self.rendered)),
            &existing(&one(self.on_disk)),
            &lock(&one(self.locked)),
            choices,
        )
    }

    /// Returns the kind, and the text whose hash the lock has afterwards.
    fn result(&self, choices: &Choices) -> Option<(ChangeKind, Option<&'static str>)> {
        let set = self.compute(choices).expect("no errors");
        let after = set.lock().entries.get(&path("f")).map(|entry| {
            ["1", "2", "3"]
                .into_iter()
                .find(|text| Sha256::of_text(text.as_bytes()) == entry.hash)
                .expect("one of ours")
        });
        set.changes().first().map(|change| (change.kind, after))
    }
}

fn case(rendered: &'static str, on_disk: &'static str, locked: &'static str) -> Case {
    let some = |text: &'static str| (text != "-").then_some(text);
    Case {
        rendered: some(rendered),
        on_disk: some(on_disk),
        locked: some(locked),
    }
}

#[test]
fn every_state_without_a_choice() {
    use ChangeKind::{
        Adopt, Create, Delete, EditedDelete, EditedUpdate, ForeignDiffers, Forget, Kept, Recreate, Unchanged,
        Update,
    };
    for (rendered, on_disk, locked, kind, after) in [
        ("1", "-", "-", Create, Some("1")),
        ("1", "-", "1", Recreate, Some("1")),
        ("2", "-", "1", Recreate, Some("2")),
        ("1", "1", "1", Unchanged, Some("1")),
        ("1", "1", "-", Adopt, Some("1")),
        ("2", "2", "1", Unchanged, Some("2")),
        ("2", "1", "1", Update, Some("2")),
        ("1", "2", "1", Kept, Some("1")),
        ("2", "3", "1", EditedUpdate, Some("1")),
        ("1", "2", "-", ForeignDiffers, None),
        ("-", "1", "1", Delete, None),
        ("-", "2", "1", EditedDelete, Some("1")),
        ("-", "-", "1", Forget, None),
    ] {
        let result = case(rendered, on_disk, locked).result(&Choices::default());
        assert_eq!(
            result,
            Some((kind, after)),
            "{rendered} over {on_disk}, locked {locked}"
        );
    }
    assert_eq!(
        case("-", "1", "-").result(&Choices::default()),
        None,
        "not our business"
    );
}

#[test]
fn merged_files_are_written_and_remember_the_render() {
    use ChangeKind::{Adopt, ForeignDiffers, Kept, Merge};
    for (render, merged, on_disk, locked, kind, after, is_empty, bases) in [
        ("2", "3", "1", "1", ChangeKind::Update, Some("2"), false, 1),
        ("2", "3", "x", "1", Merge, Some("2"), false, 1),
        ("2", "3", "3", "1", Kept, Some("2"), false, 1),
        ("1", "3", "3", "1", Kept, Some("1"), true, 0),
        ("2", "3", "3", "-", Adopt, Some("2"), false, 1),
        ("2", "3", "x", "-", ForeignDiffers, None, true, 0),
    ] {
        let case = case("-", on_disk, locked);
        let mut artifact = Artifact::new(path("f"), merged.to_owned(), origin());
        artifact.content = Text::Edited {
            text: merged.to_owned(),
            render: render.to_owned(),
            moved_from: None,
        };
        let tree = Tree::new([artifact], Sealed::for_tests());
        let one = |text: Option<&'static str>| text.map(|text| ("f", text)).into_iter().collect::<Vec<_>>();
        let set = ChangeSet::compute(
            &tree,
            &existing(&one(case.on_disk)),
            &lock(&one(case.locked)),
            &Choices::default(),
        )
        .expect("no errors")
        .with_bases(&tree, "base", &BTreeMap::new());
        let hash = set.lock().entries.get(&path("f")).map(|entry| entry.hash);
        assert_eq!(
            set.changes()[0].kind,
            kind,
            "{render} {merged} {on_disk} {locked}"
        );
        assert_eq!(hash, after.map(|text| Sha256::of(text.as_bytes())), "{kind:?}");
        assert_eq!(set.is_empty(), is_empty, "{kind:?}");
        let kept: Vec<_> = set.bases().iter().map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(kept, vec![Some(render.as_bytes().to_vec()); bases], "{kind:?}");
    }
}

#[test]
fn choices_decide_conflicts_for_good() {
    use ChangeKind::{Delete, Forget, Kept, Update};
    for (rendered, on_disk, locked, overwritten, kept) in [
        ("2", "3", "1", (Update, Some("2")), (Kept, Some("2"))),
        ("1", "2", "-", (Update, Some("1")), (Kept, Some("1"))),
        ("-", "2", "1", (Delete, None), (Forget, None)),
    ] {
        let case = case(rendered, on_disk, locked);
        assert_eq!(case.result(&choices(&["f"], &[])), Some(overwritten));
        assert_eq!(case.result(&choices(&[], &["f"])), Some(kept));
    }
    // The kept file no longer stops the next run.
    assert_eq!(
        case("2", "3", "2").result(&Choices::default()),
        Some((Kept, Some("2")))
    );
    // An edit that stays can be taken back.
    assert_eq!(
        case("1", "2", "1").result(&choices(&["f"], &[])),
        Some((Update, Some("1")))
    );
}

#[test]
fn choices_that_decide_nothing_are_errors() {
    let codes = |case: Case, choices: &Choices| -> Vec<&str> {
        case.compute(choices).map_or_else(
            |errors| errors.iter().map(|error| error.code).collect(),
            |_| Vec::new(),
        )
    };
    let useless = "diff/useless-choice";
    assert_eq!(codes(case("2", "1", "1"), &choices(&["f"], &[])), [useless]);
    assert_eq!(codes(case("1", "-", "-"), &choices(&[], &["f"])), [useless]);
    assert_eq!(codes(case("1", "2", "1"), &choices(&[], &["f"])), [useless]);
    assert_eq!(codes(case("1", "2", "-"), &choices(&["f", "g"], &[])), [useless]);
    assert_eq!(
        codes(case("1", "2", "-"), &choices(&["f"], &["f"])),
        ["diff/contradicting-choices"]
    );
    let set = ChangeSet::compute(
        &tree(&[("a/helmrelease.yaml", "1")]),
        &existing(&[("a/helmrelease.yaml", "2")]),
        &Lock::default(),
        &choices(&[], &["a/helmrelase.yaml"]),
    );
    let error = &set.expect_err("a typo")[0];
    assert!(error.help[0].contains("--keep a/helmrelease.yaml"), "{error:?}");
}

#[test]
fn line_ends_are_no_edit() {
    for (rendered, on_disk, locked, kind) in [
        ("1\n", "1\r\n", "1\n", ChangeKind::Unchanged),
        ("1\n", "1\r\n", "-", ChangeKind::Adopt),
        ("2\n", "1\r\n", "1\n", ChangeKind::Update),
    ] {
        let set = case(rendered, on_disk, locked)
            .compute(&Choices::default())
            .expect("no errors");
        assert_eq!(set.changes()[0].kind, kind, "{on_disk:?}");
    }
}

#[test]
fn machine_secrets_and_our_records_are_never_ours() {
    for name in [
        "talos/clusterconfig/node.yaml",
        "talos/talsecret.sops.yaml",
        "age.key",
        LOCK,
        ".clusterwright/txn/plan",
        ".clusterwright/undo/record",
        ".clusterwright/run.lock",
    ] {
        let files = [(name, "1")];
        let none = Choices::default();
        let errors = ChangeSet::compute(&tree(&files), &existing(&[]), &Lock::default(), &none);
        assert_eq!(errors.expect_err(name)[0].code, "diff/never-ours");
        let set = ChangeSet::compute(&tree(&[]), &existing(&files), &lock(&files), &none).expect(name);
        assert_eq!(set.changes()[0].kind, ChangeKind::Forget, "{name} is not deleted");
    }
    let fine = tree(&[
        (".clusterwright/cluster.schema.json", "1"),
        ("talos/clusterconfig/.gitignore", "*"),
    ]);
    assert!(ChangeSet::compute(&fine, &existing(&[]), &Lock::default(), &Choices::default()).is_ok());
}

const LOCK: &str = crate::world::lock::LOCK_FILE;

#[test]
fn a_path_cannot_be_file_and_directory() {
    let tree = tree(&[("a", "1"), ("a-b", "1"), ("a/b/c", "1")]);
    let set = ChangeSet::compute(&tree, &existing(&[]), &Lock::default(), &Choices::default());
    let errors = set.expect_err("both");
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (errors[0].code, errors[0].path.as_deref()),
        ("diff/file-and-directory", Some("a"))
    );
}

#[test]
fn changes_carry_app_and_reason_and_findings_carry_choices() {
    let tree = tree(&[
        ("a", "1"),
        ("b", "2"),
        ("c", "1"),
        ("d.sops.yaml", "x: canary-new\n"),
    ]);
    let disk = existing(&[
        ("a", "9"),
        ("b", "9"),
        ("e", "9"),
        ("d.sops.yaml", "x: canary-old\n"),
    ]);
    let lock = lock(&[
        ("b", "1"),
        ("c", "1"),
        ("e", "1"),
        ("d.sops.yaml", "x: canary-old\n"),
    ]);
    let set = ChangeSet::compute(&tree, &disk, &lock, &Choices::default()).expect("no errors");
    assert!(set.changes().iter().all(|c| c.origin.app == "repo"));
    assert_eq!(set.changes()[0].origin.reason, ["jellyfin_enabled"]);
    let mut diags = crate::diag::Diagnostics::default();
    findings::report(&set, &disk, &mut diags);
    let told: Vec<_> = diags
        .sorted()
        .into_iter()
        .map(|f| (f.code, f.path.clone().unwrap_or_default(), f.help.len()))
        .collect();
    let finding = |code, path: &str, helps| (code, path.to_owned(), helps);
    assert_eq!(
        told,
        [
            finding("diff/foreign", "a", 3),
            finding("diff/edited", "b", 2),
            finding("diff/edited-delete", "e", 2),
            finding("diff/recreated", "c", 0)
        ]
    );
    let json = serde_json::to_string(&json::changes(&set, &tree, &disk)).expect("serialises");
    assert!(!json.contains("canary"), "{json}");
    insta::assert_snapshot!(json.replace("},{", "},\n{"));
}

#[test]
fn many_deleted_files_are_told_at_once_and_with_what_can_be_done() {
    let told = |count: usize, origin: &str| {
        let names: Vec<String> = (0..count).map(|number| format!("f{number}")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let mut set = ChangeSet::compute(&tree(&files), &existing(&[]), &lock(&files), &Choices::default())
            .expect("no errors");
        set.changes
            .iter_mut()
            .for_each(|change| change.origin.app = origin.to_owned());
        let mut diags = crate::diag::Diagnostics::default();
        findings::report(&set, &existing(&[]), &mut diags);
        let told: Vec<(String, usize)> = diags
            .sorted()
            .into_iter()
            .map(|finding| (finding.message.clone(), finding.help.len()))
            .collect();
        told
    };
    assert_eq!(told(5, "default/echo").len(), 5);
    assert!(told(5, "default/echo").iter().all(|(_, helps)| *helps == 1));
    for origin in ["repo", "raw", "default/namespace"] {
        assert_eq!(told(1, origin)[0].1, 0, "nobody can switch `{origin}` off");
    }
    let many = told(6, "default/echo");
    assert_eq!(many.len(), 1);
    assert!(many[0].0.starts_with("6 files were deleted"), "{many:?}");
}
