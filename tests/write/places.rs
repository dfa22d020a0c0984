//! Places that nobody may write to, changes behind our back, and runs that must leave no trace.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use clusterwright::diag::Diagnostic;
use clusterwright::diff::{ChangeKind, ChangeSet};
use clusterwright::sys::disk::{Disk, OsDisk};
use clusterwright::sys::root::{Refused, Root};
use clusterwright::world::Choices;
use clusterwright::world::lock::LOCK_FILE;
use clusterwright::write::{Receipt, Recovery, RunLock, apply};

use super::disks::{Fault, FaultyDisk};
use super::world::{Files, World, files, path, sealed};

fn changes(world: &World, wanted: &Files) -> ChangeSet {
    world.diff(wanted, &Choices::default()).expect("no broken paths")
}

fn codes(errors: &[Diagnostic]) -> Vec<(&str, &str)> {
    errors
        .iter()
        .map(|e| (e.code, e.path.as_deref().unwrap_or_default()))
        .collect()
}

/// Kills a run at each operation until its journal is committed, and returns the first such world.
fn interrupted(before: &Files, after: &Files) -> World {
    for at in 0.. {
        let world = World::new();
        world.run(before);
        let _ = world.write(after, &mut FaultyDisk::new(Fault::Kill, at));
        if world.root.join(".clusterwright/txn/plan").exists() {
            return world;
        }
    }
    unreachable!("some operation is the commit")
}

#[test]
fn a_run_without_changes_leaves_no_trace() {
    let world = World::new();
    assert_eq!(world.run(&Files::new()), Receipt::default());
    assert_eq!(fs::read_dir(&world.root).expect("there").count(), 0);
    let tree = files(&[("a/b.yaml", "1\n"), ("c.yaml", "2\n")]);
    world.run(&tree);
    let stamp = |path: &str| -> SystemTime {
        let meta = world.root.join(path).metadata().expect("there");
        meta.modified().expect("known")
    };
    let places = [
        "",
        "a",
        "a/b.yaml",
        "c.yaml",
        ".clusterwright",
        ".clusterwright/run.lock",
        LOCK_FILE,
    ];
    let before = places.map(stamp);
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut disk = FaultyDisk::new(Fault::Kill, 0);
    world.recover().expect("nothing to recover");
    assert_eq!(world.write(&tree, &mut disk), Ok(Receipt::default()));
    assert_eq!(disk.count, 0);
    assert_eq!(places.map(stamp), before);
}

#[test]
fn crlf_in_the_work_tree_is_no_edit_and_no_change() {
    let world = World::new();
    let tree = files(&[("a.yaml", "1\n2\n")]);
    world.run(&tree);
    world.put("a.yaml", "1\r\n2\r\n");
    world.put(
        LOCK_FILE,
        &world.text(LOCK_FILE).expect("there").replace('\n', "\r\n"),
    );
    assert_eq!(world.run(&tree), Receipt::default());
    let receipt = world.run(&files(&[("a.yaml", "1\n3\n")]));
    assert_eq!(receipt.written, [path("a.yaml")]);
    assert_eq!(world.text("a.yaml").as_deref(), Some("1\n3\n"));
}

#[test]
fn a_conflict_writes_nothing() {
    let world = World::new();
    world.put("a.yaml", "mine\n");
    let wanted = files(&[("a.yaml", "theirs\n"), ("b.yaml", "1\n")]);
    let error = world.write(&wanted, &mut OsDisk).expect_err("conflict");
    assert_eq!(
        (error.code, error.path.as_deref()),
        ("write/conflict", Some("a.yaml"))
    );
    assert_eq!(world.files(), files(&[("a.yaml", "mine\n")]));
}

#[test]
fn empty_directories_go_only_when_we_emptied_them() {
    let world = World::new();
    world.put("a/mine.txt", "x");
    fs::create_dir_all(world.root.join("a/empty")).expect("made");
    world.run(&files(&[("a/b/c/d.yaml", "1\n"), ("a/e.yaml", "1\n")]));
    world.run(&Files::new());
    assert_eq!(world.dirs(), ["a", "a/empty"]);
}

#[test]
fn a_failed_first_run_leaves_no_directory() {
    let wanted = files(&[("a/b/c.yaml", "1\n"), ("d.yaml", "1\n")]);
    let mut undone = 0;
    for at in 0.. {
        let world = World::new();
        let mut disk = FaultyDisk::new(Fault::Error(ErrorKind::StorageFull), at);
        let error = world.write(&wanted, &mut disk);
        if !disk.struck() {
            break;
        }
        if let Err(error) = error {
            let dirs: Vec<_> = world.dirs().into_iter().filter(|d| !d.starts_with('.')).collect();
            assert_eq!(dirs, Vec::<String>::new(), "at {at}");
            undone += usize::from(error.notes.iter().any(|n| n.contains("as it was before")));
        }
    }
    assert!(undone > 2, "{undone}");
}

