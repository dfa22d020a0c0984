//! The command line itself.

use crate::support::Repo;

#[test]
fn help_of_every_command() {
    let repo = Repo::empty();
    let mut out = String::new();
    for command in [
        "",
        "init",
        "demo",
        "validate",
        "plan",
        "graph",
        "apps",
        "render",
        "check",
        "configure",
        "adopt",
        "undo",
        "diff",
        "schema",
        "explain",
        "doctor",
        "secrets",
        "secrets encrypt",
        "secrets decrypt",
        "secrets edit",
        "secrets set",
        "secrets unset",
        "secrets rotate",
        "secrets updatekeys",
        "secrets status",
        "secrets explain",
        "secrets scan",
        "secrets diff",
        "secrets textconv",
        "secrets merge",
        "secrets install-git",
        "completions",
    ] {
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

#[test]
fn explain_knows_every_rule_and_suggests() {
    let repo = Repo::empty();
    let list = repo.ok(&["explain"]).stdout;
    for line in list.lines() {
        let name = line.split_whitespace().next().expect("a name");
        assert!(
            repo.ok(&["explain", name])
                .stdout
                .starts_with(&format!("# {name}\n"))
        );
    }
    assert!(
        repo.fails(&["explain", "crd-rase"])
            .stderr
            .contains("did you mean `crd-race`?")
    );
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
