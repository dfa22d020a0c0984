//! Every operation of a write fails or is the last one before a kill, in every scenario.

use std::io::ErrorKind;

use clusterwright::diag::concise;
use clusterwright::diag::{Diagnostic, Diagnostics};
use clusterwright::sys::disk::Disk;
use clusterwright::sys::root::{Refused, Root};
use clusterwright::write::{Record, Recovery, recover};

use super::disks::{Fault, FaultyDisk};
use super::world::{Files, World, files};

/// A state of the repository, and the tree that the run under test wants.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Files that a person wrote; they must never change.
    pub(super) foreign: Files,
    /// The tree of the run before; `None` for the first run.
    pub(super) before: Option<Files>,
    pub(super) after: Files,
}

impl Scenario {
    pub(super) fn set_up(&self, world: &World) {
        for (path, text) in &self.foreign {
            world.put(path, text);
        }
        if let Some(before) = &self.before {
            world.run(before);
        }
    }

    /// Returns all files as they are after a run that works.
    fn result(&self) -> Files {
        let world = World::new();
        self.set_up(&world);
        world.run(&self.after);
        world.files()
    }
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let foreign = files(&[("README.md", "mine\n"), ("a/notes.txt", "mine\n")]);
    vec![
        Scenario {
            name: "mix",
            foreign: foreign.clone(),
            before: Some(files(&[
                ("a/x.yaml", "1\n"),
                ("a/y.yaml", "1\n"),
                ("b/z.yaml", "1\n"),
            ])),
            after: files(&[("a/x.yaml", "2\n"), ("a/y.yaml", "1\n"), ("c/d/new.yaml", "2\n")]),
        },
        Scenario {
            name: "first run, nested",
            foreign,
            before: None,
            after: files(&[
                ("a/b/c/d/e.yaml", "1\n"),
                ("a/b/c/f.yaml", "1\n"),
                ("g.yaml", "1\n"),
            ]),
        },
        Scenario {
            name: "everything goes",
            foreign: Files::new(),
            before: Some(files(&[("a/b/c.yaml", "1\n"), ("a/d.yaml", "1\n")])),
            after: Files::new(),
        },
        Scenario {
            name: "only the lock",
            foreign: files(&[("a/x.yaml", "1\n")]),
            before: None,
            after: files(&[("a/x.yaml", "1\n")]),
        },
    ]
}

/// Runs `check` with a disk that strikes at 0, 1, 2, … until one run is over before it strikes. Returns the runs.
pub(super) fn at_every_operation(fault: Fault, mut check: impl FnMut(&mut FaultyDisk)) -> usize {
    for at in 0.. {
        let mut disk = FaultyDisk::new(fault, at);
        check(&mut disk);
        if !disk.struck() {
            assert!(at > 5, "a write takes more than {at} operations");
            return at;
        }
    }
    unreachable!("the loop ends in a run without a fault")
}

fn text_of(error: Diagnostic) -> String {
    let mut sink = Diagnostics::default();
    sink.push(error);
    concise::render(&sink)
}

/// The tree is the old or the new one without any help, once the journal is through; then a run is done and the next
/// one has nothing to do.
fn settle(
    scenario: &Scenario,
    world: &World,
    old: &Files,
    new: &Files,
    record: Option<&Record>,
    context: &str,
) -> Recovery {
    let recovery = world
        .recover()
        .unwrap_or_else(|errors| panic!("{context}: {errors:?}"));
    let now = world.files();
    assert!(
        &now == old || &now == new,
        "{context}: mixed after {recovery:?}: {now:#?}"
    );
    if matches!(recovery, Recovery::Completed(_)) {
        assert_eq!(&now, new, "{context}: completed means new");
    }
    if matches!(recovery, Recovery::Undone(_)) {
        assert_eq!(&now, old, "{context}: undone means old");
    }
    assert_eq!(world.recover(), Ok(Recovery::Nothing), "{context}: recovers once");
    record_fits(world, old, new, record, context);
    world.run(&scenario.after);
    assert_eq!(&world.files(), new, "{context}: after a fresh run");
    record_fits(world, old, new, record, context);
    let again = world.run(&scenario.after);
    assert_eq!(
        again,
        clusterwright::write::Receipt::default(),
        "{context}: a run too many"
    );
    recovery
}

/// An undo takes exactly the last finished run back.
fn record_fits(world: &World, old: &Files, new: &Files, before: Option<&Record>, context: &str) {
    if &world.files() == old && old != new {
        assert_eq!(world.record().as_ref(), before, "{context}: the record before");
    } else {
        let record = world.record().expect("a record");
        let files = record.check(&world.open()).expect("the run's own files");
        for file in files {
            let text = |bytes: Option<Vec<u8>>| bytes.map(|b| String::from_utf8_lossy(&b).into_owned());
            let path = file.path.as_str();
            assert_eq!(text(file.before).as_ref(), old.get(path), "{context}: {path}");
            assert_eq!(text(file.now).as_ref(), new.get(path), "{context}: {path}");
        }
    }
}

