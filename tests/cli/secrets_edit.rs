//! `secrets edit`: what the editor sees, what is written, and that nothing is left over.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use super::secrets_files::{SECRET, encrypted};
use crate::support::{RECIPIENT, Repo, Run};

const FILE: &str = "apps/x.sops.yaml";

/// Runs `secrets edit` with a shell script as the editor; it finds the file in `$1` and our root in `$ROOT`.
pub(super) fn edit(repo: &Repo, script: &str, options: &[&str]) -> Run {
    repo.write(
        "editor.sh",
        &format!("#!/bin/sh\nROOT='{}'\n{script}\n", repo.root().display()),
    );
    std::fs::set_permissions(repo.path("editor.sh"), std::fs::Permissions::from_mode(0o755)).expect("set");
    let editor = repo.path("editor.sh").display().to_string();
    let path = std::env::var_os("PATH")
        .expect("a path")
        .into_string()
        .expect("UTF-8");
    let runtime = repo.root().display().to_string();
    let mut args = vec!["secrets", "edit"];
    args.extend(options);
    // On a machine whose /dev/shm is no memory the clear text goes to a disk, as it is but a canary.
    args.push("--allow-disk");
    repo.run_with(
        &args,
        &[("EDITOR", &editor), ("PATH", &path), ("TMPDIR", &runtime)],
    )
}

/// The directory that the script noted must be gone, with all that was in it.
#[track_caller]
fn nothing_is_left(repo: &Repo) {
    let seen = repo.read("seen");
    let seen = std::path::Path::new(seen.trim());
    assert!(
        seen.is_absolute() && !seen.parent().expect("a directory").exists(),
        "{}",
        seen.display()
    );
    for (name, bytes) in repo.files().into_iter().filter(|(name, _)| name != "editor.sh") {
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "{name}");
    }
}

const NOTE: &str = "echo \"$1\" > \"$ROOT/seen\"\n";

