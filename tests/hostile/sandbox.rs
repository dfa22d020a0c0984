//! A case: a repository with attacks, what lies outside of it, and how a command is run and judged there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clusterwright::sys::root::Root;
use clusterwright::vcs;
use clusterwright::world::side;
use tempfile::TempDir;

use super::commands::{CLEAR, Invocation, SEALED, Writes};
use super::watch::{Watch, trace_faults};
use crate::support::{AGE_KEY, GITIGNORE, MINIMAL, RECIPIENT, Repo, directory};

/// Stands in everything outside of the root, in the environment, and nowhere else.
pub(super) const CANARY: &str = "outside-canary-7f3a9d";
/// The same in base64, at each of the three ways to be cut.
const CANARY_BASE64: [&str; 3] = [
    "b3V0c2lkZS1jYW5hcnktN2Yz",
    "91dHNpZGUtY2FuYXJ5LTdmM2E5",
    "vdXRzaWRlLWNhbmFyeS03ZjNh",
];
/// Where everybody may read, and nobody should.
const PASSWD: &str = "root:x:0:0";

/// Most memory of a run, in kB.
const MEMORY: u64 = 200 * 1024;
/// Longest run. Processor time is what is meant; a run that waits for a pipe is found by the clock, which on a busy
/// machine needs some more.
const SECONDS: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// Programs that a command could be made to run.
const PROGRAMS: [&str; 14] = [
    "git",
    "sops",
    "age",
    "age-plugin-x",
    "sh",
    "bash",
    "vi",
    "nano",
    "editor",
    "ssh",
    "helm",
    "kustomize",
    "python3",
    "touch",
];

/// A file or folder as a snapshot knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    mode: u32,
    /// Of a folder that may be written into, neither this nor the time counts.
    inode: u64,
    time: (i64, i64),
    /// Of a file.
    bytes: Option<u64>,
}

/// By path, whose bytes are compared: its parts would cost more than all else here.
type Snapshot = BTreeMap<OsString, Facts>;

/// The repository that cases start from: configured, committed, with something at every place.
pub(super) struct Base {
    repo: Repo,
    binary: PathBuf,
}

impl Base {
    pub(super) fn new(binary: PathBuf) -> Self {
        let repo = Repo::with(MINIMAL);
        repo.write(".gitignore", GITIGNORE);
        repo.write(".gitattributes", "?*.sops.* text\n");
        let rule = format!(
            "creation_rules:\n  - path_regex: .*\n    encrypted_regex: ^stringData$\n    age: {RECIPIENT}\n"
        );
        repo.write("own/.sops.yaml", &rule);
        repo.write(CLEAR, "kind: Thing\nstringData:\n  key: value\n");
        repo.write(SEALED, "kind: Thing\nstringData:\n  key: value\n");
        repo.ok(&["secrets", "encrypt", "-i", SEALED]);
        repo.ok(&["new-app", "media/own"]);
        repo.write("templates/repo/docs/own.md", "# Own\n");
        repo.write("makejinja.toml", "[makejinja]\ninputs = [\"./templates/config\"]\noutput = \"./\"\ndata = [\"./data/more.yaml\"]\n");
        repo.write("templates/config/raw/one.yaml.j2", "name: {{ name }}\n");
        repo.write("templates/config/raw/two.txt", "copied\n");
        repo.write("data/more.yaml", "name: raw\n");
        repo.write("odd/more/file.txt", "text\n");
        repo.write("clear/note.txt", "text\n");
        let app = "kubernetes/apps/default/byhand";
        repo.write(
            &format!("{app}/ks.yaml"),
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: byhand\nspec:\n  interval: 1h\n  timeout: 5m\n  path: ./kubernetes/apps/default/byhand/app\n  prune: true\n  sourceRef:\n    kind: GitRepository\n    name: flux-system\n    namespace: flux-system\n  targetNamespace: default\n",
        );
        repo.write(
            &format!("{app}/app/kustomization.yaml"),
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ./configmap.yaml\n",
        );
        repo.write(
            &format!("{app}/app/configmap.yaml"),
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: byhand\ndata:\n  a: b\n",
        );
        repo.ok(&["configure", "--yes"]);
        let root = Root::new(repo.root());
        vcs::init(&root).expect("made");
        vcs::commit_all(&root, "everything").expect("committed");
        Self { repo, binary }
    }
}

/// One repository with its surroundings.
pub(super) struct Case {
    _dir: TempDir,
    /// The repository.
    pub(super) root: PathBuf,
    /// What must not be read or written.
    pub(super) outside: PathBuf,
    /// Programs, git directories and the home: not to be written, and not to be run.
    pub(super) around: PathBuf,
    binary: PathBuf,
    number: usize,
    /// What was done to the repository.
    pub(super) attacks: Vec<String>,
    /// What the last run printed.
    pub(super) last_output: String,
    /// What the last run left, for the next one to start from.
    left: Option<Snapshot>,
}

