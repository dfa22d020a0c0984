//! Fuzzing without a fuzzer's toolchain: texts of many layouts, bent by mutations that know YAML. `just fuzz` runs as many as
//! one likes; `cargo test` a few hundred. Wrapped keys differ from run to run, and with them where a mutation falls: a
//! failure shows its text, for its seed may not bring it back.
//!
//! Each target asserts more than that nothing panics: places lie inside the text, and an edit changes the value it was
//! meant for and no other.

#[path = "../../src/tests/generate.rs"]
mod generate;
#[path = "../../src/tests/generate_json.rs"]
mod generate_json;
mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use targets::{TARGETS, Target};

/// Randomness that is the same for the same seed: splitmix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// What a number of runs came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Runs; a seed may stand for several.
    pub(crate) runs: u64,
    /// Runs that reached the deeper assertions, for the text was accepted.
    pub(crate) accepted: u64,
    /// The seeds and what was said, of runs that failed.
    pub(crate) failures: Vec<(u64, String)>,
}

/// Runs a target with the seeds `first..first + count`, on all cores.
pub(crate) fn run(target: &Target, first: u64, count: u64) -> Tally {
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut sum = Tally::default();
    std::thread::scope(|scope| {
        let seeds =
            |worker: u64| (first + worker..first + count).step_by(usize::try_from(workers).unwrap_or(1));
        let workers: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || run_seeds(target, seeds(worker))))
            .collect();
        for worker in workers {
            let tally = worker.join().expect("panics of a target are caught");
            sum.runs += tally.runs;
            sum.accepted += tally.accepted;
            sum.failures.extend(tally.failures);
        }
    });
    sum.failures.sort();
    sum
}

fn run_seeds(target: &Target, seeds: impl Iterator<Item = u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| (target.run)(&mut Dice::new(seed)))) {
            Ok(Ok(reach)) => {
                tally.runs += reach.runs;
                tally.accepted += reach.accepted;
            }
            Ok(Err(what)) => tally.failures.push((seed, what)),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                tally
                    .failures
                    .push((seed, format!("panic: {}", text.unwrap_or_default())));
            }
        }
    }
    tally
}

#[test]
fn a_few_hundred_runs_of_each_target() {
    for target in &TARGETS {
        let tally = run(target, 0, target.seeds);
        assert_eq!(tally.failures, [], "{}", target.name);
        assert!(
            tally.accepted > 10,
            "{}: only {} of {} accepted",
            target.name,
            tally.accepted,
            tally.runs
        );
    }
}
