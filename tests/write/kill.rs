//! Real kills: this test binary runs itself, and the child aborts at operation n.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use super::disks::{Fault, FaultyDisk};
use super::faults::scenarios;
use super::world::World;

const ROOT: &str = "CLUSTERWRIGHT_TEST_KILL_ROOT";
const AT: &str = "CLUSTERWRIGHT_TEST_KILL_AT";
const SCENARIO: &str = "CLUSTERWRIGHT_TEST_KILL_SCENARIO";

/// The child's part; does nothing in an ordinary test run.
#[test]
fn child() {
    let number = |name| {
        env::var_os(name)
            .and_then(|text| text.to_str()?.parse::<usize>().ok())
            .expect("a number")
    };
    let Some(root) = env::var_os(ROOT) else { return };
    let scenario = &scenarios()[number(SCENARIO)];
    let mut disk = FaultyDisk::new(Fault::Abort, number(AT));
    World::at(Path::new(&root))
        .write(&scenario.after, &mut disk)
        .expect("nothing else fails");
}

#[test]
fn an_aborted_process_leaves_old_or_new() {
    let me = env::current_exe().expect("the test binary");
    let mut kills = 0;
    for (number, scenario) in scenarios().iter().enumerate() {
        for at in 0.. {
            let world = World::new();
            scenario.set_up(&world);
            let old = world.files();
            let status = Command::new(&me)
                .args(["--exact", "write::kill::child", "--nocapture", "--test-threads=1"])
                .env(ROOT, &world.root)
                .env(AT, at.to_string())
                .env(SCENARIO, number.to_string())
                .env("RUST_BACKTRACE", "0")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .expect("the test binary runs");
            world
                .recover()
                .expect("recovers, for the lock of the dead is free");
            let now = world.files();
            world.run(&scenario.after);
            let new = world.files();
            assert!(now == old || now == new, "{} at {at}: {now:#?}", scenario.name);
            assert!(
                scenario
                    .after
                    .iter()
                    .all(|(path, text)| new.get(path) == Some(text)),
                "{} at {at}: {new:#?}",
                scenario.name
            );
            assert!(
                scenario
                    .foreign
                    .iter()
                    .all(|(path, text)| new.get(path) == Some(text))
            );
            assert_eq!(world.run(&scenario.after).written.len(), 0);
            if status.success() {
                assert!(at > 5, "the child took more than {at} operations");
                assert_eq!(now, new, "{}: a child that lives has written", scenario.name);
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} real kills");
    assert!(kills > 30, "{kills}");
}
