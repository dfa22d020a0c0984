//! What a stranger does to a repository.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use clusterwright::world::lock::Sha256;
use clusterwright::world::side;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::Chance;
use super::commands::CLEAR;
use super::places::{LISTED, PLACES, Shape};
use super::sandbox::{CANARY, Case};

/// One attack.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attack {
    /// Something else stands at a place.
    Place(usize, Instead),
    /// A name that is none lies in a folder.
    Name(usize, usize),
    /// A record of ours that we did not write, or settings that lead out.
    Forged(usize),
}

/// What stands at a place in place of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// A link to the very thing, which lies outside now.
    LinkToMoved,
    /// A link to a file outside.
    LinkToFile,
    /// A link to a folder outside.
    LinkToFolder,
    /// A link to a name outside that does not exist: writing through it would make it.
    LinkToNothing,
    /// A link to itself.
    LinkToSelf,
    /// A link to the folder above the root.
    LinkUp,
    /// A link to a file of the system, by its absolute name.
    LinkToPasswd,
    /// A link to a device that never ends.
    LinkToDevice,
    /// A link to the environment of the process.
    LinkToEnvironment,
    /// A link to a pipe outside, which nobody writes to.
    LinkToPipe,
    /// A pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A folder for a file, a file for a folder.
    Other,
    /// A file of gigabytes without a byte in it.
    Huge,
    /// Bytes that are no text.
    Bytes,
    /// Nothing in it.
    Empty,
    /// One line of a megabyte.
    LongLine,
}

const INSTEAD: &[Instead] = &[
    Instead::LinkToMoved,
    Instead::LinkToFile,
    Instead::LinkToFolder,
    Instead::LinkToNothing,
    Instead::LinkToSelf,
    Instead::LinkUp,
    Instead::LinkToPasswd,
    Instead::LinkToDevice,
    Instead::LinkToEnvironment,
    Instead::LinkToPipe,
    Instead::Pipe,
    Instead::Socket,
    Instead::Other,
    Instead::Huge,
    Instead::Bytes,
    Instead::Empty,
    Instead::LongLine,
];

/// Names that mislead a program, a terminal, or a file system.
const NAMES: &[&[u8]] = &[
    b"-h",
    b"--help",
    b"-rf",
    b"a\nb",
    b"\x1b]0;title\x07\x1b[8m",
    b"\xe2\x80\xaegnp.yaml",
    b"\xff\xfe.yaml",
    b".GIT",
    b"git~1",
    b".git ",
    b".g\xe2\x80\x8cit",
    b"...",
    b" ",
    b"back\\slash.yaml",
    b"%2e%2e",
    b"{{ name }}.j2",
    b"#{ name }#.tera",
    b"$(touch pwned).yaml",
    b"ks.yaml",
    b"app.yaml",
    b"x.sops.yaml",
    b"CON",
];

/// Forgeries by number.
type Forgery = fn(&Case);

const FORGERIES: &[(&str, Forgery)] = &[
    ("a lock that claims everything", lock_claims_everything),
    ("a lock with names that mislead", lock_with_odd_names),
    ("a lock of twenty thousand lines", |case| {
        lock_of_many(case, "media/x");
    }),
    ("a lock of twenty thousand lines that are none", |case| {
        lock_of_many(case, "x  y");
    }),
    ("a plan", |case| journal(case, "plan", 3, PLANNED)),
    ("a rollback", |case| journal(case, "rollback", 3, PLANNED)),
    ("a record in txn", |case| journal(case, "record", 3, PLANNED)),
    ("a spent", |case| journal(case, "spent", 3, PLANNED)),
    ("a plan of the version before", |case| {
        journal(case, "plan", 2, PLANNED);
    }),
    ("a rollback of the version before", |case| {
        journal(case, "rollback", 2, PLANNED);
    }),
    ("a plan of files that are never ours", |case| {
        journal(case, "plan", 3, NEVER);
    }),
    ("a plan into a nested .git", |case| {
        journal(case, "plan", 2, &["vendor/.git/config", "vendor/.git/HEAD"]);
    }),
    ("an undo record", |case| undo_record(case, 3)),
    ("an undo record of the version before", |case| {
        undo_record(case, 2);
    }),
    ("a plan whose staged files are links", journal_with_links),
    ("a base that is a link", base_link),
    ("a base that is no render", base_text),
    ("raw output outside", |case| {
        settings(case, "output = \"../out\"", "");
    }),
    ("raw output in .git", |case| {
        settings(case, "output = \"sub/.git\"", "");
    }),
    ("raw output at an absolute path", |case| {
        let outside = case.outside.display().to_string();
        settings(case, &format!("output = {outside:?}"), "");
    }),
    ("raw inputs outside", |case| {
        settings(case, "output = \"./\"", "\"../out/tree\"");
    }),
    ("raw inputs of the system", |case| {
        settings(case, "output = \"./\"", "\"/etc\"");
    }),
    ("raw data outside", raw_data),
    ("raw imports outside", raw_imports),
    ("templates that include what lies outside", including_templates),
    ("git configuration that runs something", git_configuration),
    ("a nested repository", nested_repository),
    ("a .git that leads elsewhere", git_elsewhere),
    ("a hundred folders in each other", deep),
    ("a kustomization that leads out", kustomization_out),
    ("rules of SOPS that match everything", sops_rules),
    ("a configuration that names files", configuration_names),
];

