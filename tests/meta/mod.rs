//! The repository about itself: direction of dependencies, sizes, words.

mod boundary;
mod circles;
mod codes;
mod conformance;
mod docs;
mod positions;
mod stages;

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

#[test]
fn modules_depend_only_on_earlier_ones() {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    // The crates below `crates/` cannot use the program: cargo sees to that.
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("src")) {
        let Some(module) = path.components().nth(1) else {
            continue;
        };
        let module = module
            .as_os_str()
            .to_string_lossy()
            .trim_end_matches(".rs")
            .to_owned();
        if ["lib", "main", "testing"].contains(&module.as_str()) {
            continue;
        }
        let rank = |name: &str| ORDER.iter().position(|m| *m == name);
        let own = rank(&module).unwrap_or_else(|| panic!("`{module}` has no place in ORDER"));
        seen.insert(module.clone());
        for (_, line) in code(&text) {
            for (at, _) in line.match_indices("crate::") {
                let target: String = line[at + 7..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                let Some(other) = rank(&target) else { continue };
                if other > own {
                    found.push(format!("{}: {module} uses {target}", path.display()));
                }
            }
        }
    }
    assert_eq!(found, [""; 0]);
    assert_eq!(
        seen,
        ORDER.iter().map(|m| (*m).to_owned()).collect(),
        "every module has a place"
    );
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
