//! What a plugin asks and tells, on a terminal and without one.
#![cfg(all(unix, feature = "plugin"))]

use std::os::unix::fs::PermissionsExt as _;

use crate::support::Repo;
use crate::support::terminal::Terminal;

const RECIPIENT: &str = "age1toy1w3hhjuj5ahe";
const IDENTITY: &str = "AGE-PLUGIN-TOY-1W3HHJN6HVV8";

/// A plugin that keeps keys in clear, behind all that a plugin can ask. It speaks
/// <https://github.com/C2SP/C2SP/blob/main/age-plugin.md>.
const TOY: &str = r#"#!/bin/sh
text() { printf "$1" | base64 | tr -d '=\n'; }
say() { printf -- '-> %s\n%s\n' "$1" "$2" && read -r head && read -r body; }
stop() { say "error identity 0" "$(text "$1")"; say 'done' ''; exit; }
while read -r line; do
    case $line in
    '-> wrap-file-key' | '-> recipient-stanza 0 toy') read -r key ;;
    '-> done') read -r rest && break ;;
    esac
done
case $1 in
*recipient-v1) say 'recipient-stanza 0 toy' "$key" ;;
*identity-v1)
    say msg "$(text 'Wake \033[31mthe toy')"
    say "confirm $(text go) $(text stop)" "$(text 'Is it there?')"
    [ "$head" = '-> ok yes' ] || stop 'it is not there'
    say request-public "$(text 'Its name')"
    [ "$body" = "$(text bear)" ] || stop 'it has another name'
    say request-secret "$(text 'Its PIN')"
    [ "$body" = "$(text 1234)" ] || stop 'the PIN is wrong'
    say 'file-key 0' "$key"
    ;;
esac
say 'done' ''
"#;

/// A repository with a file for the toy; returns also the path with it.
fn toy() -> (Repo, String) {
    let repo = Repo::empty();
    repo.write("age-plugin-toy", TOY);
    let plugin = repo.path("age-plugin-toy");
    std::fs::set_permissions(plugin, std::fs::Permissions::from_mode(0o755)).expect("set");
    let path = std::env::var_os("PATH")
        .expect("a path")
        .into_string()
        .expect("UTF-8");
    let path = format!("{}:{path}", repo.root().display());
    repo.write("a.yaml", "secret: canary-value\n");
    let encrypt = ["secrets", "encrypt", "-i", "--age", RECIPIENT, "a.yaml"];
    let run = repo.run_with(&encrypt, &[("PATH", &path)]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    (repo, path)
}

/// Decrypts on a terminal, where somebody answers what the toy asks.
fn answered(there: &str, name: &str, pin: &str) -> (i32, String) {
    let (repo, path) = toy();
    let env = [("PATH", path.as_str()), ("SOPS_AGE_KEY", IDENTITY)];
    let mut terminal = Terminal::run(&repo, &["secrets", "decrypt", "a.yaml"], &env);
    terminal.expect(r"Wake \u{1b}[31mthe toy");
    terminal.expect("Is it there? [y: go, n: stop]: ");
    terminal.line(there);
    if there == "y" {
        terminal.expect("Its name: ");
        terminal.line(name);
        terminal.expect("Its PIN: ");
        terminal.expect_hidden();
        terminal.line(pin);
    }
    terminal.end()
}

#[test]
fn a_person_on_a_terminal_answers() {
    let (code, text) = answered("y", "bear", "1234");
    assert!(
        code == 0 && text.contains("secret: canary-value") && !text.contains("1234"),
        "{text}"
    );
}

#[test]
fn a_wrong_answer_is_told_by_the_plugin() {
    let (code, text) = answered("y", "bear", "9876");
    assert!(
        code == 1 && text.contains("the PIN is wrong") && !text.contains("9876"),
        "{text}"
    );
    let (code, text) = answered("n", "", "");
    assert!(code == 1 && text.contains("it is not there"), "{text}");
}

#[test]
fn without_a_terminal_the_question_is_told() {
    let (repo, path) = toy();
    let env = [("PATH", path.as_str()), ("SOPS_AGE_KEY", IDENTITY)];
    let run = repo.run_with(&["secrets", "decrypt", "a.yaml"], &env);
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("`age-plugin-toy` asks “Is it there?”, and there is no terminal"),
        "{}",
        run.stderr
    );
}