/// Returns the attack of a number: of four in a row one is a forgery, one a name, two something at a place, so that some
/// hundred show every forgery and every kind.
pub(super) fn nth(number: usize) -> Attack {
    // Coprime to what they count, so that every pair has its turn.
    const STRIDE: usize = 7919;
    let turn = number / 4;
    match number % 4 {
        0 => Attack::Forged(turn % FORGERIES.len()),
        1 => {
            let at = turn.wrapping_mul(STRIDE) % (LISTED.len() * NAMES.len());
            Attack::Name(at / NAMES.len(), at % NAMES.len())
        }
        half => {
            let turn = turn * 2 + half - 2;
            let at = turn.wrapping_mul(STRIDE) % (PLACES.len() * INSTEAD.len());
            Attack::Place(at / INSTEAD.len(), INSTEAD[at % INSTEAD.len()])
        }
    }
}

impl Case {
    /// Does it, unless an attack before has led the way out: what lies there is not the stranger's to change.
    pub(super) fn attack(&mut self, attack: &Attack, chance: &mut Chance) {
        match *attack {
            Attack::Place(place, instead) => {
                let (name, shape) = PLACES[place];
                // A link in git's own directory is the person's: no clone brings one.
                let is_own = name.starts_with(".git/") && format!("{instead:?}").starts_with("Link");
                if self.stands_inside(name) && !is_own {
                    self.attacks.push(format!("{name}: {instead:?}"));
                    self.replace(name, shape, instead);
                }
            }
            Attack::Name(folder, name) => {
                let folder = LISTED[folder];
                let inside = format!("{folder}/x");
                if self.stands_inside(inside.trim_start_matches('/')) {
                    self.attacks.push(format!(
                        "{folder}/{}",
                        String::from_utf8_lossy(NAMES[name]).escape_debug()
                    ));
                    self.name(folder, NAMES[name], chance);
                }
            }
            Attack::Forged(number) => {
                let (what, forge) = FORGERIES[number];
                self.attacks.push(what.to_owned());
                forge(self);
            }
        }
        if self.attacks.is_empty() {
            self.attacks
                .push("none: the way leads out, or is the person's".to_owned());
        }
    }

    /// Whether all that lies above a path is real folders, or nothing yet.
    fn stands_inside(&self, name: &str) -> bool {
        let mut dir = self.root.clone();
        for part in name.split('/') {
            match dir.symlink_metadata() {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => return false,
                Err(_) => return true,
            }
            dir.push(part);
        }
        true
    }

