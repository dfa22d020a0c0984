//! Nothing outside the root is read or written, whatever a stranger's repository holds.
#![cfg(unix)]

use std::os::unix::fs::symlink;

use crate::support::{MINIMAL, Repo, Run, directory};

/// What lies outside, and must neither be shown nor change.
const CANARY: &str = "OUTSIDECANARY";

/// A directory outside, with a file that could be taken for anything.
fn outside() -> tempfile::TempDir {
    let dir = directory();
    for name in ["file.yaml", "config.yaml.j2", "cluster.schema.json"] {
        std::fs::write(dir.path().join(name), format!("key: {CANARY}\n")).expect("written");
    }
    dir
}

#[track_caller]
fn assert_untouched(outside: &tempfile::TempDir) {
    let mut names: Vec<_> = std::fs::read_dir(outside.path())
        .expect("there")
        .map(|entry| entry.expect("there").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["cluster.schema.json", "config.yaml.j2", "file.yaml"]);
    for name in names {
        let text = std::fs::read_to_string(outside.path().join(&name)).expect("text");
        assert_eq!(text, format!("key: {CANARY}\n"), "{name}");
    }
}

#[track_caller]
fn assert_silent(run: &Run) {
    assert!(
        !run.stdout.contains(CANARY) && !run.stderr.contains(CANARY),
        "{run:?}"
    );
}

/// Every command that reads the repository without being asked to change it.
const READING: [&[&str]; 9] = [
    &["validate"],
    &["plan"],
    &["render"],
    &["check"],
    &["configure", "--dry-run"],
    &["apps"],
    &["doctor"],
    &["secrets", "status"],
    &["secrets", "scan"],
];

#[test]
fn links_in_the_place_of_templates_are_findings() {
    for link in [
        "templates",
        "templates/apps",
        "templates/repo",
        "templates/apps/default",
    ] {
        let (repo, outside) = (Repo::with(MINIMAL), outside());
        let full = repo.path(link);
        std::fs::create_dir_all(full.parent().expect("below")).expect("made");
        symlink(outside.path(), &full).expect("linked");
        let run = repo.fails(&["configure", "--yes"]);
        assert!(
            run.stderr.contains("symbolic link") && run.stderr.contains(&format!("`{link}`")),
            "{}",
            run.stderr
        );
        repo.fails(&["new-app", "default/mine"]);
        for args in READING {
            assert_silent(&repo.run(args));
        }
        assert_untouched(&outside);
    }
}

#[test]
fn a_link_at_our_own_directory_is_a_finding() {
    let (repo, outside) = (Repo::with(MINIMAL), outside());
    symlink(outside.path(), repo.path(".clusterwright")).expect("linked");
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("`.clusterwright` is a symbolic link"),
        "{}",
        run.stderr
    );
    assert!(!repo.path("kubernetes").exists());
    repo.fails(&["new-app", "default/mine"]);
    for args in READING {
        assert_silent(&repo.run(args));
    }
    assert_untouched(&outside);
}

#[test]
fn links_in_the_place_of_single_files_are_findings() {
    let cases: [(&str, &[&str]); 9] = [
        ("nodes.yaml", &["validate"]),
        ("cluster.yaml", &["validate"]),
        ("clusterwright.lock", &["configure", "--yes"]),
        (".sops.yaml", &["configure", "--yes"]),
        ("age.key", &["configure", "--yes"]),
        ("github-push-token.txt", &["configure", "--yes"]),
        ("github-deploy.key", &["configure", "--yes"]),
        ("cloudflare-tunnel.json", &["configure", "--yes"]),
        ("kubernetes/flux", &["configure", "--yes"]),
    ];
    for (link, args) in cases {
        let (repo, outside) = (Repo::with(MINIMAL), outside());
        let full = repo.path(link);
        let _ = std::fs::remove_file(&full);
        std::fs::create_dir_all(full.parent().expect("below")).expect("made");
        symlink(outside.path().join("file.yaml"), &full).expect("linked");
        let run = repo.fails(args);
        assert!(run.stderr.contains("symbolic link"), "{link}: {}", run.stderr);
        for args in READING {
            assert_silent(&repo.run(args));
        }
        assert_untouched(&outside);
    }
}

