//! Files that import each other in a circle can only be read together.

use std::collections::{BTreeMap, BTreeSet};

use super::{module, sources, uses};

/// How many files of a library crate may stand in one circle.
const MOST: usize = 3;

/// Returns the files of a crate with those that each of them uses, by `crate::` and `super::`.
fn imports(files: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let named = |path: &str| {
        let mut parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
        while !parts.is_empty() {
            if let Some((name, _)) = files.get_key_value(&parts.join("::")) {
                return Some(name.as_str());
            }
            parts.pop();
        }
        None
    };
    let mut found = BTreeMap::new();
    for (name, text) in files {
        let used = uses::uses(name, text);
        let targets = used.iter().filter_map(|path| named(path));
        let targets: BTreeSet<&str> = targets.filter(|target| target != name).collect();
        found.insert(name.as_str(), targets);
    }
    found
}

/// Returns the files that can be reached from each other, in groups of more than one.
fn circles(files: &BTreeMap<String, String>) -> Vec<Vec<String>> {
    let uses = imports(files);
    let reach = |from: &str| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = uses.get(from).into_iter().flatten().copied().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(uses.get(next).into_iter().flatten());
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|name| (*name, reach(name))).collect();
    let mut found = BTreeSet::new();
    for (name, others) in &reached {
        let circle: Vec<String> = others
            .iter()
            .filter(|other| reached[*other].contains(name))
            .map(|other| (*other).to_owned())
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

#[test]
fn the_library_crates_have_no_large_circle_of_files() {
    let mut crates: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (path, text) in sources() {
        let path = path.display().to_string().replace('\\', "/");
        let Some((name, file)) = path
            .strip_prefix("crates/")
            .and_then(|path| path.split_once("/src/"))
        else {
            continue;
        };
        if !(file.starts_with("tests/") || file.ends_with("tests.rs") || file == "lib.rs") {
            crates
                .entry(name.to_owned())
                .or_default()
                .insert(module(file), text);
        }
    }
    assert!(crates.contains_key("yaml") && crates.contains_key("sops"));
    for (name, files) in &crates {
        for circle in circles(files) {
            assert!(
                circle.len() <= MOST,
                "crates/{name}: {circle:?} import each other"
            );
        }
    }
}

#[test]
fn circles_are_seen() {
    let files = |texts: &[(&str, &str)]| -> BTreeMap<String, String> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        texts.iter().map(own).collect()
    };
    let round = files(&[
        ("a::b", "use crate::c::Type;\n"),
        ("c", "// crate::a::b\nuse crate::d;\n"),
        ("d", "fn x() { crate::a::{\n    b,\n    none} }\n"),
        ("a::e", "use super::b::y;\n"),
    ]);
    assert_eq!(circles(&round), [["a::b", "c", "d"]]);
    let straight = files(&[("a", "use crate::b;\n"), ("b", "use crate::c;\n"), ("c", "\n")]);
    assert!(circles(&straight).is_empty());
}
