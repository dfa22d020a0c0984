//! Taking a run back: exactly, all or nothing, whatever happens.

use std::fs;
use std::io::ErrorKind;

use clusterwright::diff::{ChangeKind, ChangeSet};
use clusterwright::sys::disk::OsDisk;
use clusterwright::tree::Text;
use clusterwright::world::Choices;
use clusterwright::world::lock::LOCK_FILE;
use clusterwright::write::{Receipt, Recovery, RunLock, apply, recover, undo};
use proptest::prelude::*;

use super::disks::{Fault, FaultyDisk};
use super::faults::{ErrorThenKill, Scenario, at_every_operation, scenarios};
use super::world::{Files, World, files, path, sealed, through};

/// The worlds before and after the run that is to be taken back.
struct Sides {
    old: Files,
    old_dirs: Vec<String>,
    new: Files,
}

fn run(scenario: &Scenario) -> (World, Sides) {
    let world = World::new();
    scenario.set_up(&world);
    let (old, old_dirs) = (world.files(), world.dirs());
    world.run(&scenario.after);
    let new = world.files();
    (world, Sides { old, old_dirs, new })
}

/// After an undo that may have been interrupted: all or nothing, the record goes with the run, and a further undo gets
/// to the end.
fn settle(world: &World, sides: &Sides, context: &str) -> Recovery {
    let recovery = world
        .recover()
        .unwrap_or_else(|errors| panic!("{context}: {errors:?}"));
    let now = world.files();
    assert_eq!(world.recover(), Ok(Recovery::Nothing), "{context}: recovers once");
    if world.record().is_some() {
        assert_eq!(
            now, sides.new,
            "{context}: {recovery:?}: not undone, so as it was"
        );
        world.undo(&mut OsDisk).expect("undone at last");
    }
    assert_eq!(world.files(), sides.old, "{context}: {recovery:?}");
    let dirs = world.dirs();
    assert!(
        sides.old_dirs.iter().all(|dir| dirs.contains(dir)),
        "{context}: {dirs:?}"
    );
    assert_eq!(world.record(), None, "{context}: the record is used up");
    recovery
}

#[test]
fn an_undo_brings_back_every_byte_the_lock_and_the_directories() {
    for scenario in scenarios() {
        let (world, sides) = run(&scenario);
        let receipt = world.undo(&mut OsDisk).expect("undone");
        assert_ne!(receipt, Receipt::default());
        settle(&world, &sides, scenario.name);
        assert_eq!(world.dirs(), sides.old_dirs, "{}", scenario.name);
        world.run(&scenario.after);
        assert_eq!(world.files(), sides.new, "{}: and again", scenario.name);
    }
}

#[cfg(unix)]
#[test]
fn modes_come_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let mode = |path: &str| {
        fs::metadata(world.root.join(path))
            .expect("there")
            .permissions()
            .mode()
            & 0o777
    };
    world.run(&files(&[("run.sh", "1\n"), ("gone.sh", "1\n")]));
    for path in ["run.sh", "gone.sh"] {
        fs::set_permissions(world.root.join(path), fs::Permissions::from_mode(0o750)).expect("set");
    }
    world.run(&files(&[("run.sh", "2\n")]));
    fs::set_permissions(world.root.join("run.sh"), fs::Permissions::from_mode(0o600)).expect("set");
    world.undo(&mut OsDisk).expect("undone");
    assert_eq!((mode("run.sh"), mode("gone.sh")), (0o750, 0o750));
}

