//! Journals and records that somebody else wrote, that came with a commit or a copy, or that were changed: all are
//! reported, and none is carried out.

use std::fs;
use std::path::Path;

use clusterwright::diag::Diagnostic;
use clusterwright::sys::disk::OsDisk;
use clusterwright::sys::root::Root;
use clusterwright::vcs;
use clusterwright::world::lock::Sha256;
use clusterwright::write::{Record, Recovery};

use super::disks::{Fault, FaultyDisk};
use super::world::{World, files};
use crate::support::directory;

const TXN: &str = ".clusterwright/txn";

/// A run that was killed right after its plan became valid.
fn interrupted() -> World {
    let (before, after) = (
        files(&[("a.yaml", "1\n"), ("b.yaml", "1\n")]),
        files(&[("a.yaml", "2\n"), ("c.yaml", "2\n")]),
    );
    for at in 0.. {
        let world = World::new();
        world.run(&before);
        let _ = world.write(&after, &mut FaultyDisk::new(Fault::Kill, at));
        if world.root.join(TXN).join("plan").exists() {
            return world;
        }
    }
    unreachable!("some operation is the commit")
}

/// Puts a right hash under the lines of a plan.
fn signed(lines: &str) -> String {
    format!("{lines}end {}\n", Sha256::of(lines.as_bytes()))
}

