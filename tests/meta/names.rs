//! One way to name: what a reader meets twice means the same both times.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{code, code_text, sources};

/// Returns the sources that are called as a folder beside them is: modules with parts of their own are `name/mod.rs`.
fn beside_their_folder<'p>(paths: &[&'p Path]) -> Vec<&'p Path> {
    let has_parts = |path: &Path| {
        let folder: PathBuf = path.with_extension("");
        paths.iter().any(|other| other.parent() == Some(&folder))
    };
    paths.iter().copied().filter(|path| has_parts(path)).collect()
}

#[test]
fn a_module_with_parts_lies_in_their_folder() {
    let sources = sources();
    let paths: Vec<&Path> = sources.iter().map(|(path, _)| path.as_path()).collect();
    assert_eq!(
        beside_their_folder(&paths),
        [""; 0].map(Path::new),
        "`name.rs` beside `name/` is `name/mod.rs`"
    );
}

#[test]
fn a_module_beside_its_folder_is_seen() {
    let found = |paths: &[&str]| {
        let paths: Vec<&Path> = paths.iter().map(Path::new).collect();
        beside_their_folder(&paths).len()
    };
    assert_eq!(found(&["src/a.rs", "src/a/b.rs"]), 1);
    assert_eq!(found(&["src/a/mod.rs", "src/a/b.rs", "src/c.rs"]), 0);
}

/// The name that the arguments of every command have, beside the command.
const ARGUMENTS: &str = "Args";

/// Returns the types that a text defines for others than its own file: their names, and whether all crates see them.
fn types(text: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    for (_, line) in code(text) {
        let Some(rest) = line.strip_prefix("pub") else {
            continue;
        };
        let (is_public, rest) = match rest.strip_prefix('(') {
            Some(rest) => (false, rest.split_once(')').map_or("", |(_, rest)| rest)),
            None => (true, rest),
        };
        let mut words = rest.split_whitespace();
        if matches!(words.next(), Some("struct" | "enum" | "trait" | "type" | "union"))
            && let Some(name) = words.next()
        {
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
            found.push((&name[..end.unwrap_or(name.len())], is_public));
        }
    }
    found
}

/// Returns the names that stand for several types where one reader can meet both: in one crate, or in the program and in what
/// a crate of its own shows.
fn doubled(files: &[(&str, &str)]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<(&str, &str, bool)>> = BTreeMap::new();
    for (path, text) in files {
        let in_crates = path.strip_prefix("crates/");
        let home = in_crates.map_or("", |rest| rest.split('/').next().unwrap_or_default());
        for (name, is_public) in types(text).into_iter().filter(|(name, _)| *name != ARGUMENTS) {
            places.entry(name).or_default().push((home, path, is_public));
        }
    }
    let meet = |a: &(&str, &str, bool), b: &(&str, &str, bool)| {
        a.0 == b.0 || (a.0.is_empty() || b.0.is_empty()) && (a.0.is_empty() || a.2) && (b.0.is_empty() || b.2)
    };
    let mut found = Vec::new();
    for (name, places) in places {
        let is_met = |(index, place)| places[index + 1..].iter().any(|other| meet(place, other));
        if places.iter().enumerate().any(is_met) {
            let paths: Vec<&str> = places.iter().map(|(_, path, _)| *path).collect();
            found.push(format!("{name}: {}", paths.join(", ")));
        }
    }
    found
}

#[test]
fn a_name_stands_for_one_type() {
    let sources = sources();
    let files: Vec<(&str, &str)> = sources
        .iter()
        .filter_map(|(path, text)| Some((path.to_str()?, text.as_str())))
        .collect();
    assert_eq!(
        doubled(&files),
        [""; 0],
        "two types of one name: rename one by what it is"
    );
}

#[test]
fn a_doubled_name_is_seen() {
    let (plan, inner) = ("pub struct Plan {\n}\n", "pub(crate) enum Plan<'a> {\n}\n");
    assert_eq!(doubled(&[("src/a.rs", plan), ("src/b.rs", inner)]).len(), 1);
    assert_eq!(
        doubled(&[("src/a.rs", inner), ("crates/x/src/b.rs", plan)]).len(),
        1
    );
    assert_eq!(
        doubled(&[("src/a.rs", plan), ("crates/x/src/b.rs", inner)]),
        [""; 0]
    );
    assert_eq!(
        doubled(&[("crates/y/src/a.rs", plan), ("crates/x/src/b.rs", plan)]),
        [""; 0]
    );
    let (own, args) = (
        "struct Plan;\n// pub struct Plan\n",
        "pub(super) struct Args {}\n",
    );
    assert_eq!(doubled(&[("src/a.rs", plan), ("src/b.rs", own)]), [""; 0]);
    assert_eq!(doubled(&[("src/a.rs", args), ("src/b.rs", args)]), [""; 0]);
}

/// Returns the functions of a text that take several things as one parameter: `(a, b): (A, B)`.
fn packed(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("fn ") {
        let head = &text[at + "fn ".len()..];
        let name = head.split(['(', '<']).next().unwrap_or_default();
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            continue;
        }
        let head = head.split(['{', ';']).next().unwrap_or_default();
        let pattern = |open: usize| {
            let before = head[..open].trim_end();
            let (inner, behind) = head[open + 1..].split_once(')').unwrap_or_default();
            before.ends_with(['(', ',']) && behind.starts_with(": (") && inner.contains(',')
        };
        if head.match_indices('(').any(|(open, _)| pattern(open)) {
            found.push(name);
        }
    }
    found
}

#[test]
fn each_parameter_has_its_name() {
    for (path, text) in sources() {
        assert_eq!(
            packed(&code_text(&text)),
            [""; 0],
            "{}: a parameter for each, or a struct that says what they are together",
            path.display()
        );
    }
}

#[test]
fn a_packed_parameter_is_seen() {
    for text in [
        "fn put((root, path): (&Root, &str)) {}",
        "pub fn one<'a>(\n    x: u8,\n    (rule, wrong): (Option<A>, B),\n) -> C {",
    ] {
        assert_eq!(packed(text).len(), 1, "{text}");
    }
    for text in [
        "fn put(pair: (u8, u8), f: impl Fn((u8, u8)) -> u8) {}",
        "fn f(x: u8) { let g = |(a, b): (u8, u8)| a; }",
        "fn at(&self, Point(x, y): Point) {}",
    ] {
        assert_eq!(packed(text), [""; 0], "{text}");
    }
}
