//! A repository to run the real binary in, with an environment of its own.

mod directory;
#[cfg(unix)]
pub(crate) mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) use directory::directory;

/// A directory with the files of a cluster.
pub(crate) struct Repo {
    dir: TempDir,
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Keys that every cluster needs; one controller.
pub(crate) const MINIMAL: &str = include_str!("../clusters/minimal.yaml");
/// Every feature on.
pub(crate) const EVERYTHING: &str = include_str!("../clusters/everything.yaml");
/// A key made for these tests alone.
pub(crate) const AGE_KEY: &str = include_str!("age.key");
/// Its public half.
pub(crate) const RECIPIENT: &str = "age13h9y85rtzluu890jkh5ua20cs7ljm0lzv2zh3mjxh75eyt8tgvsscgmc0m";

/// An SSH key made for these tests alone.
pub(crate) const DEPLOY_KEY: &str = include_str!("github-deploy.key");
/// Credentials of a tunnel that does not exist.
pub(crate) const TUNNEL: &str = include_str!("cloudflare-tunnel.json");
/// What `.gitignore` holds after `init`.
pub(crate) const GITIGNORE: &str =
    "/cluster.yaml\n/age.key\n/github-push-token.txt\n/github-deploy.key\n/cloudflare-tunnel.json\n";
/// The files beside `cluster.yaml` that are never committed.
pub(crate) const PRIVATE: [&str; 4] = [
    "age.key",
    "github-push-token.txt",
    "github-deploy.key",
    "cloudflare-tunnel.json",
];

impl Repo {
    /// Makes an empty directory.
    pub(crate) fn empty() -> Self {
        Self { dir: directory() }
    }

    /// Makes a directory with `cluster.yaml` and the files beside it.
    pub(crate) fn with(config: &str) -> Self {
        let repo = Self::empty();
        repo.write("cluster.yaml", config);
        repo.write("age.key", AGE_KEY);
        repo.write("github-push-token.txt", "5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a\n");
        repo.write("github-deploy.key", DEPLOY_KEY);
        repo.write("cloudflare-tunnel.json", TUNNEL);
        repo
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("created");
        std::fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Replaces a piece of a file, which must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} holds no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    /// Runs the binary here, with nothing of the caller's environment but the path.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, &[])
    }

    #[track_caller]
    pub(crate) fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clusterwright"));
        command
            .args(args)
            .current_dir(self.root())
            .env_clear()
            .envs(env.iter().copied());
        command.stdin(std::process::Stdio::null());
        command.output().expect("the binary starts").into()
    }

    /// Runs with a standard output of its own.
    #[track_caller]
    pub(crate) fn run_into(&self, args: &[&str], stdout: impl Into<std::process::Stdio>) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clusterwright"));
        command.args(args).current_dir(self.root()).env_clear();
        command
            .stdin(std::process::Stdio::null())
            .stdout(stdout)
            .stderr(std::process::Stdio::piped());
        let child = command.spawn().expect("the binary starts");
        child.wait_with_output().expect("the binary ends").into()
    }

    /// Runs with a text on standard input.
    #[track_caller]
    pub(crate) fn run_piped(&self, args: &[&str], input: &str) -> Run {
        use std::io::Write as _;
        let mut command = Command::new(env!("CARGO_BIN_EXE_clusterwright"));
        command.args(args).current_dir(self.root()).env_clear();
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("read");
        drop(stdin);
        child.wait_with_output().expect("the binary ends").into()
    }

    /// Runs and expects exit code 0.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}\n{}\n{}", run.stdout, run.stderr);
        run
    }

    /// Runs and expects exit code 1.
    #[track_caller]
    pub(crate) fn fails(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, 1, "{args:?}\n{}\n{}", run.stdout, run.stderr);
        run
    }

    /// Every file below the root but git's own, with its bytes.
    pub(crate) fn files(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        let mut files = std::collections::BTreeMap::new();
        let mut open = vec![self.root().to_path_buf()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).expect("readable") {
                let path = entry.expect("readable").path();
                let name = path
                    .strip_prefix(self.root())
                    .expect("below")
                    .display()
                    .to_string();
                if path.is_symlink() {
                    files.insert(name, b"symlink".to_vec());
                } else if path.is_dir() {
                    if name != ".git" {
                        open.push(path);
                    }
                } else {
                    files.insert(name, std::fs::read(&path).expect("readable"));
                }
            }
        }
        files
    }

    /// Every file but those of the undo record, which each run that writes replaces.
    pub(crate) fn files_without_record(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        let mut files = self.files();
        files.retain(|name, _| !name.starts_with(".clusterwright/undo/"));
        files
    }

    /// Runs git here. A test that asks for it fails where there is none.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "commit.gpgsign=false",
        ];
        let mut command = Command::new("git");
        command.args(identity).args(args).current_dir(self.root());
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        let output = command
            .output()
            .expect("git, which this test needs, is installed");
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