#[test]
fn only_what_changed_gets_a_new_ciphertext() {
    let repo = encrypted();
    let old = repo.read(FILE);
    let script = format!(
        "{NOTE}stat -c '%a' \"$1\" \"$(dirname \"$1\")\" > \"$ROOT/modes\"\necho \"$TMPDIR\" > \"$ROOT/tmpdir\"\ntouch \"$1~\"\nsed -i 's/admin/canary-new-user/' \"$1\""
    );
    let run = edit(&repo, &script, &[FILE]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(repo.read("modes"), "600\n700\n");
    let seen = repo.read("seen");
    assert!(seen.trim().ends_with("/x.sops.yaml") && seen.starts_with(repo.read("tmpdir").trim()));
    nothing_is_left(&repo);
    let new = repo.read(FILE);
    let changed: Vec<&str> = new.lines().filter(|line| !old.contains(line)).collect();
    assert!(
        changed.len() <= 3 && changed[0].starts_with("  user: ENC["),
        "{changed:?}"
    );
    let plain = repo.ok(&["secrets", "decrypt", FILE]).stdout;
    assert_eq!(plain, SECRET.replace("admin", "canary-new-user"));
}

#[test]
fn without_a_change_nothing_is_written() {
    let repo = encrypted();
    let old = repo.read(FILE);
    let run = edit(&repo, NOTE, &[FILE]);
    assert!(
        run.code == 0 && run.stderr.contains("nothing changes"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.read(FILE), old);
    nothing_is_left(&repo);
}

#[test]
fn failures_leave_the_file_as_it_was_and_no_clear_text() {
    let repo = encrypted();
    let old = repo.read(FILE);
    for (what, script, code) in [
        (
            "the editor fails",
            "sed -i 's/admin/x/' \"$1\"; exit 3",
            "secrets/editor",
        ),
        ("it removes the file", "rm \"$1\"", "secrets/editor"),
        (
            "what it leaves is no YAML",
            "echo 'canary: [' >> \"$1\"",
            "seal/sops",
        ),
        ("it leaves nothing", ": > \"$1\"", "seal/sops"),
        (
            "it leaves nothing to encrypt",
            "echo 'a: canary' > \"$1\"",
            "seal/sops",
        ),
    ] {
        let run = edit(&repo, &format!("{NOTE}{script}"), &[FILE]);
        assert_eq!(run.code, 1, "{what}");
        assert!(
            run.stderr.contains(code) && !run.stderr.contains("canary"),
            "{what}: {}",
            run.stderr
        );
        assert_eq!(repo.read(FILE), old, "{what}");
        nothing_is_left(&repo);
    }
}

#[test]
fn when_we_are_told_to_end_the_clear_text_goes_first() {
    let repo = encrypted();
    let old = repo.read(FILE);
    let everywhere = ["TERM", "HUP", "USR1", "ALRM", "ABRT", "XCPU"];
    let of_linux = ["PWR", "64"];
    let of_linux = of_linux.iter().filter(|_| cfg!(target_os = "linux"));
    for signal in everywhere.iter().chain(of_linux) {
        // The editor would go on for a minute, if nobody ended it.
        let run = edit(
            &repo,
            &format!("{NOTE}kill -{signal} $PPID\nexec sleep 60"),
            &[FILE],
        );
        assert_ne!(run.code, 0);
        assert_eq!(repo.read(FILE), old);
        nothing_is_left(&repo);
    }
    let run = edit(
        &repo,
        &format!("{NOTE}kill -INT $PPID\nsed -i 's/admin/root/' \"$1\""),
        &[FILE],
    );
    assert_eq!(
        run.code, 0,
        "an interrupt from the keyboard is the editor's: {}",
        run.stderr
    );
    nothing_is_left(&repo);
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten_and_the_edit_is_kept_encrypted() {
    let repo = encrypted();
    let other = repo.ok(&["secrets", "rotate", FILE]).stdout;
    repo.write("other", &other);
    let script =
        format!("{NOTE}cp \"$ROOT/other\" \"$ROOT/{FILE}\"\nsed -i 's/admin/canary-new-user/' \"$1\"");
    let run = edit(&repo, &script, &[FILE]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("secrets/changed-meanwhile"), "{}", run.stderr);
    assert_eq!(repo.read(FILE), other);
    nothing_is_left(&repo);
    let kept = repo.ok(&["secrets", "decrypt", &format!("{FILE}.edited")]).stdout;
    assert_eq!(kept, SECRET.replace("admin", "canary-new-user"));

    let first = repo.read(&format!("{FILE}.edited"));
    repo.write("other", &repo.ok(&["secrets", "rotate", FILE]).stdout);
    let run = edit(&repo, &script, &[FILE]);
    assert!(
        run.code == 1 && run.stderr.contains(&format!("{FILE}.edited-2")),
        "{}",
        run.stderr
    );
    assert_eq!(
        repo.read(&format!("{FILE}.edited")),
        first,
        "an edit that was kept stays"
    );
}

#[test]
fn a_kept_edit_opens_whatever_its_format() {
    let repo = encrypted();
    for (name, plain) in [
        ("a.json", "{\"key\": \"canary-one\"}\n"),
        ("a.env", "KEY=canary-one\n"),
        ("a.ini", "[s]\nkey = canary-one\n"),
        ("a.bin", "canary-one\n"),
    ] {
        repo.write(name, plain);
        repo.ok(&["secrets", "encrypt", "-i", "--age", RECIPIENT, name]);
        repo.write("other", &repo.ok(&["secrets", "rotate", name]).stdout);
        let script =
            format!("{NOTE}cp \"$ROOT/other\" \"$ROOT/{name}\"\nsed -i 's/canary-one/canary-two/' \"$1\"");
        assert_eq!(edit(&repo, &script, &[name]).code, 1, "{name}");
        let kept = repo.ok(&["secrets", "decrypt", &format!("{name}.edited")]).stdout;
        assert_eq!(kept, plain.replace("canary-one", "canary-two"));
    }
}

#[test]
fn a_new_file_that_appeared_meanwhile_is_not_overwritten() {
    let repo = encrypted();
    let new = "apps/new.sops.yaml";
    let script = format!("{NOTE}cp \"$ROOT/{FILE}\" \"$ROOT/{new}\"\nsed -i 's/value/canary-mine/' \"$1\"");
    let run = edit(&repo, &script, &[new]);
    assert!(
        run.code == 1 && run.stderr.contains("secrets/changed-meanwhile"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.read(new), repo.read(FILE));
    nothing_is_left(&repo);
    let kept = repo.ok(&["secrets", "decrypt", &format!("{new}.edited")]).stdout;
    assert!(kept.contains("key: canary-mine"), "{kept}");
}

#[test]
fn a_new_file_starts_from_an_example_and_is_encrypted_by_its_rule() {
    let repo = encrypted();
    let run = edit(&repo, NOTE, &["apps/new.sops.yaml"]);
    assert!(
        run.code == 0 && !repo.path("apps/new.sops.yaml").exists(),
        "{}",
        run.stderr
    );
    let run = edit(
        &repo,
        &format!("{NOTE}sed -i 's/key: value/token: canary-token/' \"$1\""),
        &["apps/new.sops.yaml"],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    nothing_is_left(&repo);
    let plain = repo.ok(&["secrets", "decrypt", "apps/new.sops.yaml"]).stdout;
    assert!(plain.contains("token: canary-token"), "{plain}");
}

#[test]
fn what_no_process_can_watch_is_cleared_by_another_one() {
    let repo = encrypted();
    let old = repo.read(FILE);
    for signal in ["KILL", "SEGV", "ILL", "FPE"] {
        // The run is over when the second process is: it holds on to our standard error.
        let run = edit(&repo, &format!("{NOTE}kill -{signal} $PPID"), &[FILE]);
        // Rust takes the first SEGV for a stack that ran over, and goes on where none did.
        assert!(run.code != 0 || signal == "SEGV", "{signal}");
        assert_eq!(repo.read(FILE), old, "{signal}");
        nothing_is_left(&repo);
    }
}

#[test]
fn an_editor_must_be_named_and_plain_files_are_not_edited() {
    let repo = encrypted();
    let run = repo.fails(&["secrets", "edit", FILE]);
    assert!(run.stderr.contains("secrets/no-editor"), "{}", run.stderr);
    let run = repo.run_with(&["secrets", "edit", FILE], &[("EDITOR", "vi 'x")]);
    assert!(
        run.code == 1 && run.stderr.contains("not closed"),
        "{}",
        run.stderr
    );
    repo.write("plain.yaml", "a: canary\n");
    let run = edit(&repo, NOTE, &["plain.yaml"]);
    assert!(
        run.code == 1 && run.stderr.contains("encrypt -i plain.yaml"),
        "{}",
        run.stderr
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_is_used_only_when_allowed() {
    let repo = encrypted();
    let run = repo.run_with(
        &["secrets", "edit", FILE],
        &[("EDITOR", "true"), ("XDG_RUNTIME_DIR", "/proc")],
    );
    // With a /dev/shm in memory that one is taken; without, the command refuses.
    assert!(
        run.code == 0 || run.stderr.contains("secrets/no-memory-directory"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_encrypted_cluster_yaml_is_edited_in_clear_and_stays_encrypted_in_its_secret_keys() {
    let repo = Repo::with(crate::support::MINIMAL);
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    let old = repo.read("cluster.yaml");
    let script = format!(
        "{NOTE}sed -i 's/^cloudflare_token: .*/cloudflare_token: canary-token-2/; s/^cloudflare_domain: .*/cloudflare_domain: example.org/' \"$1\""
    );
    let run = edit(&repo, &script, &["cluster.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    nothing_is_left(&repo);
    let new = repo.read("cluster.yaml");
    let changed: Vec<&str> = new.lines().filter(|line| !old.contains(line)).collect();
    assert!(
        changed.len() <= 4 && changed.contains(&"cloudflare_domain: example.org"),
        "{changed:?}"
    );
    let value = repo
        .ok(&[
            "secrets",
            "decrypt",
            "--extract",
            "cloudflare_token",
            "cluster.yaml",
        ])
        .stdout;
    assert_eq!(value, "canary-token-2");
    repo.ok(&["validate"]);
}

#[test]
fn a_number_that_older_releases_read_differently_is_told() {
    let repo = encrypted();
    let script =
        format!("{NOTE}sed -i 's/\"value\"/\"value\", \"id_unencrypted\": 9007199254740993/' \"$1\"");
    assert!(
        edit(&repo, &script, &["new.json"])
            .stderr
            .contains("secrets/no-rule")
    );
    let run = edit(&repo, &script, &["new.json", "--age", RECIPIENT]);
    assert!(
        run.code == 0
            && run
                .stderr
                .contains("the number `id_unencrypted` differently (line 2)"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_options_of_a_new_file_are_refused_for_one_that_is_there() {
    let repo = encrypted();
    let script = format!("{NOTE}sed -i 's/value/canary-mine/' \"$1\"");
    let new = ["new.json", "--age", RECIPIENT, "--encrypted-regex", "^nothing$"];
    let run = edit(&repo, &script, &new);
    assert!(run.code == 1 && !repo.path("new.json").exists(), "{}", run.stderr);
    let run = edit(&repo, &script, &[FILE, "--mac-only-encrypted"]);
    assert!(
        run.code == 1 && run.stderr.contains("do not change `apps/x.sops.yaml`"),
        "{}",
        run.stderr
    );
}
