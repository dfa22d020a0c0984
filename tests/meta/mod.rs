//! The repository about itself: direction of dependencies, sizes, words.

mod boundary;
mod circles;
mod codes;
mod conformance;
mod docs;
mod names;
mod positions;
mod stages;
mod uses;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust sources of the program and of its library crates, by their path below the root.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let crates = std::fs::read_dir(root().join("crates"))
        .expect("readable")
        .flatten();
    let mut open: Vec<PathBuf> = crates.map(|entry| entry.path().join("src")).collect();
    assert!(!open.is_empty());
    open.push(root().join("src"));
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("readable");
                found.push((path.strip_prefix(root()).expect("below").to_path_buf(), text));
            }
        }
    }
    found.sort();
    found
}

/// Returns the lines of a source with their numbers from 0, without comments and the modules that are only for tests. What
/// stands behind such a module is code as well; one in a file of its own is left out as that file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let (mut after_attribute, mut in_tests) = (false, false);
    text.lines().enumerate().filter(move |(_, line)| {
        if in_tests {
            in_tests = *line != "}";
            return false;
        }
        if line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,") {
            after_attribute = true;
            return false;
        }
        in_tests = after_attribute && line.starts_with("mod ") && line.ends_with('{');
        after_attribute &= line.starts_with("#[");
        !in_tests && !line.trim_start().starts_with("//")
    })
}

/// The same as one text.
fn code_text(text: &str) -> String {
    code(text).map(|(_, line)| format!("{line}\n")).collect()
}

#[test]
fn code_behind_tests_is_code() {
    let text = "//! Doc\n#[cfg(test)]\nmod tests;\nuse a;\n#[cfg(test)]\n#[expect(x)]\nmod more {\n    use b;\n}\nuse c;\n";
    assert_eq!(code_text(text), "mod tests;\nuse a;\n#[expect(x)]\nuse c;\n");
}

/// Modules in the order of their dependencies: each may use those before it, none after it.
const ORDER: &[&str] = &[
    "source", "diag", "sys", "known", "bounds", "model", "tree", "vcs", "world", "config", "validate",
    "catalog", "plan", "jinja", "render", "context", "raw", "merge", "check", "seal", "diff", "adopt",
    "write", "pipeline", "secrets", "cli",
];

/// Modules that stand outside of the order: they are only for tests.
const FOR_TESTS: &str = "testing";

/// Returns the module of a file below a `src`, such as `world::lock` of `world/lock.rs`.
fn module(path: &str) -> String {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.replace('/', "::")
}

/// Returns the uses that go up: of a module that stands later in the order, or in none.
fn uses_upwards(order: &[&str], files: &[(String, String)]) -> Vec<String> {
    let rank = |path: &str| {
        let top = path.split("::").next().unwrap_or_default();
        order.iter().position(|module| *module == top)
    };
    let mut found = Vec::new();
    for (path, text) in files {
        let module = module(path);
        let own = rank(&module).unwrap_or_else(|| panic!("`{module}` has no place in ORDER"));
        for used in uses::uses(&module, text) {
            if !used.starts_with(FOR_TESTS) && rank(&used).is_none_or(|other| other > own) {
                found.push(format!("{path}: {module} uses {used}"));
            }
        }
    }
    found
}

#[test]
fn modules_depend_only_on_earlier_ones() {
    // The crates below `crates/` cannot use the program: cargo sees to that.
    let files: Vec<(String, String)> = sources()
        .into_iter()
        .filter_map(|(path, text)| {
            let path = path.to_string_lossy().replace('\\', "/");
            let below = path.strip_prefix("src/")?.to_owned();
            let outside = ["lib.rs", "main.rs", "testing.rs"].contains(&below.as_str());
            (!outside).then_some((below, text))
        })
        .collect();
    assert_eq!(uses_upwards(ORDER, &files), [""; 0]);
    let top = |path: &str| module(path).split("::").next().unwrap_or_default().to_owned();
    let seen: BTreeSet<String> = files.iter().map(|(path, _)| top(path)).collect();
    let listed: BTreeSet<String> = ORDER.iter().map(|module| (*module).to_owned()).collect();
    assert_eq!(seen, listed, "every module has a place");
}

