//! What commands ask on a terminal, and what becomes of each answer.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use super::secrets_files::encrypted;
use crate::support::terminal::Terminal;
use crate::support::{GITIGNORE, MINIMAL, Repo};

/// A key of `age`'s behind a passphrase, and a file that it opens.
const LOCKED: &str = include_str!("../../crates/sops/tests/fixtures/locked-key.age");
const SEALED: &str = include_str!("../../crates/sops/tests/fixtures/default.yaml");
const PASSPHRASE: &str = "correct horse";

fn locked() -> Repo {
    let repo = Repo::empty();
    repo.write("sops/age/keys.txt", LOCKED);
    repo.write("sealed.yaml", SEALED);
    repo
}

fn decrypt_locked(repo: &Repo, passphrase: &str) -> (i32, String) {
    let home = repo.root().display().to_string();
    let mut terminal = Terminal::run(
        repo,
        &["secrets", "decrypt", "sealed.yaml"],
        &[("XDG_CONFIG_HOME", &home)],
    );
    terminal.expect("Passphrase for ");
    terminal.expect("keys.txt: ");
    terminal.expect_hidden();
    terminal.line(passphrase);
    terminal.end()
}

#[test]
fn the_right_passphrase_opens_and_is_not_shown() {
    let (code, text) = decrypt_locked(&locked(), PASSPHRASE);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("kind: Secret") && !text.contains("horse"), "{text}");
    assert_eq!(text.matches("Passphrase").count(), 1, "{text}");
}

#[test]
fn a_wrong_passphrase_is_told_and_not_shown() {
    let (code, text) = decrypt_locked(&locked(), "battery staple");
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("the passphrase is wrong") && !text.contains("staple"),
        "{text}"
    );
}

#[test]
fn an_interrupted_question_for_a_passphrase_ends_the_command() {
    let repo = locked();
    let home = repo.root().display().to_string();
    let mut terminal = Terminal::run(
        &repo,
        &["secrets", "decrypt", "sealed.yaml"],
        &[("XDG_CONFIG_HOME", &home)],
    );
    terminal.expect("keys.txt: ");
    terminal.expect_hidden();
    terminal.interrupt();
    let (code, text) = terminal.end();
    assert!(code != 0 && !text.contains("kind: Secret"), "{code} {text}");
}

const FILE: &str = "apps/x.sops.yaml";

/// Opens the editor, which runs a script that finds the file in `$1` and our root in `$ROOT`.
fn edit(repo: &Repo, script: &str) -> Terminal {
    repo.write(
        "editor.sh",
        &format!(
            "#!/bin/sh\nROOT='{}'\necho \"$1\" > \"$ROOT/seen\"\n{script}\n",
            repo.root().display()
        ),
    );
    std::fs::set_permissions(repo.path("editor.sh"), std::fs::Permissions::from_mode(0o755)).expect("set");
    let editor = repo.path("editor.sh").display().to_string();
    let runtime = repo.root().display().to_string();
    let env = [("EDITOR", editor.as_str()), ("TMPDIR", runtime.as_str())];
    Terminal::run(repo, &["secrets", "edit", FILE, "--allow-disk"], &env)
}

#[track_caller]
fn nothing_is_left(repo: &Repo) {
    let seen = repo.read("seen");
    let dir = std::path::Path::new(seen.trim()).parent().expect("a directory");
    assert!(!dir.exists(), "{seen}");
}

/// Breaks the file at first, and mends it when it is called again.
const BREAK_THEN_MEND: &str = "\
if grep -q '^broken' \"$1\"; then sed -i.old -e '/^broken/d' -e 's/admin/root/' \"$1\"; else echo 'broken: [canary' >> \"$1\"; fi";

#[test]
fn a_broken_edit_goes_back_to_the_editor_and_is_mended() {
    for yes in ["y", ""] {
        let repo = encrypted();
        let mut terminal = edit(&repo, BREAK_THEN_MEND);
        terminal.expect("(line ");
        terminal.expect("Back to the editor? [Y/n]");
        terminal.line(yes);
        let (code, text) = terminal.end();
        assert_eq!(code, 0, "{text}");
        assert!(!text.contains("canary"), "{text}");
        let user = repo.ok(&["secrets", "decrypt", "--extract", "stringData.user", FILE]);
        assert_eq!(user.stdout, "root");
        nothing_is_left(&repo);
    }
}

#[test]
fn a_broken_edit_that_is_given_up_writes_nothing() {
    let repo = encrypted();
    let old = repo.read(FILE);
    let mut terminal = edit(&repo, BREAK_THEN_MEND);
    terminal.expect("Back to the editor? [Y/n]");
    terminal.line("n");
    let (code, text) = terminal.end();
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("your edit was not kept") && !text.contains("canary"),
        "{text}"
    );
    assert_eq!(repo.read(FILE), old);
    nothing_is_left(&repo);
}

