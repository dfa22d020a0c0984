//! Every code that the sources can print has an entry in the catalogue that `explain` shows, and none other has.

use std::collections::BTreeMap;

use clusterwright::check::rules;
use clusterwright::diag::{Severity, catalogue};

/// Texts that look like a code and are none.
const NO_CODES: [&str; 6] = [
    "info/exclude",
    "kubernetes/apps",
    "octocat/home-ops",
    "talos/clusterconfig",
    "templates/apps",
    "templates/repo",
];

/// What makes a finding, and how bad that one is.
const MAKERS: [(&str, Severity); 3] = [
    ("Diagnostic::error(", Severity::Error),
    ("Diagnostic::warning(", Severity::Warning),
    ("Diagnostic::note_level(", Severity::Note),
];

/// The sources without tests and comments.
fn code() -> impl Iterator<Item = (String, String)> {
    let is_test = |path: &std::path::Path| {
        path.components().any(|part| part.as_os_str() == "tests")
            || path.ends_with("tests.rs")
            || path.ends_with("testing.rs")
    };
    let sources = super::sources()
        .into_iter()
        .filter(move |(path, _)| !is_test(path));
    sources.map(|(path, text)| (path.display().to_string(), super::code_text(&text)))
}

/// A number with its word comes from `counted`, which knows one from many.
#[test]
fn no_text_says_1_files() {
    for (path, text) in code() {
        for line in text.lines() {
            for words in [
                "} files",
                "} lines",
                "} rules",
                "} objects",
                "} kinds",
                "} more files",
            ] {
                assert!(!line.contains(words), "{path}: {line}");
            }
        }
    }
}

/// Whether a text has the form of a code: `topic/what-is-wrong`.
fn is_code(text: &str) -> bool {
    let words = |part: &str| {
        let ok = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        part.split('-').all(ok)
    };
    let topic = text
        .split_once('/')
        .filter(|(topic, rest)| words(topic) && words(rest));
    topic.is_some_and(|(topic, _)| !topic.contains(|c: char| c.is_ascii_digit()))
}

/// The texts in quotes that have the form of a code, each with a place.
fn codes() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, text) in code() {
        for line in text.lines() {
            for quoted in line.split('"').filter(|quoted| is_code(quoted)) {
                found.entry(quoted.to_owned()).or_insert_with(|| path.clone());
            }
        }
    }
    NO_CODES
        .iter()
        .for_each(|other| assert!(found.remove(*other).is_some(), "{other}"));
    found
}

#[test]
fn every_code_has_an_entry() {
    let used = codes();
    assert!(used.len() > 250, "{}", used.len());
    let known: BTreeMap<&str, bool> = catalogue::all()
        .iter()
        .map(|entry| (entry.code, entry.is_retired))
        .collect();
    for (code, path) in &used {
        match known.get(code.as_str()) {
            Some(false) => {}
            Some(true) => panic!("{path} prints `{code}`, which the catalogue calls retired"),
            None => panic!(
                "{path} prints `{code}`, of which `explain` knows nothing: write an entry into `src/diag/catalogue/`, or name it in `NO_CODES` if it is no code"
            ),
        }
    }
    for (code, _) in known.iter().filter(|(_, is_retired)| !**is_retired) {
        assert!(
            used.contains_key(*code),
            "nothing prints `{code}`: call its entry retired, and say what became of it"
        );
    }
}

/// A code that stands where a finding is made has the form of one, and the level that the catalogue says.
#[test]
fn the_catalogue_says_how_bad_a_finding_is() {
    let mut worst: BTreeMap<String, Severity> = BTreeMap::new();
    for (path, text) in code() {
        for (maker, level) in MAKERS {
            for (at, _) in text.match_indices(maker) {
                let rest = text[at + maker.len()..].trim_start();
                let Some(code) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                assert!(
                    is_code(code),
                    "{path}: `{code}` is not of the form `topic/what-is-wrong`"
                );
                let known = worst.entry(code.to_owned()).or_insert(level);
                *known = (*known).min(level);
            }
        }
    }
    assert!(worst.len() > 200, "{}", worst.len());
    let table = catalogue::all()
        .iter()
        .filter_map(|entry| Some((entry, worst.get(entry.code)?)));
    for (entry, level) in table {
        assert_eq!(entry.level, *level, "{}", entry.code);
    }
}

#[test]
fn a_rule_and_a_code_are_told_apart_by_the_slash() {
    assert!(rules::ALL.iter().all(|rule| !rule.name.contains('/')));
    assert!(catalogue::all().iter().all(|entry| is_code(entry.code)));
}