    /// Writes a file of the stranger's, if nothing leads out on the way.
    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(name);
        if !self.stands_inside(name) || path.is_symlink() || path.is_dir() {
            return;
        }
        fs::create_dir_all(path.parent().expect("inside")).expect("made");
        // A pipe or a socket stays.
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return;
        }
        let _ = fs::remove_file(&path);
        fs::write(path, text).expect("written");
    }

    fn replace(&self, name: &str, shape: Shape, instead: Instead) {
        let path = self.root.join(name);
        if side::PRIVATE.contains(&name) {
            // Where git ignores such a file it is the person's own, and a link to where they keep it is followed. What a
            // stranger brings lies in a commit.
            let ignored = self.root.join(".gitignore");
            let text = fs::symlink_metadata(&ignored).is_ok_and(|meta| meta.is_file());
            let text = text.then(|| fs::read_to_string(&ignored).unwrap_or_default());
            self.put(".gitignore", format!("{}\n!/{name}\n", text.unwrap_or_default()));
        }
        fs::create_dir_all(path.parent().expect("inside")).expect("made");
        if instead == Instead::LinkToMoved {
            let moved = self.outside.join("moved").join(self.attacks.len().to_string());
            if fs::rename(&path, &moved).is_err() {
                match shape {
                    Shape::File => fs::write(&moved, CANARY).expect("written"),
                    Shape::Dir => fs::create_dir_all(&moved).expect("made"),
                }
            }
            if moved.is_dir() {
                fs::write(moved.join("canary.yaml"), format!("canary: {CANARY}\n")).expect("written");
            }
            symlink(moved, path).expect("linked");
            return;
        }
        if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            fs::remove_dir_all(&path).expect("removed");
        } else {
            let _ = fs::remove_file(&path);
        }
        let link = |target: &Path| symlink(target, &path).expect("linked");
        let out = |name: &str| self.outside.join(name);
        match instead {
            Instead::LinkToMoved => {}
            Instead::LinkToFile => link(&out("secret.yaml")),
            Instead::LinkToFolder => link(&out("tree")),
            Instead::LinkToNothing => link(&out("made-through-a-link")),
            Instead::LinkToSelf => link(path.file_name().expect("a name").as_ref()),
            Instead::LinkUp => link(self.root.parent().expect("above")),
            Instead::LinkToPasswd => link(Path::new("/etc/passwd")),
            Instead::LinkToDevice => link(Path::new("/dev/zero")),
            Instead::LinkToEnvironment => link(Path::new("/proc/self/environ")),
            Instead::LinkToPipe => {
                let pipe = out("pipe");
                if !pipe.exists() {
                    make_pipe(&pipe);
                }
                link(&pipe);
            }
            Instead::Pipe => make_pipe(&path),
            Instead::Socket => drop(bound(&path)),
            Instead::Other => match shape {
                Shape::File => {
                    fs::create_dir_all(path.join("below")).expect("made");
                    fs::write(path.join("below/file.yaml"), "a: 1\n").expect("written");
                }
                Shape::Dir => fs::write(&path, "a: 1\n").expect("written"),
            },
            Instead::Huge | Instead::Bytes | Instead::Empty | Instead::LongLine if shape == Shape::Dir => {
                fs::create_dir_all(&path).expect("made");
                fill(&path.join("file.yaml"), instead);
            }
            _ => fill(&path, instead),
        }
    }

    fn name(&self, folder: &str, name: &[u8], chance: &mut Chance) {
        let dir = self.root.join(folder);
        fs::create_dir_all(&dir).expect("made");
        let path = dir.join(std::ffi::OsStr::from_bytes(name));
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return;
        }
        let fill = |path: &Path| {
            fs::create_dir_all(path).expect("made");
            fs::write(path.join("ks.yaml"), "kind: Kustomization\nmetadata: {name: x}\n").expect("written");
            fs::write(path.join("app.yaml"), "summary: x\n").expect("written");
        };
        match chance.below(4) {
            0 => {
                let _ = fs::remove_file(&path);
                fill(&path);
            }
            1 => {
                let _ = fs::remove_file(&path);
                symlink(self.outside.join("tree"), path).expect("linked");
            }
            _ => {
                let _ = fs::remove_file(&path);
                fs::write(path, "kind: Secret\napiVersion: v1\nstringData: {a: b}\n").expect("written");
            }
        }
    }
}

fn make_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("made");
}

/// A socket's name is short, so it is made elsewhere and moved.
fn bound(path: &Path) -> std::os::unix::net::UnixListener {
    let dir = tempfile::tempdir_in("/tmp").expect("made");
    let short = dir.path().join("s");
    let socket = std::os::unix::net::UnixListener::bind(&short).expect("bound");
    if fs::rename(&short, path).is_err() {
        make_pipe(path);
    }
    socket
}