fn lines(world: &World, file: &str) -> String {
    let text = world.text(&format!("{TXN}/{file}")).expect("a plan");
    text.split_once("\nend ").expect("an end").0.to_owned() + "\n"
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Recovering is refused with this code, changes nothing, and neither does a run.
fn refused(world: &World, code: &str) -> Diagnostic {
    let before = world.files();
    let errors = world.recover().expect_err(code);
    assert_eq!(errors[0].code, code, "{errors:?}");
    assert!(
        !errors[0].help.is_empty() && errors[0].path.is_some(),
        "{code}: says where, and how to mend it"
    );
    assert_eq!(world.files(), before, "{code}: nothing changes");
    world
        .write(&files(&[("d.yaml", "1\n")]), &mut OsDisk)
        .expect_err("not before it is mended");
    assert_eq!(world.files(), before, "{code}: nothing changes");
    errors[0].clone()
}

#[test]
fn ones_own_is_finished() {
    let world = interrupted();
    assert!(matches!(world.recover(), Ok(Recovery::Completed(_))));
    assert_eq!(world.text("a.yaml").as_deref(), Some("2\n"));
}

#[test]
fn a_copied_journal_is_not_carried_out() {
    let original = interrupted();
    let world = World::new();
    copy(&original.root, &world.root);
    refused(&world, "write/foreign-journal");
    for other in ["rollback", "record", "spent"] {
        let plan = world.root.join(TXN).join("plan");
        let to = world.root.join(TXN).join(other);
        fs::rename(&plan, &to).expect("renamed");
        refused(&world, "write/foreign-journal");
        fs::rename(&to, &plan).expect("renamed");
    }
    // Given up, everything is as the copy had it.
    fs::remove_dir_all(world.root.join(TXN)).expect("removed");
    assert_eq!(world.recover(), Ok(Recovery::Nothing));
    assert_eq!(world.text("a.yaml").as_deref(), Some("1\n"));
}

#[test]
fn a_forged_journal_is_not_carried_out() {
    let hash = Sha256::of(b"x");
    let step = format!("file - {hash} a/b.yaml\n");
    for mark in ["1 1.000000000", "0 0", "18446744073709551615 -1.999999999"] {
        let world = World::new();
        world.run(&files(&[("a.yaml", "1\n")]));
        let plan = format!("clusterwright transaction, format 3\nthen keep the copies\nmark {mark}\n{step}");
        world.put(&format!("{TXN}/new/0"), "x");
        for with_mark in [false, true] {
            for name in ["plan", "rollback", "record", "spent"] {
                world.put(&format!("{TXN}/{name}"), &signed(&plan));
                if with_mark {
                    world.put(&format!("{TXN}/mark"), "");
                }
                refused(&world, "write/foreign-journal");
                assert!(world.record().is_some(), "one's own record stays");
                fs::remove_file(world.root.join(TXN).join(name)).expect("removed");
            }
        }
    }
}

#[test]
fn a_journal_of_the_version_before_is_told_file_by_file() {
    let world = interrupted();
    let plan = lines(&world, "plan");
    let older: String = plan
        .lines()
        .filter(|line| !line.starts_with("mark "))
        .map(|line| format!("{line}\n"))
        .collect();
    let older = signed(&older.replace("format 3", "format 2"));
    fs::remove_file(world.root.join(TXN).join("plan")).expect("removed");
    for name in ["plan", "rollback", "record", "spent"] {
        world.put(&format!("{TXN}/{name}"), &older);
        let finding = refused(&world, "write/older-journal");
        let notes = finding.notes.join("\n");
        for told in ["`a.yaml`", "`b.yaml`", "`c.yaml`", "txn/old/", "txn/new/"] {
            assert!(notes.contains(told), "{told}: {notes}");
        }
        fs::remove_file(world.root.join(TXN).join(name)).expect("removed");
    }
}

#[test]
fn a_journal_that_git_tracks_is_not_carried_out() {
    let world = interrupted();
    vcs::init(&Root::new(&world.root)).expect("made");
    // Not tracked, it is one's own.
    fs::remove_file(world.root.join(TXN).join(".gitignore")).expect("removed");
    vcs::commit_all(&Root::new(&world.root), "everything").expect("committed");
    let finding = refused(&world, "write/tracked-journal");
    assert!(
        finding.help.iter().any(|help| help.contains("git rm -r")),
        "{finding:?}"
    );
    // Leftovers without a plan are not thrown away either.
    fs::remove_file(world.root.join(TXN).join("plan")).expect("removed");
    let before = world.files();
    assert_eq!(
        world.recover().expect_err("tracked")[0].code,
        "write/tracked-journal"
    );
    assert_eq!(world.files(), before);
}

#[test]
fn a_plan_names_nothing_that_no_run_of_ours_names() {
    for path in [
        "cluster.yaml",
        "nodes.yaml",
        "age.key",
        "github-deploy.key",
        "templates/apps/x/y/app.yaml",
        "makejinja.toml",
        "talos/talsecret.sops.yaml",
        ".clusterwright/undo/record",
        ".clusterwright/base/no-hash",
    ] {
        let world = interrupted();
        let more = format!("{}file - {} {path}\n", lines(&world, "plan"), Sha256::of(b"x"));
        world.put(&format!("{TXN}/new/4"), "x");
        world.put(&format!("{TXN}/plan"), &signed(&more));
        let before = world.files();
        assert_eq!(
            world.recover().expect_err(path)[0].code,
            "write/damaged-journal",
            "{path}"
        );
        assert_eq!(world.files(), before, "{path}");
    }
}

#[test]
fn staged_bytes_that_are_not_the_plans_stop_it_before_anything() {
    for side in ["new/1", "new/2"] {
        let world = interrupted();
        let staged = format!("{TXN}/{side}");
        if world.text(&staged).is_none() {
            continue;
        }
        world.put(&staged, "somebody else's\n");
        let before = world.files();
        assert_eq!(
            world.recover().expect_err(side)[0].code,
            "write/changed-copy",
            "{side}"
        );
        assert_eq!(world.files(), before, "{side}");
    }
    let world = interrupted();
    fs::rename(
        world.root.join(TXN).join("plan"),
        world.root.join(TXN).join("rollback"),
    )
    .expect("renamed");
    world.put("a.yaml", "2\n");
    world.put(&format!("{TXN}/old/1"), "somebody else's\n");
    let before = world.files();
    assert_eq!(
        world.recover().expect_err("changed")[0].code,
        "write/changed-copy"
    );
    assert_eq!(world.files(), before);
}

#[cfg(unix)]
#[test]
fn links_in_the_journal_are_not_followed() {
    for name in ["new", "old", "mark", "plan"] {
        let world = interrupted();
        let outside = directory();
        let (inside, moved) = (world.root.join(TXN).join(name), outside.path().join(name));
        fs::rename(&inside, &moved).expect("moved");
        std::os::unix::fs::symlink(&moved, &inside).expect("linked");
        let errors = world.recover().expect_err(name);
        assert_eq!(errors[0].code, "write/foreign-journal", "{name}");
        assert_eq!(world.text("a.yaml").as_deref(), Some("1\n"), "{name}");
        assert!(moved.exists(), "{name}");
    }
}

#[test]
fn an_undo_record_that_was_copied_or_committed_is_not_believed() {
    let original = World::new();
    original.run(&files(&[("a.yaml", "1\n")]));
    assert!(original.record().is_some());
    let world = World::new();
    copy(&original.root, &world.root);
    let error = Record::load(&world.open()).expect_err("a copy");
    assert_eq!(error.code, "undo/foreign");
    vcs::init(&Root::new(&original.root)).expect("made");
    fs::remove_file(original.root.join(".clusterwright/undo/.gitignore")).expect("removed");
    vcs::commit_all(&Root::new(&original.root), "everything").expect("committed");
    let error = Record::load(&original.open()).expect_err("committed");
    assert_eq!(error.code, "undo/tracked");
    // The next run replaces it by one's own.
    world.run(&files(&[("a.yaml", "2\n")]));
    assert!(world.record().is_some());
}

#[test]
fn a_file_that_nothing_rendered_can_be_is_not_read() {
    let world = World::new();
    world.run(&files(&[("a.yaml", "1\n")]));
    let huge = fs::File::create(world.root.join("a.yaml")).expect("made");
    huge.set_len(1 << 32).expect("set");
    let errors = world.record().expect("a record").check(&world.open());
    assert_eq!(errors.expect_err("too large")[0].code, "write/in-the-way");
    fs::remove_file(world.root.join("a.yaml")).expect("removed");
}