#[test]
fn a_kill_at_any_operation_leaves_old_or_new() {
    let (mut runs, mut outcomes) = (0, Vec::new());
    for scenario in scenarios() {
        let new = scenario.result();
        for fault in [Fault::Kill, Fault::KillHalfway] {
            runs += at_every_operation(fault, |disk| {
                let world = World::new();
                scenario.set_up(&world);
                let (old, record) = (world.files(), world.record());
                let context = format!("{}, {fault:?} at {}", scenario.name, disk.at());
                let done = world.write(&scenario.after, disk);
                let recovery = settle(&scenario, &world, &old, &new, record.as_ref(), &context);
                if done.is_err() {
                    outcomes.push(std::mem::discriminant(&recovery));
                }
            });
        }
    }
    outcomes.dedup();
    assert!(outcomes.len() > 2, "some runs are discarded, some completed");
    println!("{runs} kills");
    assert!(runs > 100, "{runs}");
}

#[test]
fn an_error_at_any_operation_leaves_old_or_new_at_once() {
    let mut runs = 0;
    for scenario in scenarios() {
        let new = scenario.result();
        for fault in [
            Fault::Error(ErrorKind::StorageFull),
            Fault::Error(ErrorKind::PermissionDenied),
            Fault::Lie,
        ] {
            runs += at_every_operation(fault, |disk| {
                let world = World::new();
                scenario.set_up(&world);
                let (old, record) = (world.files(), world.record());
                let context = format!("{}, {fault:?} at {}", scenario.name, disk.at());
                let done = world.write(&scenario.after, disk);
                let mut now = world.files();
                now.retain(|path, _| !path.starts_with(".clusterwright/txn/"));
                match done {
                    Ok(_) => assert_eq!(now, new, "{context}"),
                    Err(error) => {
                        assert_eq!(now, old, "{context}: {error:?}");
                        let text = text_of(error.clone());
                        assert!(
                            text.contains("cannot ") && text.contains('`'),
                            "{context}: {text}"
                        );
                        assert!(!error.notes.is_empty(), "{context}: says what became of it");
                    }
                }
                settle(&scenario, &world, &old, &new, record.as_ref(), &context);
            });
        }
    }
    println!("{runs} errors");
    assert!(runs > 100, "{runs}");
}

#[test]
fn a_kill_during_the_undo_or_the_recovery_is_recovered_too() {
    let mut runs = 0;
    for scenario in scenarios() {
        let new = scenario.result();
        for second in [Fault::Kill, Fault::KillHalfway] {
            for at in 0.. {
                let mut first = FaultyDisk::new(Fault::Kill, at);
                for again in 0.. {
                    let world = World::new();
                    scenario.set_up(&world);
                    let (old, record) = (world.files(), world.record());
                    first = FaultyDisk::new(Fault::Kill, at);
                    let _ = world.write(&scenario.after, &mut first);
                    let mut disk = FaultyDisk::new(second, again);
                    let _ = recover(&world.open(), &mut disk);
                    let context = format!("{}, killed at {at}, {second:?} at {again}", scenario.name);
                    settle(&scenario, &world, &old, &new, record.as_ref(), &context);
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
    println!("{runs} double kills");
    assert!(runs > 300, "{runs}");
}

/// An error that makes the run undo itself, and a kill during that.
pub(super) struct ErrorThenKill {
    pub(super) error: FaultyDisk,
    pub(super) kill: FaultyDisk,
}

impl Disk for ErrorThenKill {
    fn create_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        self.next(|disk| disk.create_dir_all(root, path))
    }
    fn write(&mut self, root: &Root, path: &str, bytes: &[u8]) -> Result<(), Refused> {
        self.next(|disk| disk.write(root, path, bytes))
    }
    fn rename(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        self.next(|disk| disk.rename(root, from, to))
    }
    fn remove_file(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        self.next(|disk| disk.remove_file(root, path))
    }
    fn remove_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        self.next(|disk| disk.remove_dir_all(root, path))
    }
    fn copy_mode(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        self.next(|disk| disk.copy_mode(root, from, to))
    }
    fn remove_empty_dir(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        self.next(|disk| disk.remove_empty_dir(root, path))
    }
}

impl ErrorThenKill {
    fn next(&mut self, act: impl FnOnce(&mut FaultyDisk) -> Result<(), Refused>) -> Result<(), Refused> {
        if self.error.struck() {
            act(&mut self.kill)
        } else {
            act(&mut self.error)
        }
    }
}

#[test]
fn an_error_and_then_a_kill_or_a_second_error_leave_old_or_new() {
    let (mut runs, mut undone) = (0, 0);
    for scenario in scenarios() {
        let new = scenario.result();
        for (first, second) in [
            (Fault::Error(ErrorKind::StorageFull), Fault::Kill),
            (Fault::Lie, Fault::Kill),
            (
                Fault::Error(ErrorKind::PermissionDenied),
                Fault::Error(ErrorKind::PermissionDenied),
            ),
            (Fault::Lie, Fault::Lie),
        ] {
            for at in 0.. {
                let mut struck = false;
                for again in 0.. {
                    let world = World::new();
                    scenario.set_up(&world);
                    let (old, record) = (world.files(), world.record());
                    let mut disk = ErrorThenKill {
                        error: FaultyDisk::new(first, at),
                        kill: FaultyDisk::new(second, again),
                    };
                    let _ = world.write(&scenario.after, &mut disk);
                    let context = format!("{}, {first:?} at {at}, {second:?} at {again}", scenario.name);
                    let recovery = settle(&scenario, &world, &old, &new, record.as_ref(), &context);
                    undone += usize::from(matches!(recovery, Recovery::Undone(_)));
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
    }
    println!("{runs} errors with a second fault, {undone} finished by the next run's undo");
    assert!(runs > 500 && undone > 10, "{runs}, {undone}");
}