#[test]
fn a_private_file_may_be_a_link_where_git_ignores_it() {
    let (repo, elsewhere) = (Repo::with(MINIMAL), directory());
    repo.git(&["init", "-q"]);
    let key = elsewhere.path().join("age.key");
    std::fs::rename(repo.path("age.key"), &key).expect("moved");
    symlink(&key, repo.path("age.key")).expect("linked");
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("add `/age.key` to .gitignore"),
        "{}",
        run.stderr
    );
    repo.write(".gitignore", crate::support::GITIGNORE);
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["doctor"]);
    assert!(repo.path("age.key").is_symlink());
}

#[test]
fn git_attributes_are_not_written_through_a_link() {
    let (repo, outside) = (Repo::with(MINIMAL), outside());
    repo.git(&["init", "-q"]);
    symlink(outside.path().join("file.yaml"), repo.path(".gitattributes")).expect("linked");
    let run = repo.fails(&["secrets", "install-git"]);
    assert!(
        run.stderr.contains("`.gitattributes` is a symbolic link"),
        "{}",
        run.stderr
    );
    assert_untouched(&outside);
}

#[test]
fn devices_and_pipes_do_not_hold_a_command_up() {
    for name in [
        "clusterwright.lock",
        "templates/repo/x",
        "nodes.yaml",
        ".sops.yaml",
        "kubernetes/apps/x/y/ks.yaml",
    ] {
        let repo = Repo::with(MINIMAL);
        let full = repo.path(name);
        std::fs::create_dir_all(full.parent().expect("below")).expect("made");
        let made = std::process::Command::new("mkfifo")
            .arg(&full)
            .status()
            .expect("mkfifo");
        assert!(made.success());
        for args in READING {
            repo.run(args);
        }
    }
}

/// A repository in raw mode, with these lines in its settings.
fn raw(lines: &str) -> Repo {
    let repo = Repo::empty();
    repo.write(
        "makejinja.toml",
        &format!("[makejinja]\noutput = \"./\"\n{lines}\n"),
    );
    repo.write("t/a.txt.jinja", "got {{ key }}\n");
    repo
}

#[test]
fn raw_mode_reads_outside_only_what_a_person_names() {
    let outside = outside();
    let path = outside.path().display().to_string();
    for lines in [
        format!("inputs = [\"{path}\"]"),
        format!("inputs = [\"./t\"]\ndata = [\"{path}/file.yaml\"]"),
        format!("inputs = [\"./t\"]\ndata = [\"{path}\"]"),
        format!("inputs = [\"./t\"]\ndata = [\"a/../../../../../../../..{path}/file.yaml\"]"),
        format!("inputs = [\"./t\"]\n[makejinja.file_data]\n\"a.txt.jinja\" = [\"{path}/file.yaml\"]"),
    ] {
        let repo = raw(&lines);
        let run = repo.fails(&["render", "--raw"]);
        assert!(
            run.stderr.contains("leads out of the repository"),
            "{lines}: {}",
            run.stderr
        );
        assert!(run.stderr.contains("--allow-outside"), "{lines}: {}", run.stderr);
        assert_silent(&run);
    }
    let file = format!("{path}/file.yaml");
    let repo = raw(&format!("inputs = [\"./t\"]\ndata = [\"{file}\"]"));
    assert_silent(&repo.fails(&["render", "--raw", "--allow-outside", &path]));
    let run = repo.ok(&["render", "--raw", "--allow-outside", &file]);
    assert!(run.stdout.contains(&format!("got {CANARY}")), "{}", run.stdout);
    assert_untouched(&outside);
}

