//! Adopting a part of what is foreign: nothing else is touched, whatever happens.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use clusterwright::diff::{ChangeKind, ChangeSet};
use clusterwright::sys::disk::{Disk, OsDisk};
use clusterwright::world::Choices;
use clusterwright::world::lock::Lock;
use clusterwright::write::{Receipt, Recovery, apply, recover};
use proptest::prelude::*;

use super::disks::{Fault, FaultyDisk};
use super::faults::{ErrorThenKill, at_every_operation};
use super::world::{Files, World, files, path, sealed};

/// The tree that is rendered.
fn wanted() -> Files {
    files(&[
        ("a/replaced.yaml", "1\n"),
        ("a/kept.yaml", "1\n"),
        ("a/same.yaml", "1\n"),
        ("a/missing.yaml", "1\n"),
        ("b/not-picked.yaml", "1\n"),
        ("b/also-same.yaml", "1\n"),
        ("ours.yaml", "1\n"),
    ])
}

/// A repository with one file of ours and many that are not.
pub(super) fn existing() -> World {
    let world = World::new();
    world.run(&files(&[("ours.yaml", "1\n")]));
    for (path, text) in [
        ("a/replaced.yaml", "mine\n"),
        ("a/kept.yaml", "mine\n"),
        ("a/same.yaml", "1\n"),
        ("b/not-picked.yaml", "mine\n"),
        ("b/also-same.yaml", "1\n"),
        ("c/foreign.txt", "mine\n"),
    ] {
        world.put(path, text);
    }
    world
}

/// What adopting the folder `a` is, with one file kept.
fn picked(world: &World) -> ChangeSet {
    let choices = Choices {
        overwrite: [path("a/replaced.yaml")].into(),
        keep: [path("a/kept.yaml")].into(),
        ..Choices::default()
    };
    let paths: BTreeSet<_> = ["a/replaced.yaml", "a/kept.yaml", "a/same.yaml"].map(path).into();
    world.diff(&wanted(), &choices).expect("diffs").only(&paths)
}

pub(super) fn adopt(world: &World, disk: &mut impl Disk) -> bool {
    apply(&picked(world), &sealed(&wanted()), &world.open(), disk).is_ok()
}

/// All files after an adoption that works.
pub(super) fn result() -> Files {
    let world = existing();
    assert!(adopt(&world, &mut OsDisk));
    world.files()
}

fn names(lock: &Lock) -> Vec<&str> {
    lock.entries
        .keys()
        .map(clusterwright::tree::RepoPath::as_str)
        .collect()
}

/// Old or new, then new, then old again by an undo.
pub(super) fn settle(world: &World, old: &Files, new: &Files, context: &str) {
    let recovery = world
        .recover()
        .unwrap_or_else(|errors| panic!("{context}: {errors:?}"));
    let now = world.files();
    assert!(
        &now == old || &now == new,
        "{context}: mixed after {recovery:?}: {now:#?}"
    );
    assert_eq!(world.recover(), Ok(Recovery::Nothing), "{context}: recovers once");
    if &now == old {
        assert!(adopt(world, &mut OsDisk), "{context}: adopts at last");
    }
    assert_eq!(&world.files(), new, "{context}");
    world.undo(&mut OsDisk).expect("undone");
    assert_eq!(&world.files(), old, "{context}: undone");
}

#[test]
fn only_what_was_picked_changes_and_enters_the_lock() {
    let world = existing();
    let old = world.files();
    assert!(adopt(&world, &mut OsDisk));
    let new = world.files();
    let changed: Vec<&String> = new
        .keys()
        .filter(|path| old.get(*path) != new.get(*path))
        .collect();
    assert_eq!(changed, ["a/replaced.yaml", "clusterwright.lock"]);
    assert_eq!(
        names(&world.lock()),
        ["a/kept.yaml", "a/replaced.yaml", "a/same.yaml", "ours.yaml"]
    );
    let later = world.diff(&wanted(), &Choices::default()).expect("diffs");
    let kind = |name: &str| {
        later
            .changes()
            .iter()
            .find(|c| c.path.as_str() == name)
            .map(|c| c.kind)
    };
    assert_eq!(
        kind("a/kept.yaml"),
        Some(ChangeKind::Kept),
        "mine stays, without a word"
    );
    assert_eq!(kind("b/not-picked.yaml"), Some(ChangeKind::ForeignDiffers));
    assert_eq!(kind("a/missing.yaml"), Some(ChangeKind::Create));
    settle(&world, &old, &new, "no fault");
}