/// A copy in the undo record would outlive the run that sealed or dropped the file.
#[test]
fn no_copy_of_a_secret_in_clear_stays() {
    for text in [
        "kind: Secret\nstringData:\n  a: hunter2\n",
        "kind: List\nitems:\n  - kind: Secret\n    stringData: {a: hunter2}\n",
        "- kind: Secret\n  stringData: {a: hunter2}\n",
        "{\"kind\": \"Secret\", \"stringData\": {\"a\": \"hunter2\"}}\n",
        "x: &x {kind: Secret, stringData: {a: hunter2}}\n<<: *x\n",
        "kind: List\nitems:\n- kind: \"Secret\"\n  stringData:\n    a: hunter2\nb: [\n",
    ] {
        let world = World::new();
        world.run(&files(&[("a.yaml", text)]));
        world.run(&files(&[("a.yaml", "kind: ConfigMap\n")]));
        assert_eq!(world.record(), None, "{text}");
        let mut open = vec![world.root.clone()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).expect("listed").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let left = fs::read(&path).expect("read");
                    let left = String::from_utf8_lossy(&left);
                    assert!(!left.contains("hunter2"), "{}: {text}", path.display());
                }
            }
        }
    }
    let world = World::new();
    world.run(&files(&[("a.yaml", "kind: ConfigMap\nspec: {kind: Secret}\n")]));
    world.run(&files(&[("a.yaml", "kind: ConfigMap\n")]));
    assert!(world.record().is_some(), "what holds none is kept for an undo");
}

#[test]
fn only_the_last_run_that_wrote_something_is_taken_back_and_only_once() {
    let world = World::new();
    assert_eq!(world.record(), None);
    let trees = [
        files(&[("a", "1\n")]),
        files(&[("a", "2\n")]),
        files(&[("a", "3\n")]),
    ];
    for tree in &trees {
        world.run(tree);
    }
    let record = world.record();
    assert_eq!(world.run(&trees[2]), Receipt::default(), "nothing to do");
    assert_eq!(
        world.record(),
        record,
        "a run without changes leaves the record alone"
    );
    world.undo(&mut OsDisk).expect("undone");
    assert_eq!(world.text("a").as_deref(), Some("2\n"));
    assert_eq!(
        world.record(),
        None,
        "an undo cannot be undone, nor the run before it"
    );
}

#[test]
fn every_file_that_changed_since_is_named_and_nothing_is_taken_back() {
    let (before, after) = (
        files(&[("a.yaml", "1\n"), ("gone.yaml", "1\n"), ("same.yaml", "1\n")]),
        files(&[("a.yaml", "2\n"), ("new.yaml", "2\n"), ("same.yaml", "1\n")]),
    );
    let world = World::new();
    world.run(&before);
    world.run(&after);
    world.put("a.yaml", "mine\n");
    world.put("gone.yaml", "mine\n");
    world.put("same.yaml", "not touched by the run\n");
    fs::remove_file(world.root.join("new.yaml")).expect("removed");
    world.put(LOCK_FILE, "");
    let now = world.files();
    let errors = world.undo(&mut OsDisk).expect_err("changed");
    let told: Vec<_> = errors.iter().map(|e| (e.code, e.message.as_str())).collect();
    let code = "undo/changed-since";
    assert_eq!(
        told,
        [
            (code, "`gone.yaml` was made again after the run that deleted it"),
            (code, "`a.yaml` changed after the run that wrote it"),
            (code, "`new.yaml` was deleted after the run that wrote it"),
            (code, "`clusterwright.lock` changed after the run that wrote it"),
        ]
    );
    assert!(errors.iter().all(|e| !e.help.is_empty()));
    assert_eq!(world.files(), now);
    assert!(world.record().is_some(), "the record stays for a better moment");
}

#[cfg(unix)]
#[test]
fn a_link_in_the_way_is_refused() {
    let (world, outside) = (World::new(), World::new());
    world.run(&files(&[("a/b.yaml", "1\n")]));
    fs::rename(world.root.join("a"), outside.root.join("a")).expect("moved");
    std::os::unix::fs::symlink(outside.root.join("a"), world.root.join("a")).expect("linked");
    let errors = world.undo(&mut OsDisk).expect_err("refused");
    assert_eq!(errors[0].code, "write/symlink");
    assert_eq!(outside.text("a/b.yaml").as_deref(), Some("1\n"));
}

#[test]
fn a_persons_file_in_a_new_directory_stays_with_its_directory() {
    let world = World::new();
    world.run(&files(&[("a/b/c.yaml", "1\n"), ("a/d.yaml", "1\n")]));
    world.put("a/mine.txt", "mine\n");
    world.undo(&mut OsDisk).expect("undone");
    assert_eq!(world.files(), files(&[("a/mine.txt", "mine\n")]));
    assert_eq!(world.dirs(), ["a"]);
}

