//! Repositories of strangers: links, devices, forged records and odd names in every place that a command reads, and every
//! command run in them.
//!
//! Each case is made from its number alone. What must hold, whatever a case holds:
//!
//! - nothing outside of the root is opened or changed: a watch on everything outside tells (and a trace of the system
//!   calls, with `just hostile` where strace is there), and what lies there never stands in an output or in the tree;
//! - nothing is executed: every program that could be found, and every hook of git's, would leave a trace;
//! - what only looks changes nothing, nothing is written without `--yes`, and no command changes what a person keeps;
//! - no panic, at most 200 MB of memory and ten seconds.
//!
//! `cargo test` runs some hundred cases with a command or some each, `just hostile 5000` any number with every command.
//! `CLUSTERWRIGHT_HOSTILE_BIN` names another binary to run, such as an older one.

mod attacks;
mod commands;
mod places;
mod sandbox;
mod watch;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use commands::{COMMANDS, Invocation};
use sandbox::{Base, Case};

/// How many cases `cargo test` runs.
const SHORT: usize = 160;

/// Repeatable chance: splitmix64, which needs no warming up for small seeds.
pub(super) struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).expect("small")
    }
}

#[derive(Default)]
struct Tally {
    runs: AtomicUsize,
    refused: AtomicUsize,
    attacks: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|text| text.into_string().ok())
}

fn binary() -> PathBuf {
    variable("CLUSTERWRIGHT_HOSTILE_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_clusterwright").into(), PathBuf::from)
}

/// Runs one case; its findings go into the tally.
#[allow(
    clippy::print_stdout,
    reason = "a long run tells as it goes, for it may be ended before its end"
)]
fn run_case(base: &Base, number: usize, all: bool, tally: &Tally) {
    let mut chance = Chance::new(number as u64);
    let mut case = Case::new(base, number);
    let count = 1 + chance.below(3);
    for _ in 0..count {
        // The first attack goes through all of them in turn, so that none is left to chance.
        let attack = match case.attacks.len() {
            0 => attacks::nth(number),
            _ => attacks::nth(chance.below(usize::MAX >> 1)),
        };
        case.attack(&attack, &mut chance);
    }
    let invocations: Vec<&Invocation> = if all {
        COMMANDS.iter().collect()
    } else if number.is_multiple_of(4) {
        // A forged record is for those that write.
        let writers: &[&[&str]] = &[&["configure"], &["configure", "--yes"], &["undo", "--yes"]];
        let writers = COMMANDS
            .iter()
            .filter(|invocation| writers.contains(&invocation.args));
        writers.collect()
    } else {
        vec![&COMMANDS[number % COMMANDS.len()]]
    };
    tally.attacks.fetch_add(case.attacks.len(), Ordering::Relaxed);
    let trace = all && number.is_multiple_of(8);
    for invocation in invocations {
        let (code, faults) = case.run(invocation, trace);
        tally.runs.fetch_add(1, Ordering::Relaxed);
        tally
            .refused
            .fetch_add(usize::from(code == Some(1)), Ordering::Relaxed);
        if !faults.is_empty() {
            let told: Vec<String> = faults.iter().map(|fault| format!("    {fault}")).collect();
            let text = format!(
                "case {number}, `{}`, attacks {:?}:\n{}",
                invocation.args.join(" "),
                case.attacks,
                told.join("\n")
            );
            println!("{text}");
            tally.failures.lock().expect("not poisoned").push(text);
            // What comes after would only repeat it.
            return;
        }
    }
}

#[test]
fn a_strangers_repository_can_be_opened() {
    let wanted = variable("CLUSTERWRIGHT_HOSTILE").and_then(|text| text.parse().ok());
    let first: usize = variable("CLUSTERWRIGHT_HOSTILE_FIRST")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let cases: usize = wanted.unwrap_or(SHORT);
    let base = Base::new(binary());
    let start = std::time::Instant::now();
    let tally = Tally::default();
    let next = AtomicUsize::new(first);
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + cases {
                        break;
                    }
                    if wanted.is_some() && number.is_multiple_of(100) {
                        println!("case {number}, after {:?}", start.elapsed());
                    }
                    run_case(&base, number, wanted.is_some(), &tally);
                }
            });
        }
    });
    let failures = tally.failures.into_inner().expect("not poisoned");
    println!(
        "{cases} repositories, {} attacks in them, {} runs, {} refused, {} failures, {:?}",
        tally.attacks.load(Ordering::Relaxed),
        tally.runs.load(Ordering::Relaxed),
        tally.refused.load(Ordering::Relaxed),
        failures.len(),
        start.elapsed()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        tally.attacks.load(Ordering::Relaxed) >= cases,
        "every case has an attack"
    );
}

#[test]
fn without_an_attack_every_command_works() {
    let base = Base::new(env!("CARGO_BIN_EXE_clusterwright").into());
    let mut case = Case::new(&base, 0);
    for invocation in COMMANDS {
        let (code, faults) = case.run(invocation, false);
        assert_eq!(faults, [""; 0], "{:?}", invocation.args);
        assert!(
            invocation.may_fail || matches!(code, Some(0 | 2)),
            "{:?} ends with {code:?}: {}",
            invocation.args,
            case.last_output
        );
    }
}

#[test]
fn no_command_is_left_out() {
    fn leaves(command: &clap::Command, above: &[&str], found: &mut Vec<String>) {
        let subcommands: Vec<_> = command.get_subcommands().collect();
        for subcommand in &subcommands {
            let path = [above, &[subcommand.get_name()]].concat();
            leaves(subcommand, &path, found);
        }
        if subcommands.is_empty() {
            found.push(above.join(" "));
        }
    }
    let mut found = Vec::new();
    leaves(&clusterwright::cli::command(), &[], &mut found);
    assert!(found.len() > 20, "{found:?}");
    for command in found {
        assert!(
            COMMANDS
                .iter()
                .any(|invocation| format!("{} ", invocation.args.join(" "))
                    .starts_with(&format!("{command} "))),
            "`{command}` is run in no hostile repository"
        );
    }
}
