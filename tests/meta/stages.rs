//! One door to the stages: `pipeline::Run`. Commands ask it, and call no stage by themselves; and nobody marks a tree for
//! a stage but the stage.

use std::collections::BTreeSet;

use super::{code_text, sources};

/// The functions that are a stage, or read for one: by their module and name.
const STAGES: &[&str] = &[
    "adopt::locked",
    "Before::read",
    "catalog::library",
    "Catalog::load",
    "ChangeSet::compute",
    "check::check",
    "check::check_raw",
    "config::load",
    "context::values",
    "Existing::read",
    "findings::report",
    "merge::carry",
    "merge::kept_kubernetes",
    "merge::merge",
    "merge::newer_charts",
    "merge::standing",
    "PerApp::new",
    "plan::check_storage_class",
    "plan::plan",
    "pool_change::report",
    "raw::render",
    "render::of_files",
    "render::render",
    "seal::seal",
    "Survey::new",
    "validate::validate",
    "write::apply",
    "write::recover",
    "write::undo",
];

/// Returns every path that a source names by its last two parts, with those in the braces of `use` one by one.
fn paths(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // What stands before each open brace, and the path that is being read.
    let (mut outer, mut path): (Vec<String>, String) = (Vec::new(), String::new());
    let mut add = |path: &str| {
        let mut parts = path.rsplit("::");
        if let (Some(last), Some(before)) = (parts.next(), parts.next()) {
            found.insert(format!("{before}::{last}"));
        }
    };
    for c in code.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | ':' => path.push(c),
            '{' if path.ends_with("::") => {
                let above = outer.last().cloned().unwrap_or_default();
                outer.push(above + &std::mem::take(&mut path));
            }
            _ => {
                let above = outer.last().cloned().unwrap_or_default();
                add(&format!("{above}{path}"));
                path.clear();
                if c == '}' {
                    outer.pop();
                }
            }
        }
    }
    found
}

/// Returns the stages that a source calls.
fn stages(code: &str) -> Vec<&'static str> {
    let paths = paths(code);
    let called = STAGES.iter().filter(|stage| paths.contains(**stage));
    called.copied().collect()
}

#[test]
fn commands_call_no_stage_by_themselves() {
    let mut commands = 0;
    for (path, text) in sources() {
        if path.starts_with("src/cli") {
            commands += 1;
            let called = stages(&code_text(&text));
            assert!(
                called.is_empty(),
                "{}: {called:?}: ask `pipeline::Run`",
                path.display()
            );
        }
    }
    assert!(commands > 20, "{commands}");
}

/// A stage that has another name by now would be missed.
#[test]
fn every_stage_is_called_somewhere() {
    let mut called: BTreeSet<&str> = BTreeSet::new();
    for (path, text) in sources() {
        if path.starts_with("src") && !path.starts_with("src/cli") {
            called.extend(stages(&code_text(&text)));
        }
    }
    let gone: Vec<&str> = STAGES
        .iter()
        .copied()
        .filter(|stage| !called.contains(stage))
        .collect();
    assert_eq!(gone, [""; 0]);
}

#[test]
fn a_call_of_a_stage_is_seen() {
    for code in [
        "let tree = check::check(tree, &exceptions, diags)?;",
        "let tree = crate::check::check(tree, &exceptions, diags)?;",
        "use crate::merge::{KeptVersion,\n    merge};",
        "use crate::{diff::{ChangeKind, ChangeSet}, render::{Component, render}};",
        "match ChangeSet::compute(&tree, &existing, &lock, &choices) {",
        "let seal = seal::seal;",
    ] {
        assert_eq!(stages(code).len(), 1, "{code}");
    }
    for code in [
        "use crate::check::rules::ALL;",
        "use crate::merge::{KeptVersion, Side};\nfn merge() {}",
        "run.checked()?",
        "let error = seal::finding(&error, name);",
        "use crate::render::{Component, resources};",
    ] {
        assert_eq!(stages(code), [""; 0], "{code}");
    }
}

/// What makes the marker of a stage, and where.
const MARKERS: [(&str, &str); 3] = [
    ("Rendered {", "src/render/stage.rs"),
    ("Checked {", "src/check/mod.rs"),
    ("Sealed {", "src/seal/mod.rs"),
];

/// Returns the marker that a line makes or takes apart.
fn marker(line: &str) -> Option<(&'static str, &'static str)> {
    let is_other = |word: &str| {
        ["for ", "impl ", "struct "]
            .iter()
            .any(|before| line.contains(before))
            || line.contains(&format!("::{word}"))
    };
    MARKERS.into_iter().find(|(word, _)| {
        line.split_once(word)
            .is_some_and(|(before, _)| !before.ends_with(char::is_alphanumeric))
            && !is_other(word)
    })
}

