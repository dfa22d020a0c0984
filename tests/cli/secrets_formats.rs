//! Every `secrets` command on every format of SOPS.

use super::secrets_files::CANARY;
use crate::support::{AGE_KEY, RECIPIENT, Repo};

/// A file of each format, and the path of a value in it.
const FILES: [(&str, &str, &str); 5] = [
    ("x.sops.yaml", "a: one # c\nb: two\n", "b"),
    ("x.sops.json", "{\n\t\"a\": \"one\",\n\t\"b\": \"two\"\n}\n", "b"),
    ("x.sops.env", "# c\nA=one\nB=two\n", "B"),
    ("x.sops.ini", "[s]\na = one\nb = two\n", "s.b"),
    ("x.sops.txt", "one\ntwo\n", "data"),
];

fn repo() -> Repo {
    let repo = Repo::empty();
    repo.write("age.key", AGE_KEY);
    repo.write(".sops.yaml", &format!("creation_rules:\n  - age: {RECIPIENT}\n"));
    for (name, plain, _) in FILES {
        repo.write(name, plain);
    }
    repo
}

fn sealed() -> Repo {
    let repo = repo();
    for (name, ..) in FILES {
        repo.ok(&["secrets", "encrypt", "-i", name]);
    }
    repo
}

#[test]
fn what_should_be_encrypted_and_is_not_is_found_in_every_format() {
    let repo = repo();
    std::fs::write(repo.path("y.sops.bin"), b"\xff\0").expect("written");
    for command in ["status", "scan"] {
        let run = repo.run(&["secrets", command]);
        assert_eq!(run.code, 1, "{command}");
        for name in FILES.map(|(name, ..)| name).into_iter().chain(["y.sops.bin"]) {
            assert!(run.stderr.contains(name), "{command} {name}: {}", run.stderr);
        }
    }
    let repo = sealed();
    let told = repo.ok(&["secrets", "status"]).stdout;
    assert_eq!(told.matches("ok  ").count(), FILES.len(), "{told}");
    repo.ok(&["secrets", "scan"]);
    repo.write(
        "x.sops.env",
        &repo.read("x.sops.env").replace("# c\n", "C=plain\n"),
    );
    let told = repo.fails(&["secrets", "status"]).stderr;
    assert!(told.contains("`C` should be encrypted and is not"), "{told}");
}

#[test]
fn values_are_set_read_and_taken_out_in_every_format() {
    let repo = sealed();
    for (name, plain, path) in FILES {
        let before = repo.read(name);
        repo.ok(&["secrets", "set", name, path, CANARY]);
        assert!(!repo.read(name).contains(CANARY), "{name}");
        let read = repo.ok(&["secrets", "decrypt", "--extract", path, name]).stdout;
        assert_eq!(read, CANARY, "{name}");
        let again = repo.read(name);
        repo.ok(&["secrets", "set", name, path, CANARY]);
        assert_eq!(repo.read(name), again, "{name}: nothing changes");
        repo.write("before", &before);
        let diff = repo.ok(&["secrets", "diff", name, name]).stdout;
        assert!(diff.contains("no differences"), "{name}: {diff}");
        let shown = repo.ok(&["secrets", "textconv", name]).stdout;
        assert!(
            shown.contains("<encrypted str") && !shown.contains(CANARY),
            "{name}: {shown}"
        );
        if path == "data" {
            continue;
        }
        repo.ok(&["secrets", "unset", name, path]);
        let left = repo.ok(&["secrets", "decrypt", name]).stdout;
        assert!(
            left.contains("one") && !left.contains(CANARY) && plain.contains("two"),
            "{name}: {left}"
        );
    }
}

#[test]
fn keys_change_in_every_format() {
    let repo = sealed();
    let (_, other) = sops::generate_identity();
    repo.write(
        ".sops.yaml",
        &format!("creation_rules:\n  - age: {RECIPIENT},{other}\n"),
    );
    let told = repo.run(&["secrets", "updatekeys", "--check"]);
    assert_eq!(told.code, 2, "{}", told.stderr);
    repo.ok(&["secrets", "updatekeys", "--yes"]);
    repo.ok(&["secrets", "status"]);
    repo.write(
        ".sops.yaml",
        &format!("creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [{RECIPIENT}]\n      - age: [{RECIPIENT}, {other}]\n"),
    );
    let told = repo.fails(&["secrets", "status"]).stderr;
    assert!(told.contains("has other key groups"), "{told}");
    let told = repo.ok(&["secrets", "updatekeys", "--yes"]).stdout;
    assert_eq!(
        told.matches("other key groups (new data key)").count(),
        FILES.len(),
        "{told}"
    );
    repo.ok(&["secrets", "status"]);
    for (name, plain, _) in FILES {
        let old = repo.read(name);
        repo.ok(&["secrets", "rotate", "-i", name]);
        assert_ne!(repo.read(name), old, "{name}");
        assert_eq!(repo.ok(&["secrets", "decrypt", name]).stdout, plain, "{name}");
    }
}

#[test]
fn a_merge_goes_by_the_name_that_git_gives() {
    let repo = sealed();
    for (name, plain, _) in FILES.into_iter().filter(|(.., path)| *path != "data") {
        let base = repo.read(name);
        let at = |key: &str| {
            if name.contains(".ini") {
                format!("s.{key}")
            } else {
                key.to_owned()
            }
        };
        let key = |key: &str| {
            if name.contains(".env") {
                key.to_uppercase()
            } else {
                at(key)
            }
        };
        repo.ok(&["secrets", "set", name, &key("a"), "ours"]);
        repo.write(".merge_a", &repo.read(name));
        repo.write(".merge_o", &base);
        repo.write(name, &base);
        repo.ok(&["secrets", "set", name, &key("b"), "theirs"]);
        repo.write(".merge_b", &repo.read(name));
        repo.ok(&["secrets", "merge", ".merge_o", ".merge_a", ".merge_b", name]);
        repo.write(name, &repo.read(".merge_a"));
        let merged = repo.ok(&["secrets", "decrypt", name]).stdout;
        assert_eq!(
            merged,
            plain.replace("one", "ours").replace("two", "theirs"),
            "{name}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_go_there_and_back() {
    let repo = repo();
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    std::fs::write(repo.path("k.bin"), &bytes).expect("written");
    repo.ok(&["secrets", "encrypt", "-i", "k.bin"]);
    repo.ok(&["secrets", "decrypt", "--to", "out", "k.bin"]);
    assert_eq!(std::fs::read(repo.path("out")).expect("read"), bytes);
    let twice = repo.fails(&["secrets", "encrypt", "-i", "k.bin"]).stderr;
    assert!(twice.contains("counts as encrypted already"), "{twice}");
    std::fs::write(repo.path("new"), b"\xfe\n").expect("written");
    repo.ok(&["secrets", "set", "k.bin", "data", "--value-file", "new"]);
    repo.ok(&["secrets", "decrypt", "-i", "k.bin"]);
    assert_eq!(std::fs::read(repo.path("k.bin")).expect("read"), b"\xfe\n");
    let refused = repo
        .fails(&["secrets", "set", "x.sops.env", "A", "--value-file", "new"])
        .stderr;
    assert!(refused.contains("is not text"), "{refused}");
}
