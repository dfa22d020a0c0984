//! The worked examples of `docs/secrets.md` do what it says.

use super::secrets_files::SECRET;
use crate::support::{AGE_KEY, Repo};

const PAGE: &str = include_str!("../../docs/secrets.md");

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_examples_of_the_page_run() {
    let repo = Repo::empty();
    repo.git(&["init", "-q"]);
    repo.write("age.key", AGE_KEY);
    repo.write("secret.sops.yaml", SECRET);
    let rule = blocks(PAGE, "yaml")
        .into_iter()
        .find(|block| block.starts_with("# .sops.yaml"))
        .expect("a rule");
    repo.write(".sops.yaml", &rule);
    let mut commands = 0;
    for block in blocks(PAGE, "console") {
        for example in block.split("$ clusterwright ").skip(1) {
            let (command, expected) = example.split_once('\n').expect("a line");
            let args: Vec<&str> = command.split_whitespace().collect();
            let run = repo.ok(&args);
            let said = format!("{}{}", run.stdout, run.stderr);
            assert_eq!(said.trim_end(), expected.trim_end(), "{command}");
            commands += 1;
        }
    }
    assert_eq!(commands, 6);
}

#[test]
fn every_command_of_the_page_exists() {
    let repo = Repo::empty();
    for line in PAGE.lines().filter(|line| line.starts_with("| ")) {
        let command = line
            .split("`clusterwright secrets ")
            .nth(1)
            .and_then(|rest| rest.split([' ', '`']).next());
        if let Some(command) = command {
            repo.ok(&["secrets", command, "--help"]);
        }
    }
}