#[test]
fn an_empty_directory_that_was_there_before_stays() {
    let world = World::new();
    fs::create_dir_all(world.root.join("a/b")).expect("made");
    world.run(&files(&[("a/b/c/d.yaml", "1\n")]));
    world.undo(&mut OsDisk).expect("undone");
    assert_eq!(world.dirs(), ["a", "a/b"]);
}

#[test]
fn a_damaged_record_is_refused_and_the_next_run_makes_a_new_one() {
    let spoil: [&dyn Fn(&World); 4] = [
        &|world| world.put(".clusterwright/undo/record", "torn"),
        &|world| world.put(".clusterwright/undo/old/0", "other\n"),
        &|world| fs::remove_dir_all(world.root.join(".clusterwright/undo/old")).expect("removed"),
        &|world| fs::write(world.root.join(".clusterwright/undo/record"), [0xff]).expect("written"),
    ];
    for spoil in spoil {
        let world = World::new();
        world.run(&files(&[("a", "1\n")]));
        world.run(&files(&[("a", "2\n")]));
        spoil(&world);
        let error = clusterwright::write::Record::load(&world.open()).expect_err("damaged");
        assert_eq!(error.code, "undo/damaged");
        assert_eq!(world.text("a").as_deref(), Some("2\n"));
        world.run(&files(&[("a", "3\n")]));
        world.undo(&mut OsDisk).expect("undone");
        assert_eq!(world.text("a").as_deref(), Some("2\n"));
    }
}

#[test]
fn a_second_run_is_refused_and_a_run_in_between_is_noticed() {
    let world = World::new();
    world.run(&files(&[("a", "1\n"), ("b", "1\n")]));
    world.run(&files(&[("a", "2\n"), ("b", "1\n")]));
    let record = world.record().expect("a record");
    let now = world.files();
    let held = RunLock::acquire(&world.open(), &mut OsDisk).expect("free");
    let error = undo(&record, &world.open(), &mut OsDisk).expect_err("held");
    assert_eq!(error.code, "write/another-run");
    drop(held);
    assert_eq!(world.files(), now);
    world.run(&files(&[("a", "2\n"), ("b", "2\n")]));
    let now = world.files();
    let error = undo(&record, &world.open(), &mut OsDisk).expect_err("outdated");
    assert_eq!(error.code, "undo/outdated");
    assert_eq!(world.files(), now);
    assert!(world.record().is_some());
}

#[test]
fn an_interrupted_run_comes_first() {
    let world = World::new();
    world.run(&files(&[("a", "1\n")]));
    let record = world.record().expect("a record");
    for at in 0.. {
        let _ = world.write(&files(&[("a", "2\n")]), &mut FaultyDisk::new(Fault::Kill, at));
        if world.root.join(".clusterwright/txn/plan").exists() {
            break;
        }
    }
    let error = undo(&record, &world.open(), &mut OsDisk).expect_err("unfinished");
    assert_eq!(error.code, "write/unfinished");
}

#[test]
fn a_kill_at_any_operation_of_an_undo_takes_back_all_or_nothing() {
    let (mut runs, mut outcomes) = (0, Vec::new());
    for scenario in scenarios() {
        for fault in [Fault::Kill, Fault::KillHalfway] {
            runs += at_every_operation(fault, |disk| {
                let (world, sides) = run(&scenario);
                let context = format!("{}, {fault:?} at {}", scenario.name, disk.at());
                let _ = world.undo(disk);
                let recovery = settle(&world, &sides, &context);
                // An empty directory that the system did not let us remove would be no reason to fail; a kill is none.
                assert_eq!(world.dirs(), sides.old_dirs, "{context}");
                outcomes.push(std::mem::discriminant(&recovery));
            });
        }
    }
    outcomes.dedup();
    assert!(outcomes.len() > 3, "discarded, completed, tidied and nothing");
    println!("{runs} kills of an undo");
    assert!(runs > 100, "{runs}");
}