fn fill(path: &Path, how: Instead) {
    match how {
        Instead::Huge => {
            let file = fs::File::create(path).expect("made");
            // As large as the file system takes.
            file.set_len(6 << 30)
                .or_else(|_| file.set_len(1 << 30))
                .expect("set");
        }
        Instead::Bytes => fs::write(path, [0xff, 0xfe, 0, 0x80, b'\n', 0xc3, 0x28]).expect("written"),
        Instead::LongLine => fs::write(path, "a: [".repeat(250_000)).expect("written"),
        _ => fs::write(path, "").expect("written"),
    }
}

fn lock_line(case: &Case, origin: &str, name: &str) -> String {
    let bytes = fs::symlink_metadata(case.root.join(name))
        .ok()
        .filter(|meta| meta.is_file() && meta.len() < 1 << 20)
        .and_then(|_| fs::read(case.root.join(name)).ok());
    format!(
        "{}  {origin}  {name}\n",
        Sha256::of_text(&bytes.unwrap_or_default())
    )
}

fn lock_claims_everything(case: &Case) {
    let mut text = "# clusterwright.lock, format 1\n".to_owned();
    for origin in ["repo", "raw", "default/echo@0123456789ab"] {
        for name in [
            "cluster.yaml",
            "nodes.yaml",
            "makejinja.toml",
            "age.key",
            "github-deploy.key",
            "cloudflare-tunnel.json",
            ".gitignore",
            ".gitattributes",
            "templates/apps/media/own/app.yaml",
            "templates/config/raw/two.txt",
        ] {
            text.push_str(&lock_line(case, origin, name));
        }
    }
    text.push_str(&lock_line(case, "default/echo", "own/plain.sops.yaml"));
    text.push_str(&lock_line(case, "default/echo", "data/more.yaml"));
    text.push_str(&lock_line(case, "somebody", "odd/more/file.txt"));
    case.put("clusterwright.lock", text);
}

fn lock_with_odd_names(case: &Case) {
    let hash = Sha256::of(b"");
    let mut text = "# clusterwright.lock, format 1\n".to_owned();
    for (origin, name) in [
        ("\u{1b}]0;title\u{7}", "a.yaml"),
        ("\u{202e}repo", "b.yaml"),
        ("repo", "../out/secret.yaml"),
        ("repo", "/etc/passwd"),
        ("repo", "vendor/.git/config"),
        ("repo", "-h"),
        ("repo", ".GIT/hooks/post-checkout"),
    ] {
        text.push_str(&format!("{hash}  {origin}  {name}\n"));
    }
    case.put("clusterwright.lock", text);
}

/// Lines that count for nothing, or cannot be read.
fn lock_of_many(case: &Case, origin: &str) {
    let hash = Sha256::of(b"");
    let mut text = "# clusterwright.lock, format 1\n".to_owned();
    for number in 0..20_000 {
        text.push_str(&format!("{hash}  {origin}  odd/more/{number}.yaml\n"));
    }
    case.put("clusterwright.lock", text);
}

/// The lines of a plan that writes where no run writes, with the bytes for each step.
fn forged_plan(case: &Case, format: usize, paths: &[&str]) -> (String, Vec<Vec<u8>>) {
    let hook = format!("#!/bin/sh\n{}\n", case.evil());
    let mut text = format!("clusterwright transaction, format {format}\nthen keep the copies\n");
    if format > 2 {
        text.push_str("mark 1 1795000000.000000001\n");
    }
    let mut files = Vec::new();
    for path in paths {
        text.push_str(&format!("file - {} {path}\n", Sha256::of(hook.as_bytes())));
        files.push(hook.clone().into_bytes());
    }
    // One that a plan of ours could name, and that a person keeps all the same.
    let kept = fs::read(case.root.join(CLEAR)).unwrap_or_default();
    text.push_str(&format!("file {} - {CLEAR}\n", Sha256::of(&kept)));
    files.push(kept);
    (format!("{text}end {}\n", Sha256::of(text.as_bytes())), files)
}

/// What a plan of ours could name.
const PLANNED: &[&str] = &["sub/x.yaml", "kubernetes/apps/new.yaml", "clear/evil.yaml"];

