//! Runs the targets of `tests/fuzz`: `fuzz [SEEDS] [FIRST_SEED] [TARGET]`.
//!
//! Prints how often each ran and how often its text was accepted; failures with their seeds, and exits with 1.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::process::ExitCode;

#[path = "../../crates/sops/tests/fuzz/mod.rs"]
mod fuzz;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).map(|text| text.parse::<u64>()).transpose();
    let (Ok(seeds), Ok(first)) = (number(0), number(1)) else {
        eprintln!("usage: fuzz [SEEDS] [FIRST_SEED] [TARGET]");
        return ExitCode::FAILURE;
    };
    std::panic::set_hook(Box::new(|_| {}));
    let mut failed = false;
    let wanted = |name: &str| arguments.get(2).is_none_or(|target| target == name);
    for target in fuzz::TARGETS.iter().filter(|target| wanted(target.name)) {
        let tally = fuzz::run(target, first.unwrap_or(0), seeds.unwrap_or(target.seeds));
        println!(
            "{}: {} runs, {} accepted, {} failures",
            target.name,
            tally.runs,
            tally.accepted,
            tally.failures.len()
        );
        for (seed, what) in &tally.failures {
            println!("-- {} seed {seed}\n{what}", target.name);
        }
        failed |= !tally.failures.is_empty();
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