#[test]
fn an_error_at_any_operation_of_an_undo_leaves_everything_as_it_was() {
    let mut runs = 0;
    for scenario in scenarios() {
        for fault in [
            Fault::Error(ErrorKind::StorageFull),
            Fault::Error(ErrorKind::PermissionDenied),
            Fault::Lie,
        ] {
            runs += at_every_operation(fault, |disk| {
                let (world, sides) = run(&scenario);
                let context = format!("{}, {fault:?} at {}", scenario.name, disk.at());
                let done = world.undo(disk);
                let mut now = world.files();
                now.retain(|path, _| !path.starts_with(".clusterwright/txn/"));
                match done {
                    Ok(_) => assert_eq!(now, sides.old, "{context}"),
                    Err(errors) => {
                        assert_eq!(now, sides.new, "{context}: {errors:?}");
                        assert!(!errors[0].notes.is_empty(), "{context}: says what became of it");
                    }
                }
                settle(&world, &sides, &context);
            });
        }
    }
    println!("{runs} errors in an undo");
    assert!(runs > 100, "{runs}");
}

#[test]
fn two_faults_in_an_undo_and_its_recovery_take_back_all_or_nothing() {
    let mut runs = 0;
    for scenario in scenarios() {
        for (first, second) in [
            (Fault::Error(ErrorKind::StorageFull), Fault::Kill),
            (Fault::Lie, Fault::Kill),
            (Fault::Lie, Fault::Lie),
        ] {
            for at in 0.. {
                let mut struck = false;
                for again in 0.. {
                    let (world, sides) = run(&scenario);
                    let mut disk = ErrorThenKill {
                        error: FaultyDisk::new(first, at),
                        kill: FaultyDisk::new(second, again),
                    };
                    let _ = world.undo(&mut disk);
                    let context = format!("{}, {first:?} at {at}, {second:?} at {again}", scenario.name);
                    settle(&world, &sides, &context);
                    runs += 1;
                    struck = disk.error.struck();
                    if !disk.kill.struck() {
                        break;
                    }
                }
                if !struck {
                    break;
                }
            }
        }
        for second in [Fault::Kill, Fault::KillHalfway] {
            for at in 0.. {
                let mut first = FaultyDisk::new(Fault::Kill, at);
                for again in 0.. {
                    let (world, sides) = run(&scenario);
                    first = FaultyDisk::new(Fault::Kill, at);
                    let _ = world.undo(&mut first);
                    let mut disk = FaultyDisk::new(second, again);
                    let _ = recover(&world.open(), &mut disk);
                    let context = format!("{}, killed at {at}, {second:?} at {again}", scenario.name);
                    settle(&world, &sides, &context);
                    runs += 1;
                    if !disk.struck() {
                        break;
                    }
                }
                if !first.struck() {
                    break;
                }
            }
        }
    }
    println!("{runs} double faults of an undo");
    assert!(runs > 500, "{runs}");
}

/// From the operation on at which it strikes, everything fails.
#[test]
fn a_dying_disk_takes_back_all_or_nothing_once_it_works_again() {
    let mut runs = 0;
    for scenario in scenarios() {
        for dies_in_undo in [false, true] {
            runs += at_every_operation(Fault::Kill, |disk| {
                let context = format!("{}, dies at {}, {dies_in_undo}", scenario.name, disk.at());
                if dies_in_undo {
                    let (world, sides) = run(&scenario);
                    let _ = world.undo(disk);
                    let _ = recover(&world.open(), disk);
                    settle(&world, &sides, &context);
                } else {
                    let world = World::new();
                    scenario.set_up(&world);
                    let (old, old_dirs) = (world.files(), world.dirs());
                    let changes = world.diff(&scenario.after, &Choices::default()).expect("diffs");
                    let _ = apply(&changes, &sealed(&scenario.after), &world.open(), disk);
                    let _ = recover(&world.open(), disk);
                    world.run(&scenario.after);
                    let new = world.files();
                    settle(&world, &Sides { old, old_dirs, new }, &context);
                }
            });
        }
    }
    println!("{runs} dying disks");
    assert!(runs > 100, "{runs}");
}

