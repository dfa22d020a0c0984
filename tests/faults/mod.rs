//! The real binary, killed with SIGKILL at random moments while it configures, undoes and adopts.
//!
//! A short set belongs to `cargo test`; `just faults` runs thousands. Whatever happens, the files are those before or
//! those after, once the next run has looked at what it finds.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use clusterwright::sys::disk::OsDisk;
use clusterwright::sys::root::Root;
use clusterwright::write::{Record, Recovery, recover};

use crate::support::{MINIMAL, Repo};

/// How many runs are killed, unless `CLUSTERWRIGHT_FAULTS` says otherwise.
const SHORT: usize = 24;

/// Most polls of the child between the start of its transaction and its death: a little more than one takes.
const POLLS: u64 = 6000;

const EDITED: &str = "kubernetes/apps/default/echo/app/helmrelease.yaml";
const LOCK: &str = "clusterwright.lock";

type Files = BTreeMap<String, Vec<u8>>;

/// Repeatable chance: xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn config(on: bool) -> String {
    format!(
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: {on}\ntracing_enabled: {on}\n{MINIMAL}"
    )
}

/// What the runs are about: neither the configuration nor our own records.
fn files(repo: &Repo) -> Files {
    let mut files = repo.files_without_record();
    files.retain(|name, _| name != "cluster.yaml" && name != ".clusterwright/run.lock");
    files
}

