//! The command line itself.

use crate::support::{MINIMAL, Repo};

/// Every command that can be typed, the program itself as an empty text.
fn commands() -> Vec<String> {
    fn below(command: &clap::Command, words: &str, found: &mut Vec<String>) {
        found.push(words.to_owned());
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            below(command, format!("{words} {}", command.get_name()).trim(), found);
        }
    }
    let mut found = Vec::new();
    below(&clusterwright::cli::command(), "", &mut found);
    found
}

#[test]
fn help_of_every_command() {
    let repo = Repo::empty();
    let mut out = String::new();
    for command in commands() {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        out.push_str(&format!(
            "$ clusterwright {}\n{}\n",
            args.join(" "),
            repo.ok(&args).stdout
        ));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn usage_errors_are_1_because_2_means_changes() {
    let repo = Repo::empty();
    repo.fails(&["configure", "--no-such-flag"]);
    repo.fails(&["no-such-command"]);
    repo.fails(&[]);
    repo.ok(&["--version"]);
}

/// A few of them through the binary: starting it for each takes seconds.
#[test]
fn explain_lists_and_knows_rules_and_codes() {
    let repo = Repo::empty();
    let list = repo.ok(&["explain"]).stdout;
    for name in [
        "crd-race",
        "yaml-1-1-trap",
        "adopt/ambiguous",
        "config/unknown-key",
        "write/unmarked",
    ] {
        let line = format!("\n  {name} ");
        assert!(list.contains(&line), "{name}: {list}");
        let page = repo.ok(&["explain", name]).stdout;
        assert!(page.starts_with(&format!("# {name}\n")), "{page}");
    }
    assert!(
        !list.contains("template/jinja"),
        "a retired code is explained, and not listed"
    );
    let page = repo.ok(&["explain", "template/jinja"]).stdout;
    assert!(
        page.contains("not printed any more: `*.j2` files were refused"),
        "{page}"
    );
    let machine = repo.ok(&["explain", "-o", "json"]).stdout;
    let machine: serde_json::Value = serde_json::from_str(&machine).expect("JSON");
    let count = |what: &str| machine[what].as_array().map_or(0, Vec::len);
    assert!(count("rules") > 50 && count("codes") > 250, "{machine}");
    for (typed, meant) in [
        ("crd-rase", "crd-race"),
        ("config/unknwon-key", "config/unknown-key"),
    ] {
        let refused = repo.fails(&["explain", typed]).stderr;
        assert!(refused.contains(&format!("did you mean `{meant}`?")), "{refused}");
    }
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            Repo::empty()
                .ok(&["completions", shell])
                .stdout
                .contains("configure"),
            "{shell}"
        );
    }
}

#[test]
fn schemas_are_json() {
    let repo = Repo::empty();
    for args in [&["schema"][..], &["schema", "--app"]] {
        let schema: serde_json::Value = serde_json::from_str(&repo.ok(args).stdout).expect("JSON");
        assert!(schema["properties"].is_object());
    }
}

#[test]
fn every_command_has_a_manual_page_and_a_place_in_the_completions() {
    let repo = Repo::empty();
    let script = repo.ok(&["completions", "bash"]).stdout;
    repo.ok(&["man", "--to", "pages"]);
    for command in commands() {
        let words: Vec<&str> = command.split_whitespace().collect();
        let page = repo.ok(&[&["man"], words.as_slice()].concat()).stdout;
        let name = ["clusterwright"]
            .iter()
            .chain(&words)
            .copied()
            .collect::<Vec<_>>()
            .join("-");
        assert!(
            page.contains(".TH ") && page.contains(&name.replace('-', "\\-")),
            "{page}"
        );
        assert!(repo.read(&format!("pages/{name}.1")).contains(".TH "), "{name}");
        assert!(words.last().is_none_or(|word| script.contains(word)), "{command}");
    }
    assert!(
        repo.fails(&["man", "secrets", "no-such"])
            .stderr
            .contains("`secrets no-such` is no command")
    );
}

#[test]
fn completions_offer_rules_and_apps() {
    let repo = Repo::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = repo.ok(&["completions", shell]).stdout;
        for value in ["crd-race", "cert-manager"] {
            assert!(script.contains(value), "{shell} does not offer {value}");
        }
    }
    let fish = repo.ok(&["completions", "fish"]).stdout;
    assert!(
        fish.contains("function __fish_clusterwright_using_subcommand"),
        "{fish}"
    );
    let offers = |command: &str, value: &str| {
        let start = format!(
            "complete -c clusterwright -n \"__fish_clusterwright_using_subcommand {command}\" -f -a \""
        );
        let mut lines = fish.lines().filter_map(|line| line.strip_prefix(&start));
        lines.any(|values| values.trim_end_matches('"').split(' ').any(|one| one == value))
    };
    assert!(offers("explain", "crd-race"), "{fish}");
    assert!(offers("completions", "bash"), "{fish}");
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_printed_is_an_error_and_a_reader_that_left_is_none() {
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it")
    };
    let repo = Repo::with(MINIMAL);
    repo.write(
        "secret.yaml",
        include_str!("../../crates/sops/tests/fixtures/default.yaml"),
    );
    repo.write(
        "age.key",
        include_str!("../../crates/sops/tests/fixtures/key.txt"),
    );
    for args in [
        &["--help"][..],
        &["--version"],
        &["schema"],
        &["explain"],
        &["render"],
        &["validate", "-o", "json"],
        &["completions", "bash"],
        &["man"],
        &["secrets", "decrypt", "secret.yaml"],
    ] {
        let run = repo.run_into(args, full());
        assert_eq!(run.code, 1, "{args:?}: {}", run.stderr);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let run = repo.run_into(args, writer);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        assert_eq!(run.stderr, "", "{args:?}");
    }
    let run = repo.run_into(&["schema"], full());
    assert_eq!(
        run.stderr,
        "error: cannot write to standard output: No space left on device (os error 28)\n"
    );
}