/// The lock has the hash of the render, the file holds a person's edit as well: the journal and the record must know
/// the bytes.
#[test]
fn a_merged_file_is_recovered_and_taken_back_by_its_own_bytes() {
    let render = files(&[("a.yaml", "rendered: 2\n")]);
    let mut recovered = 0;
    for at in 0.. {
        let world = World::new();
        world.run(&files(&[("a.yaml", "rendered: 1\n")]));
        world.put("a.yaml", "rendered: 1\nmine: 1\n");
        let old = world.files();
        let mut artifact = sealed(&render).get(&path("a.yaml")).expect("there").clone();
        let text = "rendered: 2\nmine: 1\n".to_owned();
        artifact.content = Text::Edited {
            text: text.clone(),
            render: artifact.text().to_owned(),
            moved_from: None,
        };
        let tree = through([artifact]);
        let lock = world.lock();
        let changes = ChangeSet::compute(&tree, &world.existing(&tree, &lock), &lock, &Choices::default());
        let changes = changes.expect("diffs");
        assert_eq!(changes.changes()[0].kind, ChangeKind::Merge);
        let mut disk = FaultyDisk::new(Fault::Kill, at);
        let _ = apply(&changes, &tree, &world.open(), &mut disk);
        let recovery = world.recover().expect("recovers");
        if world.files() != old {
            recovered += usize::from(matches!(recovery, Recovery::Completed(_)));
            assert_eq!(world.text("a.yaml"), Some(text));
            world.undo(&mut OsDisk).expect("as the run left it");
            assert_eq!(world.files(), old);
        }
        if !disk.struck() {
            break;
        }
    }
    assert!(recovered > 1, "{recovered}");
}

fn tree() -> impl Strategy<Value = Files> {
    prop::collection::btree_map("([ab]/){0,3}[xyz]\\.yaml", "[12]\r?\n", 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_undo_is_the_inverse_of_a_run(trees in prop::collection::vec(tree(), 1..4), last in tree()) {
        let world = World::new();
        world.put("mine.txt", "mine\n");
        for tree in &trees {
            world.run(tree);
        }
        let (old, dirs) = (world.files(), world.dirs());
        if world.run(&last) != Receipt::default() {
            world.undo(&mut OsDisk).expect("undone");
            prop_assert_eq!(world.record(), None);
        }
        prop_assert_eq!(world.files(), old);
        prop_assert_eq!(world.dirs(), dirs);
    }

    #[test]
    fn an_undo_never_takes_a_persons_edit(
        before in tree(), after in tree(), edits in prop::collection::btree_map("([ab]/){0,3}[xyz]\\.yaml", "mine[12]\n", 1..4),
    ) {
        let world = World::new();
        world.run(&before);
        if world.run(&after) == Receipt::default() {
            return Ok(());
        }
        let touched = world.record().expect("a record").check(&world.open()).expect("as written");
        for (path, text) in &edits {
            world.put(path, text);
        }
        let now = world.files();
        let hit = touched.iter().any(|file| edits.contains_key(file.path.as_str()));
        prop_assert_eq!(world.undo(&mut OsDisk).is_err(), hit);
        if hit {
            prop_assert_eq!(world.files(), now);
        }
        for (path, text) in &edits {
            let now = world.text(path);
            prop_assert_eq!(now.as_ref(), Some(text));
        }
    }
}

#[test]
fn the_record_is_ignored_by_git_even_without_our_gitignore() {
    let world = World::new();
    world.run(&files(&[("a", "1\n")]));
    assert_eq!(
        world.text(".clusterwright/undo/.gitignore").as_deref(),
        Some("*\n")
    );
    assert_eq!(world.run(&files(&[("a", "2\n")])).written, [path("a")]);
    assert!(world.root.join(".clusterwright/undo/.gitignore").exists());
}

#[cfg(unix)]
#[test]
fn nobody_else_looks_into_the_copies() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.run(&files(&[("a.yaml", "1\n")]));
    world.run(&files(&[("a.yaml", "2\n")]));
    let dir = world.root.join(".clusterwright/undo");
    let mode = fs::metadata(dir).expect("a record").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