fn start(repo: &Repo, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_clusterwright"))
        .args(args)
        .current_dir(repo.root())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

/// Lets the child run into its transaction and kills it a random while later. Returns whether the kill came in time.
fn kill(repo: &Repo, mut child: Child, chance: &mut Chance) -> bool {
    // Half of them while they stage, the other half while they write.
    let (mark, polls) = match chance.below(2) {
        0 => (".clusterwright/txn", POLLS),
        _ => (".clusterwright/txn/plan", POLLS / 2),
    };
    let mark = repo.path(mark);
    while !mark.exists() {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
    }
    for _ in 0..chance.below(polls) {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
    }
    let _ = child.kill();
    let status = child.wait().expect("a child");
    status.code().is_none()
}

#[derive(Default, Debug)]
struct Count {
    runs: usize,
    killed: usize,
    nothing: usize,
    discarded: usize,
    completed: usize,
    undone: usize,
    tidied: usize,
}

impl Count {
    fn of(&mut self, recovery: &Recovery) {
        match recovery {
            Recovery::Nothing => self.nothing += 1,
            Recovery::Discarded => self.discarded += 1,
            Recovery::Completed(_) => self.completed += 1,
            Recovery::Undone(_) => self.undone += 1,
            Recovery::Tidied => self.tidied += 1,
        }
    }
}

/// A repository that is switched between two configurations.
struct Switch {
    repo: Repo,
    /// The files without and with loki and tracing.
    states: [Files; 2],
    /// Which of the two is on the disk.
    at: usize,
    count: Count,
}

impl Switch {
    fn new() -> Self {
        let repo = Repo::with(&config(false));
        repo.ok(&["configure", "--yes"]);
        let off = files(&repo);
        repo.write("cluster.yaml", &config(true));
        repo.ok(&["configure", "--yes"]);
        let on = files(&repo);
        assert!(off.len() + 10 <= on.len());
        Self {
            repo,
            states: [off, on],
            at: 1,
            count: Count::default(),
        }
    }

    /// After a kill: recovers, maybe dying once more on the way, and finds the files before or after.
    fn settle(&mut self, wanted: [&Files; 2], chance: &mut Chance, context: &str) -> usize {
        if chance.below(3) == 0 {
            let child = start(&self.repo, &["undo"]);
            kill(&self.repo, child, chance);
        }
        let recovery = recover(&Root::new(self.repo.root()), &mut OsDisk);
        let recovery = recovery.unwrap_or_else(|errors| panic!("{context}: {errors:?}"));
        self.count.of(&recovery);
        let now = files(&self.repo);
        Record::load(&Root::new(self.repo.root())).unwrap_or_else(|error| panic!("{context}: {error:?}"));
        let side = wanted.iter().position(|files| **files == now);
        side.unwrap_or_else(|| {
            let other: Vec<&String> = now
                .keys()
                .chain(wanted[0].keys())
                .filter(|path| now.get(*path) != wanted[0].get(*path))
                .collect();
            panic!("{context}: neither before nor after; {recovery:?}; differs from before: {other:?}")
        })
    }

    fn run(&mut self, args: &[&str], from: &Files, to: &Files, chance: &mut Chance) -> usize {
        let child = start(&self.repo, args);
        self.count.runs += 1;
        self.count.killed += usize::from(kill(&self.repo, child, chance));
        let context = format!("{args:?}, run {}", self.count.runs);
        self.settle([from, to], chance, &context)
    }

    fn configure(&mut self, chance: &mut Chance) {
        let other = 1 - self.at;
        self.repo.write("cluster.yaml", &config(other == 1));
        let states = self.states.clone();
        let side = self.run(&["configure", "--yes"], &states[self.at], &states[other], chance);
        self.at = [self.at, other][side];
    }

    /// The last run that wrote was a switch, so its undo is one.
    fn undo(&mut self, chance: &mut Chance) {
        if Record::load(&Root::new(self.repo.root()))
            .expect("whole")
            .is_none()
        {
            return self.configure(chance);
        }
        let states = self.states.clone();
        let other = 1 - self.at;
        let side = self.run(&["undo", "--yes"], &states[self.at], &states[other], chance);
        self.at = [self.at, other][side];
    }

    /// Forgets the lock and edits a file; adopting gives the state back. Goes on until it is there.
    fn adopt(&mut self, chance: &mut Chance) {
        let state = self.states[self.at].clone();
        self.repo.write("cluster.yaml", &config(self.at == 1));
        std::fs::remove_file(self.repo.path(LOCK)).expect("removed");
        let text = self.repo.read(EDITED);
        self.repo
            .write(EDITED, &text.replacen("spec:\n", "spec:\n  timeout: 3m\n", 1));
        let foreign = files(&self.repo);
        assert_ne!(foreign, state);
        let mut tries = 0;
        while self.run(&["adopt", "--all", "--yes"], &foreign, &state, chance) == 0 {
            tries += 1;
            assert!(tries < 200, "adopting never comes through");
        }
        // What an undo would take back now is the adoption: start afresh.
        let _ = std::fs::remove_dir_all(self.repo.path(".clusterwright/undo"));
    }

    /// Two at once: one of them may be refused, and one is killed.
    fn two(&mut self, chance: &mut Chance) {
        let other = 1 - self.at;
        self.repo.write("cluster.yaml", &config(other == 1));
        let mut second = start(&self.repo, &["configure", "--yes"]);
        let states = self.states.clone();
        let first = start(&self.repo, &["configure", "--yes"]);
        self.count.runs += 2;
        self.count.killed += usize::from(kill(&self.repo, first, chance));
        second.wait().expect("a child");
        let side = self.settle([&states[self.at], &states[other]], chance, "two at once");
        self.at = [self.at, other][side];
    }
}

#[test]
fn random_kills_leave_before_or_after() {
    let runs = std::env::var_os("CLUSTERWRIGHT_FAULTS").and_then(|text| text.to_str()?.parse().ok());
    let runs = runs.unwrap_or(SHORT);
    let mut switch = Switch::new();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ runs as u64);
    while switch.count.runs < runs {
        match chance.below(8) {
            0..=2 => switch.configure(&mut chance),
            3..=5 => switch.undo(&mut chance),
            6 => switch.adopt(&mut chance),
            _ => switch.two(&mut chance),
        }
    }
    println!("{:?}", switch.count);
    assert!(
        switch.count.killed * 4 > runs,
        "most runs die: {:?}",
        switch.count
    );
    // After all of that, an ordinary run does what it should.
    switch.repo.write("cluster.yaml", &config(true));
    switch.repo.ok(&["configure", "--yes"]);
    assert_eq!(files(&switch.repo), switch.states[1]);
}