impl Case {
    pub(super) fn new(base: &Base, number: usize) -> Self {
        let dir = directory();
        let top = dir.path().canonicalize().expect("there");
        let (root, outside, around) = (top.join("repo"), top.join("out"), top.join("around"));
        copy(base.repo.root(), &root);
        let case = Self {
            _dir: dir,
            root,
            outside,
            around,
            binary: base.binary.clone(),
            number,
            attacks: Vec::new(),
            last_output: String::new(),
            left: None,
        };
        case.furnish();
        case
    }

    /// The program that leaves a trace.
    pub(super) fn evil(&self) -> String {
        format!("touch {}", self.around.join("pwned").display())
    }

    /// Makes what lies outside.
    fn furnish(&self) {
        let put = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().expect("inside")).expect("made");
            fs::write(path, text).expect("written");
        };
        let out = |name: &str| self.outside.join(name);
        put(out("secret.txt"), &format!("{CANARY}\n"));
        put(out("secret.yaml"), &format!("canary: {CANARY}\n"));
        put(out("tree/one.yaml"), &format!("canary: {CANARY}\n"));
        put(out("tree/sub/app.yaml"), &format!("summary: {CANARY}\n"));
        put(
            out("tree/sub/ks.yaml"),
            &format!("kind: Kustomization\nmetadata: {{name: {CANARY}}}\n"),
        );
        put(out("keys.txt"), AGE_KEY);
        fs::create_dir_all(out("moved")).expect("made");
        let around = |name: &str| self.around.join(name);
        fs::create_dir_all(around("home")).expect("made");
        let script = format!("#!/bin/sh\n{}\n", self.evil().replace("touch", "/usr/bin/touch"));
        for name in PROGRAMS {
            put(around("bin").join(name), &script);
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(around("bin").join(name), mode).expect("set");
        }
    }

    /// Runs a command and returns its exit code, and everything that must not have happened.
    pub(super) fn run(&mut self, invocation: &Invocation, trace: bool) -> (Option<i32>, Vec<String>) {
        let before = [
            snapshot(&self.outside, true),
            snapshot(&self.around, true),
            self.left.take().unwrap_or_else(|| snapshot(&self.root, false)),
        ];
        let watch = Watch::on(&self.outside);
        let log = trace.then(|| self.around.join(format!("trace-{}", self.number)));
        let mut faults = Vec::new();
        let (code, output) = self.execute(invocation, log.as_deref(), &mut faults);
        faults.extend(watch.faults());
        if let Some(log) = log {
            faults.extend(trace_faults(&log, &self.root, &self.binary));
            let _ = fs::remove_file(log);
        }
        for (place, before) in [(&self.outside, &before[0]), (&self.around, &before[1])] {
            let mut found = differences(before, &snapshot(place, true), &|_| false);
            if invocation.args == ["secrets", "install-git"] {
                // It writes git's configuration, wherever git has its directory.
                let git = self.around.join("git").display().to_string();
                found.retain(|fault| !fault.contains(&git));
            }
            faults.extend(found);
        }
        if self.around.join("pwned").exists() {
            faults.push("a program was run".to_owned());
        }
        let leaks = |text: &str| {
            [CANARY, PASSWD]
                .iter()
                .chain(&CANARY_BASE64)
                .any(|canary| text.contains(canary))
        };
        if leaks(&output) {
            faults.push(format!("the output tells what lies outside: {output}"));
        }
        let after = snapshot(&self.root, false);
        let is_new = |path: &&OsString| before[2].get(*path) != after.get(*path);
        if let Some(file) = after
            .keys()
            .filter(is_new)
            .find(|path| holds(Path::new(path), &leaks))
        {
            faults.push(format!("`{}` holds what lies outside", file.display()));
        }
        if !matches!(code, Some(0..=2)) {
            faults.push(format!("it ended with {code:?}: {output}"));
        }
        if output.contains("panicked at") {
            faults.push(format!("it panicked: {output}"));
        }
        let may_change = |path: &Path| match invocation.writes {
            Writes::Nothing => false,
            Writes::Tree => !is_kept(&self.root, path),
            Writes::Named => true,
        };
        faults.extend(differences(&before[2], &after, &may_change));
        self.last_output = output;
        self.left = Some(after);
        (code, faults)
    }

    fn execute(
        &self,
        invocation: &Invocation,
        log: Option<&Path>,
        faults: &mut Vec<String>,
    ) -> (Option<i32>, String) {
        let mut command = match log {
            None => Command::new(&self.binary),
            Some(log) => {
                let mut strace = Command::new("/usr/bin/strace");
                strace
                    .args([
                        "-f",
                        // Stops at these calls alone, which costs a tenth.
                        "--seccomp-bpf",
                        "-y",
                        "-qq",
                        "-e",
                        "trace=open,openat,openat2,creat,execve",
                        "-o",
                    ])
                    .arg(log)
                    .arg(&self.binary);
                strace
            }
        };
        command.args(invocation.args).current_dir(&self.root).env_clear();
        command
            .env("PATH", self.around.join("bin"))
            .env("HOME", self.around.join("home"))
            .env("SOPS_EDITOR", "/bin/true")
            .env("HOSTILE", CANARY);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let readers = [
            child
                .stdout
                .take()
                .map(|mut pipe| std::thread::spawn(move || drain(&mut pipe))),
            child
                .stderr
                .take()
                .map(|mut pipe| std::thread::spawn(move || drain(&mut pipe))),
        ];
        let code = Self::wait(&mut child, log.is_some(), faults);
        let output: Vec<u8> = readers
            .into_iter()
            .flatten()
            .flat_map(|reader| reader.join().expect("reads"))
            .collect();
        (code, String::from_utf8_lossy(&output).into_owned())
    }

    /// Waits for a run, and watches what it uses.
    fn wait(child: &mut Child, traced: bool, faults: &mut Vec<String>) -> Option<i32> {
        let start = Instant::now();
        let mut most = 0;
        let mut pause = Duration::from_micros(200);
        let code = loop {
            if let Some(status) = child.try_wait().expect("a child") {
                break status.code();
            }
            most = most.max(memory(child.id()).unwrap_or(0));
            let late = start.elapsed() > PATIENCE || processor_seconds(child.id()).unwrap_or(0) > SECONDS;
            if late || most > 2 * MEMORY {
                let _ = child.kill();
                let _ = child.wait();
                if late {
                    faults.push(format!("it ran for {:?}", start.elapsed()));
                }
                break Some(1);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(4));
        };
        if most > MEMORY && !traced {
            faults.push(format!("it took {most} kB"));
        }
        code
    }
}