/// What no plan of ours names.
const NEVER: &[&str] = &["templates/apps/media/own/evil.yaml", "nodes.yaml"];

fn journal(case: &Case, kind: &str, format: usize, paths: &[&str]) {
    let (text, files) = forged_plan(case, format, paths);
    for (number, bytes) in files.iter().enumerate() {
        case.put(&format!(".clusterwright/txn/new/{number}"), bytes);
        case.put(&format!(".clusterwright/txn/old/{number}"), bytes);
    }
    case.put(".clusterwright/txn/mark", "");
    case.put(&format!(".clusterwright/txn/{kind}"), text);
}

fn journal_with_links(case: &Case) {
    let (text, files) = forged_plan(case, 3, PLANNED);
    case.put(".clusterwright/txn/mark", "");
    case.put(".clusterwright/txn/plan", text);
    for number in 0..files.len() {
        let name = format!(".clusterwright/txn/new/{number}");
        if case.stands_inside(&name) {
            let path = case.root.join(&name);
            fs::create_dir_all(path.parent().expect("inside")).expect("made");
            let _ = symlink(case.outside.join("secret.txt"), path);
        }
    }
}

fn undo_record(case: &Case, format: usize) {
    let (text, files) = forged_plan(case, format, PLANNED);
    for (number, bytes) in files.iter().enumerate() {
        case.put(&format!(".clusterwright/undo/old/{number}"), bytes);
    }
    // A record says what the run wrote; here it claims the opposite, so that taking it back would write it.
    let lines: String = text
        .lines()
        .filter(|line| !line.starts_with("end "))
        .map(|line| match line.strip_prefix("file - ") {
            Some(rest) => {
                let (hash, path) = rest.split_once(' ').expect("a hash and a path");
                format!("file {hash} - {path}\n")
            }
            None => format!("{line}\n"),
        })
        .collect();
    let end = Sha256::of(lines.as_bytes());
    case.put(".clusterwright/undo/mark", "");
    case.put(".clusterwright/undo/record", format!("{lines}end {end}\n"));
}

fn base_link(case: &Case) {
    let hash = Sha256::of(format!("{CANARY}\n").as_bytes());
    let name = format!(".clusterwright/base/{hash}");
    if case.stands_inside(&name) {
        let path = case.root.join(name);
        fs::create_dir_all(path.parent().expect("inside")).expect("made");
        let _ = symlink(case.outside.join("secret.txt"), path);
    }
}

fn base_text(case: &Case) {
    case.put(&format!(".clusterwright/base/{}", Sha256::of(b"a")), "b");
    case.put(&format!(".clusterwright/base/{}/x", Sha256::of(b"b")), "b");
}

fn settings(case: &Case, output: &str, more_inputs: &str) {
    case.put(
        "makejinja.toml",
        format!("[makejinja]\ninputs = [\"./templates/config\", {more_inputs}]\n{output}\ndata = [\"./data/more.yaml\"]\n"),
    );
}

fn raw_data(case: &Case) {
    case.put(
        "makejinja.toml",
        "[makejinja]\ninputs = [\"./templates/config\"]\noutput = \"./\"\ndata = [\"../out/secret.yaml\", \"/etc/passwd\", \"data/*/../../../out/*.yaml\"]\n",
    );
    case.put(
        "templates/config/raw/one.yaml.j2",
        "{{ canary }}{% for k in self._data %}{{ k }}{% endfor %}\n",
    );
}

fn raw_imports(case: &Case) {
    case.put(
        "makejinja.toml",
        "[makejinja]\ninputs = [\"./templates/config\"]\noutput = \"./\"\nimport_paths = [\"..\", \"/\"]\nloaders = [\"os:system\", \"plugin:Plugin\"]\nexec_pre = [\"touch pwned\"]\nexec_post = [\"touch pwned\"]\n",
    );
}