#[test]
fn picking_nothing_changes_nothing() {
    let world = existing();
    let set = world
        .diff(&wanted(), &Choices::default())
        .expect("diffs")
        .only(&BTreeSet::new());
    assert!(set.is_empty());
    let done = apply(
        &set,
        &sealed(&wanted()),
        &world.open(),
        &mut FaultyDisk::new(Fault::Kill, 0),
    );
    assert_eq!(done, Ok(Receipt::default()));
}

#[test]
fn one_fault_anywhere_leaves_old_or_new() {
    let (new, mut runs) = (result(), 0);
    for fault in [
        Fault::Kill,
        Fault::KillHalfway,
        Fault::Error(ErrorKind::StorageFull),
        Fault::Error(ErrorKind::PermissionDenied),
        Fault::Lie,
    ] {
        runs += at_every_operation(fault, |disk| {
            let world = existing();
            let old = world.files();
            let context = format!("{fault:?} at {}", disk.at());
            adopt(&world, disk);
            settle(&world, &old, &new, &context);
        });
    }
    println!("{runs} faults of an adoption");
    assert!(runs > 80, "{runs}");
}

#[test]
fn two_faults_anywhere_leave_old_or_new() {
    let (new, mut runs) = (result(), 0);
    for (first, second) in [
        (Fault::Error(ErrorKind::StorageFull), Fault::Kill),
        (Fault::Lie, Fault::Kill),
        (Fault::Lie, Fault::Lie),
        (Fault::Kill, Fault::Kill),
        (Fault::Kill, Fault::KillHalfway),
    ] {
        for at in 0.. {
            let mut struck = false;
            for again in 0.. {
                let world = existing();
                let old = world.files();
                let context = format!("{first:?} at {at}, {second:?} at {again}");
                let hit = if first == Fault::Kill {
                    let mut disk = FaultyDisk::new(first, at);
                    adopt(&world, &mut disk);
                    struck = disk.struck();
                    let mut disk = FaultyDisk::new(second, again);
                    let _ = recover(&world.open(), &mut disk);
                    disk.struck()
                } else {
                    let mut disk = ErrorThenKill {
                        error: FaultyDisk::new(first, at),
                        kill: FaultyDisk::new(second, again),
                    };
                    adopt(&world, &mut disk);
                    struck = disk.error.struck();
                    disk.kill.struck()
                };
                settle(&world, &old, &new, &context);
                runs += 1;
                if !hit {
                    break;
                }
            }
            if !struck {
                break;
            }
        }
    }
    println!("{runs} double faults of an adoption");
    assert!(runs > 200, "{runs}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn an_adoption_touches_no_other_path_and_is_undone_exactly(
        mine in prop::collection::btree_map("[ab]/[xyz]\\.yaml", "[12]\n", 0..6),
        rendered in prop::collection::btree_map("[ab]/[xyz]\\.yaml", "[12]\n", 0..6),
        pick in prop::collection::btree_set("[ab]/[xyz]\\.yaml", 0..6),
    ) {
        let world = World::new();
        for (path, text) in &mine {
            world.put(path, text);
        }
        let old = world.files();
        let differs = |name: &String| mine.get(name).is_some_and(|text| rendered.get(name).is_some_and(|r| r != text));
        let picked: BTreeSet<String> = pick.into_iter().filter(|name| mine.contains_key(name)).collect();
        let choices = Choices {
            overwrite: picked.iter().filter(|name| differs(name)).map(|name| path(name)).collect(),
            ..Choices::default()
        };
        let paths: BTreeSet<_> = picked.iter().map(|name| path(name)).collect();
        let changes = world.diff(&rendered, &choices).expect("diffs").only(&paths);
        let receipt = apply(&changes, &sealed(&rendered), &world.open(), &mut OsDisk).expect("writes");
        let lock = world.lock();
        for (name, text) in &mine {
            let now = world.text(name);
            if picked.contains(name) && rendered.contains_key(name) {
                prop_assert_eq!(now.as_ref(), rendered.get(name));
                prop_assert!(lock.entries.contains_key(&path(name)));
            } else {
                prop_assert_eq!(now.as_ref(), Some(text));
                prop_assert!(!lock.entries.contains_key(&path(name)));
            }
        }
        prop_assert!(rendered.keys().all(|name| mine.contains_key(name) || world.text(name).is_none()));
        if receipt != Receipt::default() {
            world.undo(&mut OsDisk).expect("undone");
        }
        prop_assert_eq!(world.files(), old);
    }
}