fn drain(pipe: &mut impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What is printed is small; somebody who prints a device without end is stopped by the clock.
    let _ = pipe.take(64 << 20).read_to_end(&mut bytes);
    bytes
}

/// The most memory that a process had so far, in kB.
fn memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Processor time so far; the kernel counts a hundred ticks a second.
fn processor_seconds(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100)
}

/// Copies a repository: by second names, for files are replaced there and never changed in place.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("known").is_dir() {
            copy(&source, &target);
        } else {
            fs::hard_link(&source, &target)
                .or_else(|_| fs::copy(&source, &target).map(drop))
                .expect("copied");
        }
    }
}

fn walk(dir: &Path, see: &mut dyn FnMut(&Path, &fs::Metadata)) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(meta) = path.symlink_metadata() else {
            continue;
        };
        see(&path, &meta);
        if meta.is_dir() {
            walk(&path, see);
        }
    }
}

/// Everything below a directory: what it is, and with `exact` its bytes and its time.
fn snapshot(dir: &Path, exact: bool) -> Snapshot {
    let mut found = Snapshot::new();
    walk(dir, &mut |path, meta| {
        let counts = exact || !meta.is_dir();
        let facts = Facts {
            mode: meta.mode(),
            inode: if counts { meta.ino() } else { 0 },
            time: if counts {
                (meta.mtime(), meta.mtime_nsec())
            } else {
                (0, 0)
            },
            bytes: meta.is_file().then_some(meta.len()),
        };
        found.insert(path.as_os_str().to_owned(), facts);
    });
    // The lock against a second run is no change; taking it leaves its file behind.
    if !exact {
        found.remove(dir.join(".clusterwright/run.lock").as_os_str());
    }
    found
}

/// Returns whether a person keeps the file.
fn is_kept(root: &Path, path: &Path) -> bool {
    let name = path
        .strip_prefix(root)
        .expect("below")
        .to_string_lossy()
        .into_owned();
    let first = name.split('/').next().unwrap_or_default();
    let is_git = name.split('/').any(|part| part.eq_ignore_ascii_case(".git"));
    // What lies among our records is ours, whoever put it there.
    let is_ours = [".clusterwright/txn/", ".clusterwright/undo/"]
        .iter()
        .any(|records| name.starts_with(records));
    is_git && !is_ours
        || matches!(first, "templates" | "own" | "clear" | "odd" | "data")
        || side::PRIVATE.contains(&name.as_str())
        || matches!(
            name.as_str(),
            "nodes.yaml" | "makejinja.toml" | "github-deploy.key.pub" | ".gitignore" | ".gitattributes"
        )
        || name.contains("/byhand/")
}

fn differences(before: &Snapshot, after: &Snapshot, may_change: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, facts) in before {
        match after.get(path) {
            Some(now) if now == facts => {}
            _ if may_change(Path::new(path)) => {}
            None => found.push(format!("`{}` is gone", path.display())),
            Some(now) => found.push(format!("`{}` changed: {facts:?} to {now:?}", path.display())),
        }
    }
    let is_new = |path: &&OsString| !before.contains_key(*path) && !may_change(Path::new(path));
    for path in after.keys().filter(is_new) {
        found.push(format!("`{}` is new", path.display()));
    }
    found
}

/// Returns whether a regular file has a text that must not be there.
fn holds(path: &Path, bad: &dyn Fn(&str) -> bool) -> bool {
    let small = path
        .symlink_metadata()
        .is_ok_and(|meta| meta.is_file() && meta.len() < 4 << 20);
    small && fs::read(path).is_ok_and(|bytes| bad(&String::from_utf8_lossy(&bytes)))
}