fn including_templates(case: &Case) {
    let targets = [
        "../../../out/secret.txt",
        "/etc/passwd",
        "../../cluster.yaml",
        "/proc/self/environ",
    ];
    for (number, target) in targets.iter().enumerate() {
        for (open, close) in [("{%", "%}"), ("#%", "%#")] {
            let name = if open == "{%" { "jinja" } else { "tera" };
            let text =
                format!("{open} include \"{target}\" {close}\n{open} import \"{target}\" as x {close}\n");
            case.put(&format!("templates/config/raw/{name}{number}.j2"), &text);
            if number == 1 {
                let suffix = if name == "tera" { "tera" } else { "j2" };
                case.put(&format!("templates/repo/docs/{name}.md.{suffix}"), &text);
            }
        }
    }
    case.put(
        "templates/config/raw/reads.txt.j2",
        "{{ get_env('HOSTILE', default='') }}{{ env.HOSTILE }}{{ environ('HOSTILE') }}{{ read_file('/etc/passwd') }}\n",
    );
}

fn git_configuration(case: &Case) {
    let evil = case.evil();
    let mut text = String::from("[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
    for key in [
        "fsmonitor",
        "hooksPath",
        "sshCommand",
        "pager",
        "editor",
        "askPass",
    ] {
        text.push_str(&format!("\t{key} = \"{evil}\"\n"));
    }
    text.push_str(&format!(
        "[filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n[diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n[include]\n\tpath = ../../around/more-config\n"
    ));
    case.put(".git/config", text);
    case.put(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    for hook in ["pre-commit", "post-checkout", "fsmonitor-watchman"] {
        case.put(&format!(".git/hooks/{hook}"), format!("#!/bin/sh\n{evil}\n"));
    }
}

fn nested_repository(case: &Case) {
    for dir in [
        "kubernetes/apps/default/byhand/.git",
        "clear/.git",
        "templates/apps/media/own/.git",
    ] {
        case.put(&format!("{dir}/HEAD"), "ref: refs/heads/main\n");
        case.put(
            &format!("{dir}/config"),
            format!("[core]\n\tfsmonitor = {:?}\n", case.evil()),
        );
        case.put(&format!("{dir}/objects/x"), "");
        case.put(&format!("{dir}/refs/x"), "");
    }
}

fn git_elsewhere(case: &Case) {
    let (from, to) = (case.root.join(".git"), case.around.join("git"));
    if fs::rename(&from, &to).is_ok() {
        fs::write(from, "gitdir: ../around/git\n").expect("written");
    }
}

fn deep(case: &Case) {
    for top in [
        "kubernetes/apps/default/byhand/app",
        "templates/config",
        "clear",
        "templates/repo/docs",
    ] {
        let name = format!("{top}{}", "/d".repeat(100));
        case.put(&format!("{name}/file.yaml"), "a: 1\n");
    }
}

fn kustomization_out(case: &Case) {
    let outs = "../../../../../../out/tree/one.yaml";
    case.put(
        "kubernetes/apps/default/byhand/app/kustomization.yaml",
        format!("kind: Kustomization\nresources:\n  - {outs}\n  - /etc/passwd\n  - ../../../../../..\ncomponents: [../../../../../../out/tree]\nconfigMapGenerator:\n  - name: x\n    files: [{outs}, x=/etc/passwd]\n    envs: [/proc/self/environ]\npatches:\n  - path: {outs}\n"),
    );
    case.put(
        "kubernetes/apps/default/byhand/ks.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: byhand\nspec:\n  path: ../../../out/tree\n  components: [/etc]\n",
    );
}

fn sops_rules(case: &Case) {
    let rules = "creation_rules:\n  - path_regex: (a+)+$\n    age: age1qqqq\n  - path_regex: .*\n    encrypted_regex: ((a*)*)*$\n    pgp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4\n    kms: arn:aws:kms:x\nstores:\n  yaml: {indent: 99999999999}\n";
    case.put(".sops.yaml", rules);
    case.put("own/.sops.yaml", rules);
}

fn configuration_names(case: &Case) {
    let text = fs::symlink_metadata(case.root.join("cluster.yaml"))
        .ok()
        .filter(|meta| meta.is_file() && meta.len() < 1 << 20)
        .and_then(|_| fs::read_to_string(case.root.join("cluster.yaml")).ok())
        .unwrap_or_default();
    case.put(
        "cluster.yaml",
        format!("{text}vars:\n  path: ../../out/secret.txt\n  bell: \"\\a\\e[31m\"\napps:\n  echo:\n    values:\n      a: /etc/passwd\n"),
    );
}