#[test]
fn an_arrow_that_goes_up_is_seen() {
    let order = ["low", "middle", "high"];
    let found = |path: &str, text: &str| uses_upwards(&order, &[(path.to_owned(), text.to_owned())]);
    for text in [
        "use crate::high;\n",
        "pub use crate::{low, high::{self, x}};\n",
        "use crate::{\n    low,\n    high::x,\n};\n",
        "use super::super::high::x;\n",
        "fn x() {\n    crate::\n        high::x();\n}\n",
        "use crate::nowhere;\n",
    ] {
        assert!(!found("middle/a.rs", text).is_empty(), "{text}");
    }
    for text in [
        "use crate::{low, middle::b};\n",
        "use super::b;\n",
        "#[cfg(test)]\nmod tests {\n    use crate::high;\n}\n",
        "// crate::high\n",
    ] {
        assert_eq!(found("middle/a.rs", text), [""; 0], "{text}");
    }
}

/// What is encrypted is said by one module: whoever looks for the marks of SOPS by himself gives another answer than it.
#[test]
fn one_module_says_what_is_encrypted() {
    let marks = ["\"ENC[", "get(\"sops\")", "&[\"sops\"", "sops_mac="];
    for (path, text) in sources() {
        let own = path.starts_with("src/world/secrecy") || path.starts_with("crates/sops");
        let in_tests = path.ends_with("tests.rs");
        for (number, line) in code(&text).filter(|_| !own && !in_tests) {
            for mark in marks {
                assert!(
                    !line.contains(mark),
                    "{}:{}: ask `world::secrecy`",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

/// A word has one meaning: what stands at a path and is not ours is foreign; what people have added is called so.
#[test]
fn foreign_is_the_state_of_a_path() {
    let may = ["src/diff", "src/adopt/state.rs"];
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("src")) {
        for (number, line) in code(&text) {
            // Codes and what machines read keep their words.
            let line = line.to_ascii_lowercase();
            let kept = ["foreign/", "foreign.md", "foreign-", "/foreign\"", "\"foreign\""];
            let allowed = may.iter().any(|place| path.starts_with(place))
                || kept.iter().any(|word| line.contains(word))
                || !line.contains("foreign");
            assert!(
                allowed,
                "{}:{}: say what it is, `added` for what people have added",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= 600,
            "{}: {lines} lines; what noun hides in it?",
            path.display()
        );
    }
}

/// What is secret depends on the repository's own apps: whoever asks the built-in keys alone gets half an answer.
#[test]
fn what_is_secret_is_asked_of_the_vocabulary() {
    // What a name may not be, and what built-in rules ask for.
    let may = [
        "src/config",
        "src/validate",
        "src/catalog/keys.rs",
        "src/plan/per_app.rs",
    ];
    for (path, text) in sources() {
        let code = code_text(&text);
        let allowed = may.iter().any(|place| path.starts_with(place));
        assert!(
            allowed || !code.contains("schema::keys()"),
            "{}: asks the built-in keys, not the vocabulary",
            path.display()
        );
    }
}

/// Only the terminal's own module writes to the standard streams: what it prints has passed the filter of
/// `diag::screen`, so no command can forget it. Styles are those of that module.
#[test]
fn one_module_writes_to_the_screen() {
    let forbidden = [
        "io::stdout",
        "io::stderr",
        "print!(",
        "println!(",
        "anstyle::",
        "anstream::",
        "\\u{1b}[",
        "\\x1b",
        "/dev/tty",
    ];
    let allowed = ["src/cli/ui.rs", "src/diag/screen.rs"];
    for (path, text) in sources() {
        if allowed.iter().any(|own| path.ends_with(Path::new(own))) {
            continue;
        }
        for (_, line) in code(&text) {
            for word in forbidden {
                assert!(!line.contains(word), "{}: {line}", path.display());
            }
        }
    }
}

/// What cannot happen is said by a type; what can is reported.
#[test]
fn nothing_counts_on_being_unreachable() {
    for (path, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!code.contains("unreachable!("), "{}", path.display());
    }
}

#[test]
fn no_work_is_left_in_the_sources() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("dbg", "!("),
    ];
    for (path, text) in sources() {
        for word in words {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}