#[test]
fn raw_mode_writes_nothing_outside() {
    let outside = outside();
    for output in [
        outside.path().display().to_string(),
        "../x".to_owned(),
        "a/../../x".to_owned(),
    ] {
        let repo = raw("inputs = [\"./t\"]");
        repo.edit(
            "makejinja.toml",
            "output = \"./\"",
            &format!("output = \"{output}\""),
        );
        let run = repo.fails(&["configure", "--raw", "--yes", "--allow-outside", &output]);
        assert!(
            run.stderr.contains("`output` leads out of the repository"),
            "{}",
            run.stderr
        );
    }
    assert_untouched(&outside);
}

#[test]
fn links_among_raw_inputs_and_data_are_findings() {
    let outside = outside();
    let file = outside.path().join("file.yaml");
    let cases = [
        ("inputs = [\"./t\"]", "t/link.txt", file.clone()),
        ("inputs = [\"./t\"]", "t/folder", outside.path().to_path_buf()),
        ("inputs = [\"./t\", \"./u\"]", "u", outside.path().to_path_buf()),
        ("inputs = [\"./t\"]", "t/env.txt", "/proc/self/environ".into()),
        (
            "inputs = [\"./t\"]\ndata = [\"./d\"]",
            "d/link.yaml",
            file.clone(),
        ),
        ("inputs = [\"./t\"]\ndata = [\"./d\"]", "d/loop", ".".into()),
        (
            "inputs = [\"./t\"]\ndata = [\"./link.yaml\"]",
            "link.yaml",
            file.clone(),
        ),
        (
            "inputs = [\"./t\"]\ndata = [\"./e/file.yaml\"]",
            "e",
            outside.path().to_path_buf(),
        ),
    ];
    for (lines, link, target) in cases {
        let repo = raw(lines);
        repo.write("d/data.yaml", "key: value\n");
        symlink(&target, repo.path(link)).expect("linked");
        for args in [&["render", "--raw"][..], &["configure", "--raw", "--yes"]] {
            let run = repo.fails(args);
            assert!(
                run.stderr.contains("symbolic link") && run.stderr.contains(link),
                "{link}: {}",
                run.stderr
            );
            assert_silent(&run);
        }
    }
    // What the settings leave out may be anything.
    let repo = raw("inputs = [\"./t\"]\nexclude_patterns = [\"*.txt\"]\ndata = [\"./d\"]");
    repo.write("d/data.yaml", "key: value\n");
    symlink(&file, repo.path("t/link.txt")).expect("linked");
    let run = repo.ok(&["render", "--raw"]);
    assert!(run.stdout.contains("got value"), "{}", run.stdout);
    assert_untouched(&outside);
}

#[test]
fn a_data_folder_with_two_links_to_itself_ends() {
    let repo = raw("inputs = [\"./t\"]\ndata = [\"./d\"]");
    repo.write("d/data.yaml", "key: value\n");
    symlink(".", repo.path("d/a")).expect("linked");
    symlink(".", repo.path("d/b")).expect("linked");
    let run = repo.fails(&["render", "--raw"]);
    assert!(run.stderr.contains("`d/a` is a symbolic link"), "{}", run.stderr);
}

#[test]
fn no_output_makes_git_run_something() {
    let cases: [(&str, &[&str]); 6] = [
        ("vendor/.git", &["config", "HEAD"]),
        ("vendor/.GIT", &["config"]),
        ("vendor/git~1", &["config"]),
        ("./", &[".gitmodules"]),
        ("vendor/x.git", &["config", "HEAD", "objects/x", "refs/x"]),
        ("./", &["config", "HEAD", "objects/x", "refs/x"]),
    ];
    for (output, files) in cases {
        let repo = raw("inputs = [\"./t\"]");
        repo.edit(
            "makejinja.toml",
            "output = \"./\"",
            &format!("output = \"{output}\""),
        );
        std::fs::remove_file(repo.path("t/a.txt.jinja")).expect("removed");
        for file in files {
            repo.write(&format!("t/{file}"), "x\n");
        }
        let before = repo.files();
        let run = repo.fails(&["configure", "--raw", "--yes"]);
        assert!(run.stderr.contains("git"), "{}", run.stderr);
        assert_eq!(repo.files(), before, "{output}");
    }
}