#[test]
fn ctrl_c_in_the_editor_leaves_no_clear_text() {
    let repo = encrypted();
    let old = repo.read(FILE);
    // A shell ends at once; most editors take no notice.
    let mut terminal = edit(&repo, "echo open; read answer");
    terminal.expect("open");
    terminal.interrupt();
    let (code, text) = terminal.end();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("secrets/editor"), "{text}");
    assert_eq!(repo.read(FILE), old);
    nothing_is_left(&repo);
}

#[test]
fn ctrl_c_at_the_question_leaves_no_clear_text() {
    let repo = encrypted();
    let old = repo.read(FILE);
    let mut terminal = edit(&repo, BREAK_THEN_MEND);
    terminal.expect("Back to the editor? [Y/n]");
    terminal.interrupt();
    let (code, text) = terminal.end();
    assert_ne!(code, 0, "{text}");
    assert_eq!(repo.read(FILE), old);
    nothing_is_left(&repo);
}

#[test]
fn configure_shows_the_changes_and_writes_them_after_a_yes() {
    let repo = Repo::with(MINIMAL);
    let configure = |shown: &str, answer| {
        let mut terminal = Terminal::run(&repo, &["configure"], &[]);
        terminal.expect(shown);
        terminal.expect("Write these changes? [y/N]");
        terminal.line(answer);
        let (code, text) = terminal.end();
        assert_eq!(code, 0, "{text}");
        assert!(!text.contains("test-cloudflare-token"), "{text}");
        text
    };
    let before = repo.files();
    for no in ["n", "", "what"] {
        let text = configure("create       default/echo", no);
        assert!(text.contains("Nothing was written."), "{text}");
        assert_eq!(repo.files(), before, "{no:?}");
    }
    assert!(configure("create", "y").contains("Written."));

    repo.edit("cluster.yaml", "10.10.10.252", "10.10.10.249");
    let before = repo.files();
    let text = configure("10.10.10.249", "n");
    assert!(text.contains("10.10.10.252"), "what was: {text}");
    assert_eq!(repo.files(), before);
    configure("10.10.10.249", "y");
    let run = repo.ok(&["configure", "--check"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);
}

const LOKI: &str = "kubernetes/apps/monitoring/loki/app/helmrelease.yaml";

/// A repository with a conflict.
fn conflict() -> Repo {
    let on = "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: true\nlogs_retention: 7d\n";
    let repo = Repo::with(&format!("{on}{MINIMAL}"));
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "x"]);
    repo.edit(LOKI, "retention_period: \"7d\"", "retention_period: \"8d\"");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "x"]);
    repo.edit("cluster.yaml", "logs_retention: 7d", "logs_retention: 14d");
    repo
}

#[test]
fn resolve_does_what_is_answered() {
    for (answers, confirmed, value) in [
        (&["y"][..], true, "\"8d\""),
        (&["t"], true, "\"14d\""),
        (&["what", "", "t"], true, "\"14d\""),
        (&["t"], false, "\"8d\""),
    ] {
        let repo = conflict();
        let mut terminal = Terminal::run(&repo, &["resolve"], &[]);
        terminal.expect("limits_config.retention_period");
        for answer in answers {
            terminal.expect("Keep [y]ours, take the [t]emplate's, [s]kip?");
            terminal.line(answer);
        }
        terminal.expect("Write these changes? [y/N]");
        terminal.line(if confirmed { "y" } else { "n" });
        let (code, text) = terminal.end();
        assert_eq!(code, 0, "{answers:?}: {text}");
        let loki = repo.read(LOKI);
        assert!(
            loki.contains(&format!("retention_period: {value}")),
            "{answers:?}: {loki}"
        );
    }
}

#[test]
fn resolve_that_skips_a_conflict_writes_nothing() {
    let repo = conflict();
    let before = repo.files();
    let mut terminal = Terminal::run(&repo, &["resolve"], &[]);
    terminal.expect("[s]kip?");
    terminal.line("s");
    let (code, text) = terminal.end();
    assert!(code == 1 && text.contains("merge/conflict"), "{text}");
    assert_eq!(repo.files(), before);
}

