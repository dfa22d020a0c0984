//! Real kills: this test binary runs itself, and the child aborts at operation n.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use super::adopt;
use super::disks::{Fault, FaultyDisk};
use super::faults::{Scenario, scenarios};
use super::world::{Files, World};

const ROOT: &str = "CLUSTERWRIGHT_TEST_KILL_ROOT";
const AT: &str = "CLUSTERWRIGHT_TEST_KILL_AT";
const SCENARIO: &str = "CLUSTERWRIGHT_TEST_KILL_SCENARIO";
const JOB: &str = "CLUSTERWRIGHT_TEST_KILL_JOB";

/// The child's part; does nothing in an ordinary test run.
#[test]
fn child() {
    let number = |name| {
        env::var_os(name)
            .and_then(|text| text.to_str()?.parse::<usize>().ok())
            .expect("a number")
    };
    let Some(root) = env::var_os(ROOT) else { return };
    let mut disk = FaultyDisk::new(Fault::Abort, number(AT));
    let world = World::at(Path::new(&root));
    let job = env::var_os(JOB).expect("a job");
    match job.to_str().expect("a word") {
        "write" => {
            let scenario = &scenarios()[number(SCENARIO)];
            world
                .write(&scenario.after, &mut disk)
                .expect("nothing else fails");
        }
        "undo" => {
            world.undo(&mut disk).expect("nothing else fails");
        }
        "adopt" => assert!(adopt::adopt(&world, &mut disk), "nothing else fails"),
        other => panic!("no job `{other}`"),
    }
}

/// Runs the child until it dies at operation `at`, or lives. Returns whether it lived.
fn child_lives(world: &World, job: &str, scenario: usize, at: usize) -> bool {
    let me = env::current_exe().expect("the test binary");
    let status = Command::new(&me)
        .args(["--exact", "write::kill::child", "--nocapture", "--test-threads=1"])
        .env(ROOT, &world.root)
        .env(AT, at.to_string())
        .env(SCENARIO, scenario.to_string())
        .env(JOB, job)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the test binary runs");
    assert!(
        !status.success() || at > 5,
        "the child took more than {at} operations"
    );
    status.success()
}

#[test]
fn an_aborted_process_leaves_old_or_new() {
    let mut kills = 0;
    for (number, scenario) in scenarios().iter().enumerate() {
        for at in 0.. {
            let world = World::new();
            scenario.set_up(&world);
            let old = world.files();
            let lives = child_lives(&world, "write", number, at);
            world
                .recover()
                .expect("recovers, for the lock of the dead is free");
            let now = world.files();
            world.run(&scenario.after);
            let new = world.files();
            assert!(now == old || now == new, "{} at {at}: {now:#?}", scenario.name);
            let holds = |files: &Files| files.iter().all(|(path, text)| new.get(path) == Some(text));
            assert!(
                holds(&scenario.after) && holds(&scenario.foreign),
                "{} at {at}: {new:#?}",
                scenario.name
            );
            assert_eq!(world.run(&scenario.after).written.len(), 0);
            if lives {
                assert_eq!(now, new, "{}: a child that lives has written", scenario.name);
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} real kills");
    assert!(kills > 30, "{kills}");
}

/// The world after the run that is taken back, and its files before and after.
fn undoable(scenario: &Scenario) -> (World, Files, Files) {
    let world = World::new();
    scenario.set_up(&world);
    let old = world.files();
    world.run(&scenario.after);
    let new = world.files();
    (world, old, new)
}

#[test]
fn an_aborted_undo_takes_back_all_or_nothing() {
    let mut kills = 0;
    for (number, scenario) in scenarios().iter().enumerate() {
        for at in 0.. {
            let (world, old, new) = undoable(scenario);
            let lives = child_lives(&world, "undo", number, at);
            world.recover().expect("recovers");
            let now = world.files();
            let undone = world.record().is_none();
            assert_eq!(
                &now,
                if undone { &old } else { &new },
                "{} at {at}",
                scenario.name
            );
            if !undone {
                world
                    .undo(&mut clusterwright::sys::disk::OsDisk)
                    .expect("undone at last");
                assert_eq!(world.files(), old, "{} at {at}", scenario.name);
            }
            if lives {
                assert!(undone, "{}: a child that lives has undone", scenario.name);
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} real kills of an undo");
    assert!(kills > 30, "{kills}");
}

#[test]
fn an_aborted_adoption_leaves_old_or_new() {
    let new = adopt::result();
    for at in 0.. {
        let world = adopt::existing();
        let old = world.files();
        let lives = child_lives(&world, "adopt", 0, at);
        adopt::settle(&world, &old, &new, &format!("killed at {at}"));
        if lives {
            println!("{at} real kills of an adoption");
            assert!(at > 15, "{at}");
            break;
        }
    }
}