/// Fields are private, so the compiler sees to most of it; this holds the fields private, and what is for tests in tests.
#[test]
fn a_stage_alone_makes_its_marker() {
    let mut made = BTreeSet::new();
    for (path, text) in sources() {
        for line in code_text(&text).lines() {
            let Some((word, home)) = marker(line) else {
                continue;
            };
            made.insert(word);
            assert!(path.ends_with(home), "{}: {line}", path.display());
        }
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            if line.contains("fn for_tests(") {
                assert_eq!(lines[at - 1], "#[cfg(test)]", "{}: {line}", path.display());
            }
        }
    }
    assert_eq!(made.len(), MARKERS.len(), "{made:?}");
    for (word, home) in MARKERS {
        let text = std::fs::read_to_string(super::root().join(home)).expect("readable");
        let (_, fields) = text
            .split_once(&format!("pub struct {word}"))
            .expect("the marker");
        let (fields, _) = fields.split_once('}').expect("its end");
        assert!(
            !fields.contains("pub "),
            "{home}: `{word}` can be made by everybody"
        );
    }
}

#[test]
fn a_marker_is_seen() {
    for line in [
        "    Ok(sealed.map_stage(|_| Sealed { unverified }))",
        "    Tree::new(files, Rendered { documents, added })",
    ] {
        assert!(marker(line).is_some(), "{line}");
    }
    for line in [
        "impl Sealed {",
        "pub struct Checked {",
        "    Text::Rendered { text }",
        "fn f() -> Tree<Sealed> {",
    ] {
        assert!(marker(line).is_none(), "{line}");
    }
}

/// The stages in their order, as the table of the pipeline has them.
fn order() -> Vec<String> {
    let text = std::fs::read_to_string(super::root().join("src/pipeline/mod.rs")).expect("readable");
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | "));
    let names = rows.filter_map(|row| row.split(" | ").next()).map(str::to_owned);
    names.filter(|name| name != "stage" && name != "---").collect()
}

/// Returns whether a text tells the order anew: three stages one after the other, with nothing but signs between them.
fn tells(text: &str, order: &[String]) -> bool {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let place = |word: &str| order.iter().position(|stage| stage == word);
    words.windows(3).any(|three| {
        let places: Vec<Option<usize>> = three.iter().map(|word| place(word)).collect();
        matches!(places.as_slice(), [Some(a), Some(b), Some(c)] if a + 1 == *b && b + 1 == *c)
    })
}

#[test]
fn the_order_of_the_stages_stands_in_one_place() {
    let order = order();
    assert_eq!(order.len(), 9, "{order:?}");
    let mut texts = sources();
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "templates/README.md",
        "tests/README.md",
    ] {
        let text = std::fs::read_to_string(super::root().join(name)).expect("readable");
        texts.push((name.into(), text));
    }
    for entry in std::fs::read_dir(super::root().join("docs"))
        .expect("readable")
        .flatten()
    {
        texts.push((
            entry.path(),
            std::fs::read_to_string(entry.path()).expect("readable"),
        ));
    }
    for (path, text) in &texts {
        if path.ends_with("src/pipeline/mod.rs") {
            continue;
        }
        let mut lines = text.lines();
        // The picture of the house shows the way, and is held to the table.
        if path.ends_with("CONTRIBUTING.md") {
            let drawn = lines.find(|line| line.contains("─▶")).expect("the picture");
            let drawn: Vec<&str> = drawn.split("─▶").map(str::trim).collect();
            let stages = &drawn[1..drawn.len() - 1];
            assert_eq!(stages, &order[1..], "CONTRIBUTING.md");
        }
        let words: Vec<&str> = lines
            .map(|line| line.trim_start_matches(['/', '!', ' ']))
            .collect();
        let numbered = words.iter().find(|line| {
            let number = line.strip_prefix("Stage ").and_then(|rest| rest.chars().next());
            number.is_some_and(|number| number.is_ascii_digit())
        });
        assert_eq!(numbered, None, "{}", path.display());
        for paragraph in words.split(|line| line.is_empty()) {
            let told = tells(&paragraph.join(" "), &order);
            assert!(
                !told,
                "{}: {paragraph:?}: `src/pipeline/mod.rs` tells the order",
                path.display()
            );
        }
    }
}

#[test]
fn an_order_that_is_told_anew_is_seen() {
    let order = order();
    assert!(tells("The way: render → merge → check, and on.", &order));
    assert!(tells("load, validate,\nplan", &order));
    assert!(!tells("They render and merge; check your files.", &order));
}