#[cfg(unix)]
#[test]
fn modes_are_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let mode = |path: &str| {
        world
            .root
            .join(path)
            .metadata()
            .expect("there")
            .permissions()
            .mode()
            & 0o777
    };
    let set = |path: &str, mode| {
        fs::set_permissions(world.root.join(path), fs::Permissions::from_mode(mode)).expect("set");
    };
    world.run(&files(&[("run.sh", "1\n"), ("a.yaml", "1\n")]));
    set("run.sh", 0o755);
    set("a.yaml", 0o600);
    let next = files(&[("run.sh", "2\n"), ("a.yaml", "2\n")]);
    // A run that is undone keeps them as well.
    for at in 0.. {
        let mut disk = FaultyDisk::new(Fault::Error(ErrorKind::PermissionDenied), at);
        let done = world.write(&next, &mut disk);
        assert_eq!((mode("run.sh"), mode("a.yaml")), (0o755, 0o600), "at {at}");
        if done.is_ok() {
            break;
        }
    }
    assert_eq!(world.text("run.sh").as_deref(), Some("2\n"));
}

#[cfg(unix)]
#[test]
fn links_are_refused_by_the_diff_and_again_by_the_write() {
    use std::os::unix::fs::symlink;
    let outside = World::new();
    let wanted = files(&[("a/b/c.yaml", "1\n"), ("d.yaml", "1\n")]);
    for (link, to) in [("a", outside.root.as_path()), ("d.yaml", Path::new("nowhere"))] {
        let world = World::new();
        let before = changes(&world, &wanted);
        symlink(to, world.root.join(link)).expect("linked");
        let errors = world
            .diff(&wanted, &Choices::default())
            .expect_err("the diff sees it");
        assert_eq!(codes(&errors)[0].0, "diff/symlink");
        assert!(errors[0].message.contains(link), "{errors:?}");
        // The diff ran before the link was made.
        let error = apply(&before, &sealed(&wanted), &world.open(), &mut OsDisk).expect_err("refused");
        assert_eq!(error.code, "write/symlink");
        assert!(outside.files().is_empty(), "nothing behind the link");
        assert!(
            world.text("d.yaml").is_none() && world.text(LOCK_FILE).is_none(),
            "nothing at all"
        );
    }
}

/// Does something right after the commit, before the first target is touched.
struct AfterCommit<'a>(&'a dyn Fn());

impl Disk for AfterCommit<'_> {
    fn create_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        OsDisk.create_dir_all(root, path)
    }
    fn write(&mut self, root: &Root, path: &str, bytes: &[u8]) -> Result<(), Refused> {
        OsDisk.write(root, path, bytes)
    }
    fn rename(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        OsDisk.rename(root, from, to)?;
        if to == ".clusterwright/txn/plan" {
            (self.0)();
        }
        Ok(())
    }
    fn remove_file(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        OsDisk.remove_file(root, path)
    }
    fn remove_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        OsDisk.remove_dir_all(root, path)
    }
    fn copy_mode(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        OsDisk.copy_mode(root, from, to)
    }
    fn remove_empty_dir(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        OsDisk.remove_empty_dir(root, path)
    }
}

#[cfg(unix)]
#[test]
fn a_link_made_after_the_commit_is_refused_and_the_run_undone() {
    let (world, outside) = (World::new(), World::new());
    let wanted = files(&[("a.yaml", "1\n"), ("b/c.yaml", "1\n")]);
    let link = || std::os::unix::fs::symlink(&outside.root, world.root.join("b")).expect("linked");
    let error = world
        .write(&wanted, &mut AfterCommit(&link))
        .expect_err("refused");
    assert_eq!(error.code, "write/symlink");
    assert_eq!(error.notes, ["everything is as it was before"]);
    assert!(outside.files().is_empty() && world.text("a.yaml").is_none());
    assert_eq!(world.recover(), Ok(Recovery::Nothing));
}

