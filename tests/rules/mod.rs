//! Rules against fixtures: `<rule>/fail/*.yaml` must be found by that rule, `<rule>/pass/*.yaml` must not. Fixtures are
//! short: other rules would miss much in them, so they are not asked.
//!
//! A fixture holds a whole tree: `#==> path` starts a file.

mod incidents;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clusterwright::check::manifests::Manifests;
use clusterwright::check::rule::{Finding, Rule};
use clusterwright::check::rules::ALL;
use clusterwright::tree::{KUSTOMIZATIONS, RepoPath};

fn fixtures(rule: &str, kind: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rules")
        .join(rule)
        .join(kind);
    let mut found: Vec<PathBuf> = std::fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The tree that a fixture holds.
fn read(fixture: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(fixture).expect("readable");
    let parts = text.split("#==> ").skip(1);
    parts
        .map(|part| part.split_once('\n').expect("a path line"))
        .map(|(path, body)| (path.trim().to_owned(), body.to_owned()))
        .collect()
}

/// Runs rules over a tree.
fn run(tree: &BTreeMap<String, String>, rules: &[&Rule]) -> Vec<(&'static str, Finding)> {
    let files: BTreeMap<RepoPath, &str> = tree
        .iter()
        .map(|(path, text)| (RepoPath::parse(path).expect("a path"), text.as_str()))
        .collect();
    let documents = files
        .iter()
        .filter(|(path, _)| path.is_yaml())
        .map(|(path, text)| (path.clone(), Arc::new(yaml::parse(text).expect("YAML"))))
        .collect();
    let texts = files.iter().map(|(path, text)| (path, (*text, "app"))).collect();
    let manifests = Manifests::new(&documents, &texts);
    let mut out = Vec::new();
    for rule in rules {
        let findings = rule.findings(&manifests).into_iter();
        out.extend(findings.map(|finding| (rule.name, finding)));
    }
    out
}

/// Runs rules over a tree: `rule path:line message | help`.
fn findings(tree: &BTreeMap<String, String>, rules: &[&Rule]) -> Vec<String> {
    let line = |(name, finding): (&str, Finding)| {
        let line = finding.span.map_or(0, |span| {
            tree[finding.path.as_str()][..span.start].matches('\n').count() + 1
        });
        let Finding {
            path, message, help, ..
        } = finding;
        format!("{name} {path}:{line} {message} | {help}")
    };
    run(tree, rules).into_iter().map(line).collect()
}

/// Returns what a help says to write in place of what is underlined.
fn edit(help: &str) -> Option<&str> {
    let starts = ["write `", "did you mean `", "quote it: `", "remove the quotes: `"];
    let rest = starts.iter().find_map(|start| help.strip_prefix(start))?;
    let (word, after) = rest.split_once('`')?;
    let is_word = !word.contains([' ', ':']) || word.starts_with('"');
    (is_word && (after.is_empty() || after == "?" || after.starts_with(", which"))).then_some(word)
}

/// A help that names a word in place of the one that is underlined mends the finding, and makes no other about fields.
#[test]
fn every_proposed_word_mends_what_it_is_for() {
    let about_text = ["missing-field", "unknown-field", "wrong-type", "yaml-1-1-trap"];
    let about_text: Vec<&Rule> = ALL
        .iter()
        .copied()
        .filter(|rule| about_text.contains(&rule.name))
        .collect();
    let (mut tried, mut wrong) = (0, Vec::new());
    for rule in ALL {
        for fixture in fixtures(rule.name, "fail") {
            let tree = read(&fixture);
            let old = findings(&tree, &about_text);
            for (name, finding) in run(&tree, &[rule]) {
                let Some((word, span)) = edit(&finding.help).zip(finding.span.clone()) else {
                    continue;
                };
                tried += 1;
                let mut after = tree.clone();
                let text = after.get_mut(finding.path.as_str()).expect("a file");
                text.replace_range(span.clone(), word);
                if yaml::parse(text).is_err() {
                    wrong.push(format!("{name} {}: {word}: no YAML any more", fixture.display()));
                    continue;
                }
                let is_same = |(_, other): &(&str, Finding)| {
                    let start = other.span.as_ref().map(|span| span.start);
                    (&other.path, &other.message, start)
                        == (&finding.path, &finding.message, Some(span.start))
                };
                let new = findings(&after, &about_text);
                let new: Vec<&String> = new.iter().filter(|one| !old.contains(one)).collect();
                if !new.is_empty() || run(&after, &[rule]).iter().any(is_same) {
                    wrong.push(format!("{name} {}: {word}: {new:?}", fixture.display()));
                }
            }
        }
    }
    assert!(tried > 20, "{tried}");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn failing_fixtures_are_found_by_their_rule() {
    for rule in ALL {
        for fixture in fixtures(rule.name, "fail") {
            let found = findings(&read(&fixture), &[rule]);
            let name = fixture
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            assert!(!found.is_empty(), "{}: nothing found", fixture.display());
            insta::assert_snapshot!(format!("{}@{name}", rule.name), found.join("\n"));
        }
    }
}

#[test]
fn passing_fixtures_are_silent() {
    for rule in ALL {
        for fixture in fixtures(rule.name, "pass") {
            assert_eq!(
                findings(&read(&fixture), &[rule]),
                [""; 0],
                "{}",
                fixture.display()
            );
        }
    }
}

/// The names of kustomize's file are one to every rule.
#[test]
fn another_name_of_the_kustomize_file_changes_nothing() {
    let mut tried = 0;
    for name in &KUSTOMIZATIONS[1..] {
        let renamed = |path: &str| match path.strip_suffix(KUSTOMIZATIONS[0]) {
            Some(folder) if folder.ends_with('/') => format!("{folder}{name}"),
            _ => path.to_owned(),
        };
        for (rule, kind) in ALL.iter().flat_map(|rule| [(rule, "fail"), (rule, "pass")]) {
            for fixture in fixtures(rule.name, kind) {
                let old = read(&fixture);
                let new: BTreeMap<String, String> = old
                    .iter()
                    .map(|(path, text)| (renamed(path), text.clone()))
                    .collect();
                tried += usize::from(old != new);
                let spans = |tree: &BTreeMap<String, String>| {
                    let found = run(tree, &[*rule]).into_iter();
                    let mut found: Vec<_> = found
                        .map(|(_, finding)| (renamed(finding.path.as_str()), finding.span))
                        .collect();
                    found.sort_by_key(|(path, span)| (path.clone(), span.as_ref().map(|span| span.start)));
                    found
                };
                assert_eq!(spans(&new), spans(&old), "{} with {name}", fixture.display());
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn every_rule_is_sorted_documented_and_has_fixtures() {
    let names: Vec<&str> = ALL.iter().map(|rule| rule.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let files =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check/rules")).expect("there");
    let mut modules: Vec<String> = files
        .flatten()
        .filter_map(|file| file.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "mod")
        .collect();
    modules.sort();
    assert_eq!(
        modules,
        names
            .iter()
            .map(|name| name.replace('-', "_"))
            .collect::<Vec<_>>()
    );
    for rule in ALL {
        let prose = rule.docs.split("```").step_by(2).collect::<String>();
        let headings: Vec<&str> = prose.lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# {}", rule.name);
        let expected = [
            &title,
            "## What it does",
            "## Why it matters",
            "## Example",
            "## How to fix",
            "## Exceptions",
        ];
        assert_eq!(headings, expected, "{}", rule.name);
        assert!(
            !fixtures(rule.name, "fail").is_empty(),
            "{} has no failing fixture",
            rule.name
        );
        assert!(
            !fixtures(rule.name, "pass").is_empty(),
            "{} has no passing fixture",
            rule.name
        );
    }
}