#[test]
fn adopt_asks_app_by_app() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path("clusterwright.lock")).expect("removed");
    std::fs::remove_dir_all(repo.path(".clusterwright")).expect("removed");
    let core_dns = "kubernetes/apps/kube-system/coredns/app/helmrelease.yaml";
    repo.edit(core_dns, "spec:\n", "spec:\n  timeout: 3m\n");
    let mine = repo.read(core_dns);
    let before = repo.files();

    let mut terminal = Terminal::run(&repo, &["adopt"], &[]);
    terminal.expect("identical files at once? Only the lock changes. [y/N]");
    terminal.line("n");
    terminal.expect("? [y,n,d,k,q,?]");
    terminal.line("q");
    let (code, text) = terminal.end();
    assert_eq!((code, repo.files()), (0, before.clone()), "{text}");

    let mut terminal = Terminal::run(&repo, &["adopt"], &[]);
    terminal.expect("identical files at once?");
    terminal.line("y");
    terminal.expect("Adopt kube-system/coredns (1 file)? [y,n,d,k,q,?]");
    terminal.line("d");
    terminal.expect("timeout: 3m");
    terminal.expect("Adopt kube-system/coredns (1 file)?");
    terminal.line("k");
    terminal.expect("Adopt these files? [y/N]");
    terminal.line("y");
    let (code, text) = terminal.end();
    assert!(code == 0 && text.contains("Adopted."), "{text}");
    assert_eq!(repo.read(core_dns), mine, "kept");
    assert!(repo.path("clusterwright.lock").exists());
}

/// What a terminal would obey, or shows otherwise than it is written: one of each kind.
const TRICKS: &str = "\u{1b}[8m\u{9b}31m\u{202e}\u{200b}\u{7}";

/// Runs a command on a terminal; returns what was shown, which holds the words and nothing of the tricks beside them.
fn shown(repo: &Repo, args: &[&str], words: &str) -> String {
    let (_, text) = Terminal::run(repo, args, &[("TERM", "xterm-256color"), ("CLICOLOR_FORCE", "1")]).end();
    assert!(text.contains(words), "{args:?}: {text:?}");
    assert!(text.contains("\\u{1b}[8m"), "{args:?}: {text:?}");
    for trick in TRICKS.chars().filter(|c| !c.is_ascii_graphic() && *c != '\u{1b}') {
        assert!(!text.contains(trick), "{args:?}: {text:?}");
    }
    assert!(!text.contains("\u{1b}[8m"), "{args:?}: {text:?}");
    text
}

#[test]
fn nothing_of_a_repository_steers_the_terminal() {
    let yaml = TRICKS.chars().map(|c| match c {
        c if c.is_ascii_graphic() => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    });
    let yaml = yaml.collect::<String>();
    let repo = Repo::with(MINIMAL);
    repo.write(
        "templates/apps/default/e/app.yaml",
        &format!("summary: \"sum{yaml}\\nmary\"\n"),
    );
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: e\n";
    repo.write("templates/apps/default/e/app/cm.yaml", object);
    repo.write("templates/repo/notes.txt", &format!("body{TRICKS}\n"));
    let styled = shown(&repo, &["apps"], "sum\\u{1b}");
    assert!(styled.contains("\u{1b}[32m"), "own styles stay: {styled:?}");
    assert!(!styled.contains("\nmary"), "a summary is one line: {styled:?}");
    shown(&repo, &["render", "notes.txt"], "body\\u{1b}");
    let (_, json) = Terminal::run(&repo, &["render", "--output", "json", "notes.txt"], &[]).end();
    assert!(
        json.contains("body\\u001b[8m\\u009b31m\\u202e\\u200b\\u0007"),
        "{json:?}"
    );
}

#[test]
fn the_lock_and_findings_do_not_steer_the_terminal() {
    let repo = Repo::with(MINIMAL);
    let hash = "0".repeat(64);
    repo.write("clusterwright.lock", &format!("{hash}  re{TRICKS}po  gone.txt\n"));
    repo.write("gone.txt", "x\n");
    let (_, text) = Terminal::run(&repo, &["configure", "--dry-run"], &[]).end();
    assert!(
        !text.contains('\u{202e}') && !text.contains("\u{1b}[8m"),
        "{text:?}"
    );
    let repo = Repo::empty();
    repo.write(
        "cluster.yaml",
        &format!("{MINIMAL}bad{TRICKS}key: \"{TRICKS}\"\n"),
    );
    let (code, text) = Terminal::run(&repo, &["validate"], &[]).end();
    assert_eq!(code, 1, "{text}");
    assert!(
        !text.contains('\u{202e}') && !text.contains("\u{1b}[8m"),
        "{text:?}"
    );
}

#[test]
fn a_pipe_gets_the_bytes_of_a_file_and_filtered_findings() {
    let repo = Repo::with(MINIMAL);
    let body =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: e\ndata:\n  a: \"body\u{202e}\u{200b}\"\n";
    repo.write("templates/apps/default/e/app.yaml", "summary: x\n");
    repo.write("templates/apps/default/e/app/cm.yaml", body);
    let run = repo.ok(&["render", "kubernetes/apps/default/e/app/cm.yaml"]);
    assert!(run.stdout.contains(body), "{:?}", run.stdout);
    let bad = Repo::empty();
    bad.write("cluster.yaml", &format!("{MINIMAL}bad{TRICKS}key: 1\n"));
    let run = bad.fails(&["validate", "--output", "concise"]);
    assert!(
        !run.stderr.contains('\u{202e}') && !run.stderr.contains('\u{1b}'),
        "{:?}",
        run.stderr
    );
}