#[test]
fn an_edit_after_the_commit_is_kept_and_the_run_undone() {
    let before = files(&[("a.yaml", "1\n"), ("b.yaml", "1\n"), ("c.yaml", "1\n")]);
    let after = files(&[("a.yaml", "2\n"), ("b.yaml", "2\n"), ("d.yaml", "2\n")]);
    for edited in ["a.yaml", "b.yaml", "c.yaml", "d.yaml"] {
        let world = World::new();
        world.run(&before);
        let mut old = world.files();
        old.insert(edited.to_owned(), "mine\n".to_owned());
        let edit = || world.put(edited, "mine\n");
        let error = world.write(&after, &mut AfterCommit(&edit)).expect_err("edited");
        assert_eq!(
            (error.code, error.path.as_deref()),
            ("write/changed-meanwhile", Some(edited))
        );
        assert_eq!(world.files(), old);
        assert_eq!(world.recover(), Ok(Recovery::Nothing));
    }
}

/// Every world in which a kill left both files written and the plan still there.
fn all_written(before: &Files, after: &Files) -> Vec<World> {
    let mut worlds = Vec::new();
    for at in 0.. {
        let world = World::new();
        world.run(before);
        let mut disk = FaultyDisk::new(Fault::Kill, at);
        let _ = world.write(after, &mut disk);
        if !disk.struck() {
            break;
        }
        let written = after
            .iter()
            .all(|(path, text)| world.text(path).as_ref() == Some(text));
        if written && world.root.join(".clusterwright/txn/plan").exists() {
            worlds.push(world);
        }
    }
    assert!(worlds.len() >= 2, "before the lock is written and after");
    worlds
}

#[test]
fn acting_on_files_that_an_interrupted_run_wrote_is_safe() {
    let before = files(&[("a.yaml", "1\n"), ("b.yaml", "1\n")]);
    let after = files(&[("a.yaml", "2\n"), ("b.yaml", "2\n")]);
    for world in all_written(&before, &after) {
        world.put("a.yaml", "mine\n");
        let errors = world.recover().expect_err("edited");
        assert_eq!(codes(&errors), [("write/changed-since-interruption", "a.yaml")]);
        fs::rename(world.root.join("a.yaml"), world.root.join("mine")).expect("moved");
        assert!(matches!(world.recover(), Ok(Recovery::Completed(_))));
        assert_eq!(changes(&world, &after).changes()[0].kind, ChangeKind::Recreate);
        assert_eq!(world.run(&after).written, [path("a.yaml")]);
    }
    for world in all_written(&before, &after) {
        world.put("a.yaml", "1\n");
        let errors = world.recover().expect_err("put back");
        assert_eq!(codes(&errors), [("write/put-back", "a.yaml")]);
        let text = |path: &str| world.text(path).expect("there");
        assert_eq!(
            (text("a.yaml"), text("b.yaml")),
            ("1\n".to_owned(), "1\n".to_owned())
        );
        assert_eq!(world.recover(), Ok(Recovery::Nothing));
        assert_eq!(world.run(&after).written.len(), 2);
    }
}

#[test]
fn directories_and_files_in_the_way_are_named() {
    let world = World::new();
    fs::create_dir_all(world.root.join("a.yaml")).expect("made");
    world.put("b", "a file");
    let wanted = files(&[("a.yaml", "1\n"), ("b/c.yaml", "1\n"), ("d.yaml", "1\n")]);
    let errors = world.diff(&wanted, &Choices::default()).expect_err("both");
    assert_eq!(
        codes(&errors),
        [
            ("diff/directory-in-the-way", "a.yaml"),
            ("diff/file-in-the-way", "b")
        ]
    );
}

#[test]
fn what_changed_since_the_diff_is_not_overwritten() {
    let world = World::new();
    world.run(&files(&[("a.yaml", "1\n"), ("b.yaml", "1\n")]));
    let wanted = files(&[("a.yaml", "2\n"), ("c.yaml", "1\n")]);
    for (touched, text) in [
        ("a.yaml", "mine\n"),
        ("b.yaml", "mine\n"),
        ("c.yaml", "mine\n"),
        (LOCK_FILE, ""),
    ] {
        let set = changes(&world, &wanted);
        let saved = world.text(touched);
        world.put(touched, text);
        let before = world.files();
        let error = apply(&set, &sealed(&wanted), &world.open(), &mut OsDisk).expect_err("changed");
        assert_eq!(
            (error.code, error.path.as_deref()),
            ("write/changed-meanwhile", Some(touched))
        );
        assert_eq!(world.files(), before, "{touched}");
        match saved {
            Some(text) => world.put(touched, &text),
            None => fs::remove_file(world.root.join(touched)).expect("removed"),
        }
    }
    assert!(
        apply(
            &changes(&world, &wanted),
            &sealed(&wanted),
            &world.open(),
            &mut OsDisk
        )
        .is_ok()
    );
}

#[test]
fn an_edit_after_the_interruption_stops_the_recovery_with_choices() {
    let (before, after) = (
        files(&[("a.yaml", "1\n"), ("b.yaml", "1\n")]),
        files(&[("a.yaml", "2\n"), ("b.yaml", "2\n")]),
    );
    let world = interrupted(&before, &after);
    world.put("a.yaml", "mine\n");
    let stuck = world.files();
    let errors = world.recover().expect_err("edited");
    assert_eq!(codes(&errors), [("write/changed-since-interruption", "a.yaml")]);
    assert_eq!(errors[0].help.len(), 2);
    assert!(
        errors[0].notes.iter().any(|note| note.contains("txn/new/")),
        "{errors:?}"
    );
    assert_eq!(world.files(), stuck, "nothing is touched");
    // The first choice: move it away.
    fs::rename(world.root.join("a.yaml"), world.root.join("a.yaml.mine")).expect("moved");
    assert!(matches!(world.recover(), Ok(Recovery::Completed(_))));
    assert_eq!(world.text("a.yaml").as_deref(), Some("2\n"));
    assert_eq!(world.text("a.yaml.mine").as_deref(), Some("mine\n"));
    assert_eq!(world.run(&after), Receipt::default());
    // The second: give it up.
    let world = interrupted(&before, &after);
    world.put("a.yaml", "mine\n");
    fs::remove_dir_all(world.root.join(".clusterwright/txn")).expect("removed");
    assert_eq!(world.recover(), Ok(Recovery::Nothing));
    let set = changes(&world, &after);
    assert_eq!(set.changes()[0].kind, ChangeKind::EditedUpdate);
}

#[test]
fn a_run_killed_when_it_was_done_asks_nothing_of_later_edits() {
    let (before, after) = (files(&[("a.yaml", "1\n")]), files(&[("a.yaml", "2\n")]));
    let mut seen = 0;
    for at in 0.. {
        let world = World::new();
        world.run(&before);
        let mut disk = FaultyDisk::new(Fault::KillHalfway, at);
        let _ = world.write(&after, &mut disk);
        if !disk.struck() {
            break;
        }
        let txn = world.root.join(".clusterwright/txn");
        if world.text("a.yaml").as_deref() == Some("2\n") && txn.exists() && !txn.join("plan").exists() {
            world.put("a.yaml", "mine\n");
            assert_eq!(world.recover(), Ok(Recovery::Tidied));
            assert_eq!(world.text("a.yaml").as_deref(), Some("mine\n"));
            seen += 1;
        }
    }
    assert!(
        seen >= 2,
        "the plan becomes the record first, then come the rest: {seen}"
    );
}

#[test]
fn a_damaged_journal_is_reported_and_kept() {
    let world = interrupted(&files(&[("a.yaml", "1\n")]), &files(&[("a.yaml", "2\n")]));
    world.put(".clusterwright/txn/plan", "clusterwright trans");
    let before = world.files();
    let errors = world.recover().expect_err("damaged");
    assert_eq!(errors[0].code, "write/damaged-journal");
    assert_eq!(world.files(), before);
    let error = world
        .write(&files(&[("b.yaml", "1\n")]), &mut OsDisk)
        .expect_err("still there");
    assert_eq!(error.code, "write/unfinished");
}

#[test]
fn a_second_run_at_the_same_time_is_refused() {
    let world = interrupted(&files(&[("a.yaml", "1\n")]), &files(&[("a.yaml", "2\n")]));
    let held = RunLock::acquire(&world.open(), &mut OsDisk).expect("free");
    assert_eq!(
        codes(&world.recover().expect_err("held"))[0].0,
        "write/another-run"
    );
    let error = world
        .write(&files(&[("b.yaml", "1\n")]), &mut OsDisk)
        .expect_err("held");
    assert_eq!(error.code, "write/another-run");
    drop(held);
    assert!(matches!(world.recover(), Ok(Recovery::Completed(_))));
}

#[cfg(unix)]
#[test]
fn our_own_directory_may_not_be_a_link() {
    use std::os::unix::fs::symlink;
    let (world, outside) = (World::new(), World::new());
    symlink(&outside.root, world.root.join(".clusterwright")).expect("linked");
    let error = world
        .write(&files(&[("a.yaml", "1\n")]), &mut OsDisk)
        .expect_err("refused");
    assert_eq!(error.code, "write/own-directory");
    assert!(outside.files().is_empty() && world.text("a.yaml").is_none());
}
